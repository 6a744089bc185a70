# SPDX-License-Identifier: GPL-2.0-only
"""A task that waits alone beside one that never sleeps gets its turns, long before the kernel's watchdog would look for
it.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import Iterator

import machine
import task
from case import Options, case, check
from scheduler import Scheduler

# What the kernel's half allows, half as much again for a virtual CPU that stands still, and well under the watchdog's
# 30 s.
LONGEST_S = 8.0
LOOKS_S = 0.1
# Between two turns of a task that is always rescued pass 5 s.
FULL_S, QUICK_S = 40.0, 11.0
DISPLACED_S = 3.0
UNBOUND = Path("/sys/devices/virtual/workqueue/cpumask")
# How often each CPU's counters are folded, by a worker of that CPU.
FOLD_S = Path("/proc/sys/vm/stat_interval")


@contextlib.contextmanager
def quiet(cpus: list[int]) -> Iterator[None]:
    """Nothing wakes up on some CPUs but what has to: another wakeup there would help whoever waits."""
    others = [other for other in machine.online() if other not in cpus]
    before = {UNBOUND: UNBOUND.read_text(), FOLD_S: FOLD_S.read_text()}
    for folder in Path("/proc").glob("[0-9]*"):
        # Those of one CPU, and those that are gone by now.
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(folder.name), others)
    UNBOUND.write_text(f"{sum(1 << other for other in others):x}")
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


@case(every_kernel=True, cpus_min=4)
def starvation(options: Options) -> str:
    """Nice 19, and SCHED_IDLE, alone beside a hog of nice -20 where nothing else wakes up; and one that a real-time hog
    displaces.
    """
    cpus = machine.online()
    with Scheduler("--model", "off"):
        with quiet(cpus[-2:]):
            told = [alone(options, dict(zip(cpus[-2:], ({"nice": 19}, {"idle": True}))))]
        told.append(displaced(cpus))
    return "; ".join(told)


def alone(options: Options, weak_on: dict[int, dict]) -> str:
    """A weak task and a hog on each CPU: how long the weak ones stand still."""
    seconds = options.pick(FULL_S, QUICK_S)
    hogs = [task.spawn(task.burn, [cpu], nice=-20) for cpu in weak_on]
    task.await_running(hogs)
    weak = [task.spawn(task.burn, [cpu], name="weak", **kinds) for cpu, kinds in weak_on.items()]
    # A new one has its first turns at once.
    time.sleep(1)
    before, had = task.ran_all_ns(hogs + weak), [task.schedstat(pid)[2] for pid in weak]
    longest = longest_stand_s(weak, seconds)
    gained = {pid: ran - before[pid] for pid, ran in task.ran_all_ns(hogs + weak).items()}
    turns = [task.schedstat(pid)[2] - count for pid, count in zip(weak, had, strict=True)]
    shares = [100 * gained[pid] / (gained[pid] + gained[hog]) for pid, hog in zip(weak, hogs, strict=True)]
    task.end(hogs + weak)
    told = ", ".join(
        f"{kinds} at most {stand:.1f} s without a turn, {count} turns in {seconds:.0f} s, {share:.2f} % of the CPU"
        for kinds, stand, count, share in zip(weak_on.values(), longest, turns, shares, strict=True)
    )
    check(max(longest) <= LONGEST_S, f"never {LONGEST_S:g} s without a turn", told)
    check(min(turns) >= int(seconds / LONGEST_S), f"at least {int(seconds / LONGEST_S)} turns", told)
    # A turn that saves a task from waiting takes next to nothing from what weights give.
    check(max(shares) < 1.0, "less than 1 % for the weak", told)
    return told


def displaced(cpus: list[int]) -> str:
    """A real-time hog takes the CPU of a task that may run elsewhere, while the others idle: the task goes on there."""
    cpu = cpus[-1]
    victim = task.hogs(1, [cpu], name="victim")[0]
    os.sched_setaffinity(victim, cpus)
    hog = task.spawn(real_time, [cpu], name="realtime")
    task.await_running([hog])
    before, begin = task.ran_ns(victim), time.monotonic()
    time.sleep(DISPLACED_S)
    share = 100 * (task.ran_ns(victim) - before) / 1e9 / (time.monotonic() - begin)
    where = task.cpu_of(victim)
    task.end([hog, victim])
    told = f"{share:.0f} % of a CPU for one that was displaced"
    check(where != cpu, f"it elsewhere than on CPU {cpu}", told)
    check(share >= 50, "at least half a CPU for it", told)
    return told


@case(cpus_min=2, thorough=True)
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
        longest = longest_stand_s(waiting, FULL_S / 2)
        task.end([hog, *hogs, *waiting])
    told = f"at most {max(longest):.1f} s without a turn for {len(waiting)} tasks beside {len(hogs)} hogs"
    check(max(longest) <= 2 * LONGEST_S, f"never {2 * LONGEST_S:g} s without a turn", told)
    return told


def real_time() -> None:
    """Burns as a real-time task."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    task.burn()
