# SPDX-License-Identifier: GPL-2.0-only
"""No CPU idles beside its own queue."""

import os
import time

import machine
import task
import trace
from case import Options, case, check
from scheduler import Scheduler

# A task that is forgotten waits until something else wakes its CPU up.
FORGOTTEN_MS = 20.0
LONGER_S = 60.0


@case(clock="instructions")
def none_forgotten(options: Options) -> str:
    """While decisions move tasks about, the daemon's own included, none waits on a CPU that idles."""
    with Scheduler("--model", "off", "--interval-ms", "20") as scheduler:
        with trace.Recording() as recording:
            end = time.monotonic() + options.pick(16, 8)
            # Idle CPUs steal, so that few decisions are needed: on until there was one.
            while time.monotonic() < end or not (scheduler.stats()["applied"] or time.monotonic() > end + LONGER_S):
                # All on one domain, then free: the daemon has to act, with idle CPUs beside it.
                tasks = [task.spawn(task.burn, machine.domains()[0]) for _ in range(3)]
                time.sleep(0.5)
                for pid in tasks:
                    os.sched_setaffinity(pid, machine.online())
                time.sleep(1.0)
                task.end(tasks)
        waits = recording.neglected()
        applied = scheduler.stats()["applied"]
    check(applied > 0, "decisions that were applied", "none")
    check(len(waits) > 100, "over 100 runs that began on an idle CPU", f"{len(waits)}")
    longest = waits[0]
    check(
        longest[0] < FORGOTTEN_MS,
        f"waits of less than {FORGOTTEN_MS:g} ms on CPUs that idle",
        f"{longest[1]} on CPU {longest[2]}: {longest[0]:.0f} ms",
    )
    return (
        f"{applied} decisions applied; of {len(waits)} runs that began on an idle CPU the latest came {longest[0]:.1f} "
        "ms late"
    )
