# SPDX-License-Identifier: GPL-2.0-only
"""Hundreds that want one CPU: all of them get on, and nobody waits far longer than under the kernel's own scheduler."""

import load
import task
from case import Options, case, check
from scheduler import Scheduler

THREADS, HOGS, SECONDS = 300, 2, 5
STAND_MAX = 2.0
# Below this no difference counts.
STAND_MS = 1000
# Those of nice 19, and how long the last of them may wait: what anybody may, and a turn of a tick or two for each.
WEAK, WEAK_STAND_MS = 400, 13_000


@case(every_kernel=True, cpus_min=2, clock="instructions")
def crowd(options: Options) -> str:
    """Hundreds of threads that wake up all the time, and two that never sleep, on one CPU: who waits longest, as under
    EEVDF.
    """
    program = load.compiled("crowd")
    own = stands(program)
    with Scheduler("--model", "off"):
        ours = stands(program)
    told = (
        f"a thread woke up {ours[0]} … {ours[1]} times (EEVDF {own[0]} … {own[1]}); at most {ours[2]} ms without a "
        f"turn for one that never sleeps ({own[2]} ms), {ours[3]} ms for one that woke up ({own[3]} ms)"
    )
    check(ours[0] > 0, "no thread without a turn", told)
    for here, there in zip(ours[2:], own[2:], strict=True):
        check(here <= max(STAND_MS, STAND_MAX * there), f"no more than {STAND_MAX:g} times EEVDF's", told)
    return told


def stands(program) -> list[int]:
    """What crowd.c prints."""
    command = ["taskset", "-c", "1", str(program), str(THREADS), str(HOGS), str(SECONDS)]
    return [int(number) for number in load.Program("crowd", command).finish().split()]


@case(cpus_min=2, thorough=True)
def weak_crowd(options: Options) -> str:
    """Hundreds of nice 19 beside one of nice -20 on one CPU: virtual time gives none of them a turn before the kernel's
    watchdog looks, and one rescued every 50 ms would be too few.
    """
    program = load.compiled("crowd")
    with Scheduler("--model", "off"):
        hog = task.spawn(task.burn, [1], nice=-20)
        task.await_running([hog])
        command = ["taskset", "-c", "1", "nice", "-n", "19", str(program), "1", str(WEAK), str(SECONDS)]
        longest_ms = int(load.Program("crowd", command).finish().split()[2])
        task.end([hog])
    told = f"at most {longest_ms} ms without a turn for {WEAK}"
    check(longest_ms <= WEAK_STAND_MS, f"no more than {WEAK_STAND_MS} ms", told)
    return told
