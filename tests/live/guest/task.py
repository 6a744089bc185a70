# SPDX-License-Identifier: GPL-2.0-only
"""Tasks that the tests make, and what the kernel counts of any task."""

import os
import time
from pathlib import Path
from typing import Callable, Iterable

from case import check

# Fields of /proc/PID/stat after the command's name, which may hold spaces (proc(5) counts from 1, the name is 2).
AFTER_NAME = 3
PROCESSOR = 39


def spawn(
    body: Callable[[], None], cpus: Iterable[int] | None = None, nice: int = 0, idle: bool = False, name: str = "hog"
) -> int:
    """Forks a task that runs `body`; its pid. It dies with the test (see main.py).

    It is bound from its first moment: one that binds itself may be moved, and that move be counted, before it does.
    """
    free = os.sched_getaffinity(0)
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    pid = os.fork()
    if pid:
        os.sched_setaffinity(0, free)
        return pid
    try:
        Path("/proc/self/comm").write_text(name)
        if nice:
            os.nice(nice)
        if idle:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        body()
    finally:
        os._exit(1)


def burn() -> None:
    """Uses its CPU for ever and never sleeps."""
    while True:
        pass


def hogs(count: int, cpus: Iterable[int] | None = None, **kinds) -> list[int]:
    """So many tasks that burn, once all of them have run."""
    pids = [spawn(burn, cpus, **kinds) for _ in range(count)]
    await_running(pids)
    return pids


def await_running(pids: list[int], limit_s: float = 30.0) -> None:
    """Waits until each of them has burnt something: it is past its start, which migrates as it likes."""
    begin = time.monotonic()
    while late := [pid for pid in pids if comm(pid).startswith("python") or ran_ns(pid) < 20_000_000]:
        check(
            time.monotonic() - begin < limit_s,
            f"every new task runs within {limit_s:g} s",
            f"{len(late)} of {len(pids)} that did not",
        )
        time.sleep(0.05)


def end(pids: Iterable[int]) -> None:
    """Kills children of this process and reaps them."""
    pids = list(pids)
    for pid in pids:
        os.kill(pid, 9)
    for pid in pids:
        os.waitpid(pid, 0)


def comm(pid: int) -> str:
    """Its name."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def cpu_of(pid: int) -> int:
    """The CPU that it runs on or ran on last."""
    return processor(Path(f"/proc/{pid}/stat").read_bytes())


def processor(stat: bytes) -> int:
    """The CPU in the text of /proc/PID/stat."""
    return int(stat.rpartition(b")")[2].split(None, PROCESSOR - AFTER_NAME + 1)[PROCESSOR - AFTER_NAME])


class Whereabouts:
    """In which domains some tasks are, and how long they ran. Who asks several times a second keeps the files open:
    under emulation, opening eight of them each time makes the one who asks a load like half a hog, and its answers
    late."""

    def __init__(self, pids: Iterable[int], domain_of: dict[int, int]) -> None:
        self.domain_of = domain_of
        self.stats = [os.open(f"/proc/{pid}/stat", os.O_RDONLY) for pid in pids]
        self.schedstats = [os.open(f"/proc/{pid}/schedstat", os.O_RDONLY) for pid in pids]

    def __enter__(self) -> "Whereabouts":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self.stats + self.schedstats:
            os.close(file)

    def domains(self) -> list[int]:
        """The domain of each."""
        return [self.domain_of[processor(os.pread(file, 4096, 0))] for file in self.stats]

    def count(self) -> list[int]:
        """How many of the tasks are in each domain."""
        counts = [0] * (max(self.domain_of.values()) + 1)
        for domain in self.domains():
            counts[domain] += 1
        return counts

    def ran_ns(self) -> list[int]:
        """Nanoseconds that each ran, ever."""
        return [int(os.pread(file, 256, 0).split(None, 1)[0]) for file in self.schedstats]


def threads(pid: int) -> list[int]:
    """Its threads."""
    return [int(folder.name) for folder in Path(f"/proc/{pid}/task").iterdir()]


def policy(pid: int) -> int:
    """Its scheduling policy, as sched(7) numbers them."""
    return os.sched_getscheduler(pid)


def schedstat(pid: int) -> tuple[int, int, int]:
    """Nanoseconds that it ran, nanoseconds that it waited, times that it got a CPU."""
    ran, waited, times = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(ran), int(waited), int(times)


def sleeps(pid: int) -> int:
    """How often it gave up its CPU to sleep."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("voluntary_ctxt_switches")))


def ran_ns(pid: int) -> int:
    """Nanoseconds that it ran."""
    return schedstat(pid)[0]


def ran_all_ns(pids: Iterable[int]) -> dict[int, int]:
    """Nanoseconds that each of them ran."""
    return {pid: ran_ns(pid) for pid in pids}


def count_by_domain(pids: Iterable[int], domain_of: dict[int, int]) -> list[int]:
    """How many of the tasks are in each domain."""
    counts = [0] * (max(domain_of.values()) + 1)
    for pid in pids:
        counts[domain_of[cpu_of(pid)]] += 1
    return counts
