# SPDX-License-Identifier: GPL-2.0-only
"""Weights are honoured: two hogs share a CPU as they do under the kernel's own scheduler, in the same boot."""

import time

import machine
import task
from case import Options, case, check
from scheduler import Scheduler

SECONDS = 8.0
APART_MAX = 0.10
# A SCHED_IDLE task gets so little that a tenth of it cannot be measured.
IDLE_POINTS_MAX = 1.0


@case(every_kernel=True, cpus_min=2)
def fairness(options: Options) -> str:
    """Nice 0 against nice 10, and SCHED_IDLE against normal, on one CPU: within 10 % of EEVDF's shares."""
    kernels_own = shares()
    with Scheduler("--model", "off"):
        ours = shares()
    told = (
        f"nice 0 : 10 = {written(ours[0])} (EEVDF {written(kernels_own[0])}), normal : SCHED_IDLE = {written(ours[1])} "
        f"(EEVDF {written(kernels_own[1])})"
    )
    for name, own, our in zip(("nice 0", "nice 10"), kernels_own[0], ours[0]):
        check(abs(our - own) <= APART_MAX * own, f"for {name} a share within {APART_MAX:.0%} of {own:.2f} %", told)
    check(
        abs(ours[1][0] - kernels_own[1][0]) <= APART_MAX * kernels_own[1][0],
        f"for normal a share within {APART_MAX:.0%} of EEVDF's",
        told,
    )
    check(
        abs(ours[1][1] - kernels_own[1][1]) <= IDLE_POINTS_MAX,
        f"for SCHED_IDLE a share within {IDLE_POINTS_MAX:g} point of EEVDF's",
        told,
    )
    return told


def written(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.2f} : {pair[1]:.2f} %"


def shares() -> list[tuple[float, float]]:
    """Percent of their CPU that each of two hogs gets: nice 0 and 10 on the first CPU, normal and SCHED_IDLE on the
    last.
    """
    cpus = machine.online()
    pairs = [
        (task.spawn(task.burn, [cpus[0]]), task.spawn(task.burn, [cpus[0]], nice=10)),
        (task.spawn(task.burn, [cpus[-1]]), task.spawn(task.burn, [cpus[-1]], idle=True)),
    ]
    everyone = [pid for pair in pairs for pid in pair]
    # The idle one takes its time to start; all of the others' shares have settled by then.
    task.await_running([pid for pid in everyone if pid != pairs[1][1]])
    time.sleep(1)
    before = task.ran_all_ns(everyone)
    time.sleep(SECONDS)
    ran = {pid: now - before[pid] for pid, now in task.ran_all_ns(everyone).items()}
    task.end(everyone)
    return [tuple(100 * ran[pid] / sum(ran[one] for one in pair) for pid in pair) for pair in pairs]
