# SPDX-License-Identifier: GPL-2.0-only
"""Machines of every shape, down to one CPU."""

import load
import machine
import task
from case import Options, case, check
from scheduler import Scheduler


@case(topologies=("1", "4", "2x2", "4x2", "2x2x2"), limit_s=300)
def shapes(options: Options) -> str:
    """It attaches, hackbench goes on, and so does a bound task on every CPU."""
    cpus, domains = machine.online(), machine.domains()
    seconds = options.pick(10, 5)
    with Scheduler("--model", "off") as scheduler:
        hackbench = load.hackbench(seconds, groups=1)
        bound = {cpu: task.spawn(task.burn, [cpu]) for cpu in cpus}
        task.await_running(list(bound.values()))
        before = task.ran_all_ns(bound.values())
        rounds = int(hackbench.finish(limit_s=seconds + load.GRACE_S))
        least = min((task.ran_ns(pid) - before[pid]) / 1e6 for pid in bound.values())
        strays = [cpu for cpu, pid in bound.items() if task.cpu_of(pid) != cpu]
        found = scheduler.stats()["domains"]
    check(rounds > 0, "a round of hackbench", "none")
    check(least > 0, "progress of every bound task", f"{least} ms")
    check(not strays, "every bound task on its CPU", f"those of {strays} elsewhere")
    check(len(found) == len(domains), f"{len(domains)} domains as in sysfs", f"{len(found)}")
    return (
        f"{len(cpus)} CPUs in {len(domains)} domains, attached in {scheduler.attach_s:.1f} s; {rounds} rounds of "
        f"hackbench, bound tasks ran {least:.0f} ms at least"
    )
