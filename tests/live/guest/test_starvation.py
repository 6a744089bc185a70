# SPDX-License-Identifier: GPL-2.0-only
"""A task that waits alone beside one that never sleeps gets its turns, long before the kernel's watchdog would look for it."""

import contextlib
import os
import time
from pathlib import Path
from typing import Iterator

import machine
import task
from case import Options, case, check
from scheduler import Scheduler

# What the kernel's half allows, half as much again for a virtual CPU that stands still, and well under the watchdog's 30 s.
LONGEST_S = 8.0
LOOKS_S = 0.1
# Between two turns of a task that is always rescued pass 5 s.
FULL_S, QUICK_S = 40.0, 18.0
UNBOUND = Path("/sys/devices/virtual/workqueue/cpumask")
# How often each CPU's counters are folded, by a worker of that CPU.
FOLD_S = Path("/proc/sys/vm/stat_interval")


@contextlib.contextmanager
def quiet(cpu: int) -> Iterator[None]:
    """Nothing wakes up on a CPU but what has to: another wakeup there would help whoever waits."""
    others = [other for other in machine.online() if other != cpu]
    mask = f"{sum(1 << other for other in others):x}"
    before = {UNBOUND: UNBOUND.read_text(), FOLD_S: FOLD_S.read_text()}
    for folder in Path("/proc").glob("[0-9]*"):
        # Those of one CPU, and those that are gone by now.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(folder.name), others)
    UNBOUND.write_text(mask)
    FOLD_S.write_text("3600")
    try:
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


def longest_stand_s(pids: list[int], seconds: float) -> list[float]:
    """The longest time that each of them did not get on."""
    files = [os.open(f"/proc/{pid}/schedstat", os.O_RDONLY) for pid in pids]
    try:
        begin = now = time.monotonic()
        ran = [os.pread(file, 256, 0).split()[0] for file in files]
        since, longest = [begin] * len(pids), [0.0] * len(pids)
        while now - begin < seconds:
            time.sleep(LOOKS_S)
            now = time.monotonic()
            for which, file in enumerate(files):
                before, ran[which] = ran[which], os.pread(file, 256, 0).split()[0]
                longest[which] = max(longest[which], now - since[which])
                if ran[which] != before:
                    since[which] = now
        return longest
    finally:
        for file in files:
            os.close(file)


@case(every_kernel=True, cpus_min=2)
def starvation(options: Options) -> str:
    """Nice 19, and SCHED_IDLE, alone beside a hog of nice -20 on a CPU where nothing else wakes up: never 8 s without a turn."""
    seconds, told = options.pick(FULL_S, QUICK_S), []
    cpu = machine.online()[-1]
    with Scheduler("--model", "off"), quiet(cpu):
        for name, kinds in (("nice 19", {"nice": 19}), ("SCHED_IDLE", {"idle": True})):
            hog = task.hogs(1, [cpu], nice=-20)[0]
            weak = task.spawn(task.burn, [cpu], name="weak", **kinds)
            before, turns = task.ran_ns(hog), task.schedstat(weak)[2]
            longest = longest_stand_s([weak], seconds)[0]
            share = 100 * task.ran_ns(weak) / (task.ran_ns(weak) + task.ran_ns(hog) - before)
            turns = task.schedstat(weak)[2] - turns
            task.end([hog, weak])
            told.append(f"{name} at most {longest:.1f} s without a turn, {turns} turns in {seconds:.0f} s, {share:.2f} % of the CPU")
            check(longest <= LONGEST_S, f"{name} never {LONGEST_S:g} s without a turn", told[-1])
            check(turns >= int(seconds / LONGEST_S), f"{name} to run at least {int(seconds / LONGEST_S)} times", told[-1])
            # A turn that saves a task from waiting takes next to nothing from what weights give.
            check(share < 1.0, f"less than 1 % for {name}", told[-1])
    return "; ".join(told)


@case(every_kernel=True, cpus_min=2)
def displaced(options: Options) -> str:
    """A real-time hog takes the CPU of a task that may run elsewhere, while the others idle: the task goes on there."""
    seconds = options.pick(10, 5)
    cpu = machine.online()[-1]
    with Scheduler("--model", "off"):
        victim = task.hogs(1, [cpu], name="victim")[0]
        os.sched_setaffinity(victim, machine.online())
        hog = task.spawn(real_time, [cpu], name="realtime")
        task.await_running([hog])
        before, begin = task.ran_ns(victim), time.monotonic()
        time.sleep(seconds)
        share = 100 * (task.ran_ns(victim) - before) / 1e9 / (time.monotonic() - begin)
        where = task.cpu_of(victim)
        task.end([hog, victim])
    told = f"{share:.0f} % of a CPU for the task that was displaced, on CPU {where}"
    check(where != cpu, f"it elsewhere than on CPU {cpu}", told)
    # Half of what it would have alone: the host may have other things to do.
    check(share >= 50, "at least half a CPU for it", told)
    return told


@case(cpus_min=2)
def displaced_among_busy(options: Options) -> str:
    """A real-time hog holds a CPU and ordinary hogs all the others: who waits where nobody looks is fetched."""
    cpus = machine.online()
    cpu = cpus[-1]
    with Scheduler("--model", "off"):
        hogs = task.hogs(2 * len(cpus) - 2, cpus[:-1])
        waiting = task.hogs(2, [cpu], name="waiting")
        hog = task.spawn(real_time, [cpu], name="realtime")
        task.await_running([hog])
        for pid in waiting:
            os.sched_setaffinity(pid, cpus)
        longest = longest_stand_s(waiting, options.pick(FULL_S, QUICK_S))
        task.end([hog, *hogs, *waiting])
    told = f"at most {max(longest):.1f} s without a turn for {len(waiting)} tasks beside {len(hogs)} hogs"
    check(max(longest) <= 2 * LONGEST_S, f"never {2 * LONGEST_S:g} s without a turn", told)
    return told


def real_time() -> None:
    """Burns as a real-time task."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    task.burn()
