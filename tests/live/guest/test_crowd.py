# SPDX-License-Identifier: GPL-2.0-only
"""Hundreds that want one CPU: all of them get on, and nobody waits far longer than under the kernel's own scheduler."""

import load
from case import Options, case, check
from scheduler import Scheduler

THREADS, HOGS, SECONDS = 300, 2, 5
STAND_MAX = 2.0
# Below this no difference counts.
STAND_MS = 1000


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
