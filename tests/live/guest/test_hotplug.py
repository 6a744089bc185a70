# SPDX-License-Identifier: GPL-2.0-only
"""CPUs go off and come back: the scheduler starts again for the machine that is there."""

import time

import kernel
import machine
import task
from case import Options, case, check
from scheduler import Scheduler

# The verifier is emulated too: what takes seconds takes a minute on a full host.
ENABLED_S = 120.0
STORM_S = 0.5


@case(every_kernel=True, domains_min=2, cpus_min=4, limit_s=1500)
def hotplug(options: Options) -> str:
    """One CPU, and a whole domain, off and on: each time it is enabled again, and tasks run."""
    times = options.pick(10, 2)
    every = machine.online()
    sets = [[every[-1]], [cpu for cpu in machine.domains()[-1] if cpu]]
    slowest = 0.0
    with Scheduler("--model", "off") as scheduler:
        hogs = task.hogs(len(every))
        for _ in range(times):
            for cpus in sets:
                slowest = max(slowest, switch(scheduler, hogs, cpus, False), switch(scheduler, hogs, cpus, True))
        final = scheduler.stats()
        check(machine.online() == every, "all CPUs on in the end", f"{machine.online()}")
        check(
            len(final["domains"]) == len(machine.domains()),
            "every domain in the statistics",
            f"{len(final['domains'])}",
        )
    return (
        f"{times} times CPU {sets[0][0]} and CPUs {sets[1]} off and on: enabled again after {slowest:.1f} s at most, "
        f"{len(hogs)} hogs always ran"
    )


@case(every_kernel=True, domains_min=2, cpus_min=4, limit_s=600)
def hotplug_storm(options: Options) -> str:
    """CPUs go off and on every half second, beside hogs: whatever moment that falls into, in the end it is attached to
    all.
    """
    every = machine.online()
    with Scheduler("--model", "off") as scheduler:
        hogs = task.hogs(len(every))
        seq, begin, switches = kernel.enable_seq(), time.monotonic(), 0
        # Attaching takes many of these times, so that they come while it reads, loads and attaches.
        while switches < options.pick(120, 40):
            cpu = every[-1 - switches // 2 % 2]
            machine.set_online(cpu, switches % 2 == 1)
            switches += 1
            scheduler.check_alive()
            time.sleep(STORM_S)
        took = time.monotonic() - begin
        begin = time.monotonic()
        while kernel.state() != "enabled" or scheduler_cpus(scheduler) != len(every):
            scheduler.check_alive()
            waited = time.monotonic() - begin
            check(
                waited < ENABLED_S,
                f"an enabled scheduler within {ENABLED_S:g} s of the last CPU",
                f"'{kernel.state()}', {scheduler.log().splitlines()[-1:]}",
            )
            time.sleep(0.1)
        calm = time.monotonic() - begin
        ran = task.ran_all_ns(hogs)
        time.sleep(1)
        still = [pid for pid in hogs if task.ran_ns(pid) <= ran[pid]]
        lives = kernel.enable_seq() - seq
        check(not still, "every hog runs in the end", f"{len(still)} of {len(hogs)} that do not")
        check(lives > 0, "a scheduler that started again", "none")
    return (
        f"{switches} switches in {took:.0f} s: enabled {lives} times more, attached to all {len(every)} CPUs "
        f"{calm:.1f} s after the last; exit code 0"
    )


def switch(scheduler: Scheduler, hogs: list[int], cpus: list[int], on: bool) -> float:
    """Switches CPUs, one right after the other, and waits for the scheduler; seconds until it was there."""
    what = f"CPUs {cpus} {'on' if on else 'off'}"
    before, begin = kernel.enable_seq(), time.monotonic()
    for cpu in cpus:
        machine.set_online(cpu, on)
    while (
        kernel.state() != "enabled"
        or kernel.enable_seq() == before
        or scheduler_cpus(scheduler) != len(machine.online())
    ):
        scheduler.check_alive()
        waited = time.monotonic() - begin
        check(
            waited < ENABLED_S,
            f"an enabled scheduler within {ENABLED_S:g} s of {what}",
            f"'{kernel.state()}', {scheduler.log().splitlines()[-1:]}",
        )
        time.sleep(0.1)
    took = time.monotonic() - begin
    ran = task.ran_all_ns(hogs)
    time.sleep(1)
    still = [pid for pid in hogs if task.ran_ns(pid) <= ran[pid]]
    check(not still, f"every hog runs after {what}", f"{len(still)} of {len(hogs)} that do not")
    check(kernel.state() == "enabled", f"the state 'enabled' a second after {what}", kernel.state())
    return took


def scheduler_cpus(scheduler: Scheduler) -> int:
    """How many CPUs the attached scheduler was made for: the capacity of its domains."""
    attached = [line for line in scheduler.log().splitlines() if "attached: " in line]
    return int(attached[-1].rpartition(" CPU")[0].rpartition(" ")[2]) if attached else 0
