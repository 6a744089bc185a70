# SPDX-License-Identifier: GPL-2.0-only
"""Who yields hands over: what waits for others by yielding gets on as under the kernel's own scheduler."""

from pathlib import Path

import load
from case import Options, case, check
from scheduler import Scheduler

THREADS, SECONDS = 8, 1
LOCKS_MIN = 0.95


@case(every_kernel=True, cpus_min=2, clock="instructions")
def yields(options: Options) -> str:
    """Threads that wait for a lock by yielding take it as often as under EEVDF; on several CPUs, for the record."""
    spin = load.compiled("spin")
    own = locks(spin)
    with Scheduler("--model", "off") as scheduler:
        ours = locks(spin)
    handed = scheduler.final["yields"]
    told = f"{ours[0]} locks taken (EEVDF {own[0]}), on one CPU {ours[1]} ({own[1]}); {handed} turns handed over"
    # On several CPUs it depends on who happens to be where: EEVDF's own count differs by two from boot to boot.
    check(ours[1] >= LOCKS_MIN * own[1], f"at least {LOCKS_MIN:g} times EEVDF's locks on one CPU", told)
    check(handed > 0, "turns that were handed over", told)
    return told


def locks(spin: Path) -> list[int]:
    """Locks taken on all CPUs, and on one."""
    command = [str(spin), str(THREADS), str(SECONDS)]
    return [int(load.Program("spin", [*bound, *command]).finish().split()[0]) for bound in ([], ["taskset", "-c", "1"])]
