# SPDX-License-Identifier: GPL-2.0-only
"""Who wakes up: whom it interrupts, for how long, and what it is owed."""

import mmap
import os
import struct
import time

import machine
import task
from case import Options, case, check
from scheduler import Scheduler

MESSAGES = 400
WRITER_BURNS_S = 100e-6
# nice -7: 4.8 times the weight of nice 0. Its bursts are longer than the turn of one that is not heavier.
HEAVY_NICE, HEAVY_S, HEAVY_PERIOD_S = -7, 8e-3, 40e-3
# A tick, and what wakes up besides.
HEAVY_WAITS_MAX_S = 5e-3
WORK_S, PERIOD_S = 8e-3, 10e-3
HOGS_A_CPU = 2


def burn(seconds: float) -> None:
    """Uses that much CPU time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Worker:
    """A task that works for a while at the beginning of each period; what it notes is shared with who made it."""

    def __init__(self, work_s: float, period_s: float, **kinds) -> None:
        self.work_s, self.period_s = work_s, period_s
        self.memory = mmap.mmap(-1, 8 + 16 * 4096)
        self.pid = task.spawn(self.work, name="worker", **kinds)

    def work(self) -> None:
        count, due = 0, time.monotonic() + self.period_s
        while count < 4096:
            time.sleep(max(0.0, due - time.monotonic()))
            late = time.monotonic() - due
            burn(self.work_s)
            struct.pack_into("=dd", self.memory, 8 + 16 * count, late, time.monotonic() - due)
            count += 1
            struct.pack_into("=q", self.memory, 0, count)
            # A period that is over by now is missed.
            while due <= time.monotonic():
                due += self.period_s

    def seen(self) -> list[tuple[float, float]]:
        """For each period that it worked in, seconds from its begin until it ran, and until it was done."""
        (count,) = struct.unpack_from("=q", self.memory, 0)
        return [struct.unpack_from("=dd", self.memory, 8 + 16 * which) for which in range(count)]


def part(values: list[float], of_100: int) -> float:
    """A percentile, by nearest rank."""
    return sorted(values)[max(0, -(-len(values) * of_100 // 100) - 1)]


@case(cpus_min=2, clock="instructions")
def synchronous_wakeups(options: Options) -> str:
    """Who writes into a pipe is not interrupted by its reader for each message, and with `--no-sync-waits` it is."""
    turns = {}
    for name, arguments in (("waits", ()), ("interrupts", ("--no-sync-waits",))):
        # Without the other rule, by which who has just begun is not interrupted by whom it wakes.
        with Scheduler("--model", "off", "--spare-us", "0", *arguments):
            turns[name] = turns_of_reader(machine.online()[:2])
    told = (
        f"{MESSAGES} messages in {turns['waits']} turns of the reader, in {turns['interrupts']} where a synchronous "
        "wakeup interrupts"
    )
    check(turns["waits"] <= MESSAGES // 8, f"at most {MESSAGES // 8} turns", told)
    # Not for each message: the reader's lead is bounded.
    check(turns["interrupts"] >= 3 * turns["waits"], "three times as many where it interrupts", told)
    return told


def turns_of_reader(cpus: list[int]) -> int:
    """How often the reader of a pipe got a CPU while a task wrote into it; a hog keeps each CPU from idling."""
    hogs = [pid for cpu in cpus for pid in task.hogs(1, [cpu])]
    source, sink = os.pipe()
    begin, go = os.pipe()

    def read() -> None:
        while os.read(source, 1):
            pass

    def write() -> None:
        os.read(begin, 1)
        for _ in range(MESSAGES):
            os.write(sink, b"x")
            burn(WRITER_BURNS_S)
        os._exit(0)

    reader = task.spawn(read, cpus, name="reader")
    writer = task.spawn(write, cpus, name="writer")
    time.sleep(0.3)
    before = task.schedstat(reader)[2]
    os.write(go, b"x")
    os.waitpid(writer, 0)
    after = task.schedstat(reader)[2]
    task.end([reader, *hogs])
    for file in (source, sink, begin, go):
        os.close(file)
    return after - before


@case(clock="instructions")
def weight_at_wakeups(options: Options) -> str:
    """A task of nice -7 that asks for a fifth of its CPU does not wait for the slice of a hog of nice 0."""
    with Scheduler("--model", "off"):
        cpu = machine.online()[-1]
        hogs = task.hogs(1, [cpu])
        worker = Worker(HEAVY_S, HEAVY_PERIOD_S, cpus=[cpu], nice=HEAVY_NICE)
        time.sleep(options.pick(4.0, 2.0))
        waits = [done - HEAVY_S for _, done in worker.seen()[1:]]
        task.end([worker.pid, *hogs])
    check(len(waits) > 10, "more than 10 bursts of the worker", f"{len(waits)}")
    told = f"{len(waits)} bursts of {HEAVY_S * 1e3:g} ms, which waited {part(waits, 50) * 1e3:.1f} ms in the median"
    told += f", {part(waits, 90) * 1e3:.1f} ms in the 90th percentile"
    check(part(waits, 90) <= HEAVY_WAITS_MAX_S, f"at most {HEAVY_WAITS_MAX_S * 1e3:g} ms in 90 % of them", told)
    return told


@case(clock="instructions", limit_s=480.0)
def worker_among_hogs(options: Options) -> str:
    """A task that asks for 80 % of a CPU, among two hogs a CPU, gets a third of one, as soon as under EEVDF."""
    seconds = options.pick(4.0, 2.5)
    kernels_own = among_hogs(seconds)
    with Scheduler("--model", "off"):
        ours = among_hogs(seconds)
    told = "; ".join(
        f"{name}: {share:.2f} of a CPU, {late * 1e3:.1f} ms late in the mean"
        for name, (share, late) in (("EEVDF", kernels_own), ("ours", ours))
    )
    least = 0.9 / (HOGS_A_CPU + 1)
    check(ours[0] >= least, f"at least {least:.2f} of a CPU", told)
    # A tick more, for the few that a short run has.
    check(ours[1] <= kernels_own[1] + 4e-3, "no later than under EEVDF and a tick", told)
    return told


def among_hogs(seconds: float) -> tuple[float, float]:
    """What part of a CPU the worker got, and how long after a period's begin it ran, in the mean."""
    hogs = task.hogs(HOGS_A_CPU * len(machine.online()))
    worker = Worker(WORK_S, PERIOD_S)
    time.sleep(0.3)
    before, begin, first = task.ran_ns(worker.pid), time.monotonic(), len(worker.seen())
    time.sleep(seconds)
    ran, took = task.ran_ns(worker.pid) - before, time.monotonic() - begin
    late = [late for late, _ in worker.seen()[first:]]
    task.end([worker.pid, *hogs])
    check(len(late) > 5, "more than 5 bursts of the worker", f"{len(late)}")
    return ran / 1e9 / took, sum(late) / len(late)
