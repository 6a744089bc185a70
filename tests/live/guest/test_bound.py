# SPDX-License-Identifier: GPL-2.0-only
"""Tasks that may not run everywhere: bound ones, per-CPU kernel threads, those whose migration is disabled."""

import mmap
import os
import struct
import time
from pathlib import Path

import bpf
import machine
import task
import trace
from case import Options, case, check
from scheduler import Scheduler

PERIOD_S = 0.01
# Slices are tens of milliseconds, and what the host does to a virtual CPU does not show on this clock. Beside that a
# comparison with the kernel's own scheduler in the same boot.
WAIT_MAX_MS = 100.0
# Asks every CPU's kernel worker to fold its counters and waits for all of them.
REFRESH = Path("/proc/sys/vm/stat_refresh")


class Lateness:
    """How late tasks wake up at worst; shared with them, a slot for each."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.memory = mmap.mmap(-1, 16 * slots)

    def sleeper(self, slot: int) -> None:
        """Sleeps for a period, over and over, and notes the worst delay and the number of periods."""
        worst, periods = 0.0, 0
        while True:
            begin = time.monotonic()
            time.sleep(PERIOD_S)
            # What comes first is the start of the interpreter's child, not a sleep.
            if periods:
                worst = max(worst, time.monotonic() - begin - PERIOD_S)
            periods += 1
            struct.pack_into("=dq", self.memory, 16 * slot, worst, periods)

    def read(self) -> list[tuple[float, int]]:
        """Milliseconds at worst, and periods, of each."""
        return [(1e3 * worst, periods) for worst, periods in struct.iter_unpack("=dq", self.memory[:])]


def serve(seconds: float) -> tuple[list[tuple[float, int]], float, int]:
    """A hog and a sleeper bound to each CPU; the sleepers' lateness, the slowest refresh (ms), and strays."""
    cpus = machine.online()
    late = Lateness(len(cpus))
    hogs = {cpu: task.spawn(task.burn, [cpu]) for cpu in cpus}
    sleepers = [
        task.spawn(lambda slot=slot: late.sleeper(slot), [cpu], name="sleeper") for slot, cpu in enumerate(cpus)
    ]
    slowest, begin = 0.0, time.monotonic()
    while time.monotonic() - begin < seconds:
        time.sleep(0.2)
        start = time.monotonic()
        REFRESH.write_text("1")
        slowest = max(slowest, 1e3 * (time.monotonic() - start))
    strays = sum(task.cpu_of(pid) != cpu for cpu, pid in hogs.items())
    task.end([*hogs.values(), *sleepers])
    return late.read(), slowest, strays


@case(every_kernel=True, clock="instructions")
def bound_tasks(options: Options) -> str:
    """A hog on every CPU: the sleepers bound beside them, and per-CPU kernel threads, are served in time."""
    seconds = options.pick(6, 3)
    own, own_refresh, _ = serve(seconds)
    with Scheduler("--model", "off"):
        ours, refresh, strays = serve(seconds)
    worst, own_worst = max(ours)[0], max(own)[0]
    told = (
        f"sleepers at most {worst:.1f} ms late (EEVDF {own_worst:.1f}), per-CPU workers within {refresh:.1f} ms (EEVDF "
        f"{own_refresh:.1f})"
    )
    periods = min(count for _, count in ours)
    check(periods > 0, "every sleeper to wake up", f"one with {periods} periods")
    check(strays == 0, "every bound hog on its CPU", f"{strays} elsewhere")
    check(worst <= max(WAIT_MAX_MS, 2 * own_worst), f"sleepers at most {WAIT_MAX_MS:g} ms late", told)
    check(refresh <= max(WAIT_MAX_MS, 2 * own_refresh), f"per-CPU workers within {WAIT_MAX_MS:g} ms", told)
    return f"{told}, at least {periods} periods in {seconds} s"


@case(domains_min=2)
def affinity(options: Options) -> str:
    """Tasks whose affinity changes all the time, and tasks that disable migration, never run where they may not."""
    domains = machine.domains()
    places = [domains[0], domains[-1], [domains[0][0], domains[-1][-1]]]
    with Scheduler("--model", "off"):
        fixed = {task.spawn(task.burn, cpus): cpus for cpus in places for _ in range(3)}
        task.await_running(list(fixed))
        unmovable = [task.spawn(run_unmovable, name="unmovable") for _ in range(len(machine.online()))]
        with trace.switches() as switches:
            movers = [task.spawn(change_places, name="mover") for _ in range(2)]
            time.sleep(options.pick(10, 5))
            ran = switches.counts()
        stuck = [pid for pid in fixed if task.ran_ns(pid) < 20_000_000]
        changes = sum(count for (pid, _), count in ran.items() if pid in movers)
        codes = [os.waitpid(pid, 0)[1] for pid in unmovable]
        task.end([*fixed, *movers])
    outside = {key: count for key, count in ran.items() if key[0] in fixed and key[1] not in fixed[key[0]]}
    check(not outside, "no bound task switched in outside of its CPUs", f"{outside}")
    check(not stuck, "every bound task runs", f"{len(stuck)} that did not")
    check(not any(codes), "an end of every task that disables migration", f"exit codes {codes}")
    inside = sum(count for (pid, _), count in ran.items() if pid in fixed)
    return (
        f"{len(fixed)} bound tasks switched in {inside} times, never outside; {len(unmovable)} with migration disabled "
        f"ended; {changes} switches of 2 that change CPUs"
    )


def change_places() -> None:
    """Binds itself to one CPU after the other."""
    cpus = machine.online()
    while True:
        for cpu in cpus:
            os.sched_setaffinity(0, [cpu])
            time.sleep(0.001)


def run_unmovable() -> None:
    """Spends its time with migration disabled, then ends."""
    program = bpf.load()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        bpf.run(program, 100_000)
    os._exit(0)
