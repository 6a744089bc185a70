# SPDX-License-Identifier: GPL-2.0-only
"""Whom a real-time task displaces goes on elsewhere at once, where another CPU idles."""

import os
import time

import machine
import task
from case import Options, case, check
from scheduler import Scheduler
from test_starvation import quiet

ROUNDS = 10
BURST_S = 0.05
# A tick, and what a switch and a call of another CPU cost under emulation.
ROUND_MS = 4.0
SHARES_S = 4.0
APART_MAX = 6.0


@case(every_kernel=True, cpus_min=4, clock="instructions")
def displaced_at_once(options: Options) -> str:
    """A real-time task takes the CPU of an ordinary one again and again, while the others idle and nothing wakes them
    up.
    """
    cpus = machine.online()
    with quiet(cpus[1:]):
        own = displacements(cpus)
        with Scheduler("--model", "off"):
            ours = displacements(cpus)
    told = f"{ours:.2f} ms of waiting a displacement (EEVDF {own:.2f} ms)"
    check(ours <= max(ROUND_MS, 1.5 * own), f"at most {ROUND_MS:g} ms, or EEVDF's half as much again", told)
    return told


def displacements(cpus: list[int]) -> float:
    """How long the victim waits each time, in ms."""
    os.sched_setaffinity(0, cpus[:1])
    victim = task.hogs(1, cpus[1:], name="victim")[0]
    before = task.schedstat(victim)[1]
    for _ in range(ROUNDS):
        hog = task.spawn(burst, [task.cpu_of(victim)], name="realtime")
        os.waitpid(hog, 0)
        time.sleep(BURST_S)
    waited = task.schedstat(victim)[1] - before
    task.end([victim])
    return waited / ROUNDS / 1e6


def burst() -> None:
    """Burns as a real-time task, not for long."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    end = time.monotonic() + BURST_S
    while time.monotonic() < end:
        pass
    os._exit(0)


@case(topologies=("4",), every_kernel=True, cpus_min=4)
def busy_help(options: Options) -> str:
    """A real-time hog keeps a CPU, and twice as many ordinary ones as there are CPUs may run on all: each gets its
    share.

    One domain, in which the daemon balances nothing.
    """
    own = shares()
    with Scheduler("--model", "off") as scheduler:
        ours = shares()
    helped = scheduler.final["helped"]
    told = (
        f"least : most of {len(ours)} hogs = 1 : {ours[-1] / max(ours[0], 1e-9):.1f} "
        f"(EEVDF 1 : {own[-1] / own[0]:.1f}), {helped} helped"
    )
    check(APART_MAX * ours[0] >= ours[-1], f"no more than 1 : {APART_MAX:g}", told)
    return told


def shares() -> list[float]:
    """Seconds that each hog ran beside the real-time one, ascending."""
    cpus = machine.online()
    hogs = task.hogs(2 * len(cpus))
    # Those of its own CPU are displaced while the others are busy.
    keeper = task.spawn(keep, [cpus[1]], name="realtime")
    before = task.ran_all_ns(hogs)
    time.sleep(SHARES_S)
    ran = sorted((now - before[pid]) / 1e9 for pid, now in task.ran_all_ns(hogs).items())
    task.end([keeper, *hogs])
    return ran


def keep() -> None:
    """Burns as a real-time task."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    task.burn()


@case(every_kernel=True, cpus_min=4)
def off_and_allowed(options: Options) -> str:
    """One CPU is off, and a task may run on all but another, which idles: it is not taken for one that may run on
    all.
    """
    cpus = machine.online()
    barred, off = cpus[-2:]
    machine.set_online(off, False)
    try:
        with Scheduler("--model", "off") as scheduler:
            hogs = [task.hogs(1, [cpu])[0] for cpu in cpus[:-2]]
            sleeper = task.spawn(sleep_and_work, [cpu for cpu in cpus if cpu != barred], name="sleeper")
            task.await_running([sleeper])
            before, slept = scheduler.stats(), task.sleeps(sleeper)
            time.sleep(SHARES_S)
            after, wakeups = scheduler.stats(), task.sleeps(sleeper) - slept
            task.end([sleeper, *hogs])
    finally:
        machine.set_online(off, True)
    sent = after["wake_idle_elsewhere"] - before["wake_idle_elsewhere"]
    told = f"{wakeups} wakeups; {sent}, with those of others, sent to an idle CPU elsewhere"
    check(8 * sent < wakeups, "next to none sent to the CPU that it may not use", told)
    return told


def sleep_and_work() -> None:
    """Bursts that are too long to interrupt with."""
    while True:
        time.sleep(0.005)
        end = time.thread_time() + 0.004
        while time.thread_time() < end:
            pass
