# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own counts of scheduler events: histogram triggers of tracefs.

with Histogram("sched/sched_migrate_task", "pid", "orig_cpu", "dest_cpu") as moves:
    ...
    moves.counts()   # {(pid, orig, dest): times}
"""

import re
from pathlib import Path

EVENTS = Path("/sys/kernel/tracing/events")
ENTRY = re.compile(r"^\{ (.*?) \} hitcount:\s*(\d+)")
FIELD = re.compile(r"[\w.]+:\s*(-?\d+)")


class Histogram:
    """Counts an event by some of its fields while the context is open."""

    def __init__(self, event: str, *keys: str, only: str = "", size: int = 16384) -> None:
        self.folder = EVENTS / event
        self.trigger = f"hist:keys={','.join(keys)}:size={size}" + (f" if {only}" if only else "")

    def __enter__(self) -> "Histogram":
        (self.folder / "trigger").write_text(self.trigger)
        return self

    def __exit__(self, *_: object) -> None:
        (self.folder / "trigger").write_text("!" + self.trigger)

    def counts(self) -> dict[tuple[int, ...], int]:
        """How often each combination of the keys was seen."""
        text = (self.folder / "hist").read_text()
        dropped = re.search(r"Dropped: (\d+)", text)
        if dropped and int(dropped[1]):
            raise RuntimeError(f"the histogram of {self.folder.name} dropped {dropped[1]} events: make it larger")
        entries = (ENTRY.match(line) for line in text.splitlines())
        return {tuple(map(int, FIELD.findall(entry[1]))): int(entry[2]) for entry in entries if entry}


def migrations(only: str = "") -> Histogram:
    """Every change of CPU: (pid, from, to). The kernel may call it for a task that stays: see `real`."""
    return Histogram("sched/sched_migrate_task", "pid", "orig_cpu", "dest_cpu", only=only, size=65536)


def real(counts: dict[tuple[int, ...], int], pids: list[int] | None = None) -> dict[tuple[int, ...], int]:
    """The migrations that changed the CPU, of these tasks or of all."""
    return {key: count for key, count in counts.items() if key[1] != key[2] and (pids is None or key[0] in pids)}


def switches(comm: str = "") -> Histogram:
    """Who was switched in where: (pid, cpu)."""
    return Histogram(
        "sched/sched_switch", "next_pid", "common_cpu", only=f'next_comm=="{comm}"' if comm else "", size=65536
    )


class Recording:
    """Every switch and wakeup while the context is open, in the kernel's order."""

    SWITCH = re.compile(r"prev_pid=(\d+) prev_prio=\d+ prev_state=(\S+) ==> next_comm=(.*) next_pid=(\d+) next_prio")
    WAKEUP = re.compile(r" pid=(\d+) prio=\d+ target_cpu=(\d+)")
    LINE = re.compile(r"\[(\d+)\]\s+\S+\s+(\d+\.\d+): (\w+): (.*)")
    WANTED = ("sched_switch", "sched_wakeup", "sched_wakeup_new")

    def __init__(self, buffer_kb: int = 16384) -> None:
        self.root = EVENTS.parent
        self.buffer_kb = buffer_kb

    def __enter__(self) -> "Recording":
        (self.root / "trace_clock").write_text("mono")
        (self.root / "buffer_size_kb").write_text(str(self.buffer_kb))
        (self.root / "trace").write_text("")
        self.switch_on(True)
        return self

    def __exit__(self, *_: object) -> None:
        self.switch_on(False)

    def switch_on(self, on: bool) -> None:
        for event in self.WANTED:
            (EVENTS / "sched" / event / "enable").write_text(str(int(on)))

    def neglected(self) -> list[tuple[float, str, int]]:
        """Waits of runnable tasks while nothing at all ran on the CPU where they wait: (ms, task, CPU), the longest
        first.
        """
        running, waiting, idle_since, waits = {}, {}, {}, []
        for line in (self.root / "trace").read_text(errors="replace").splitlines():
            found = self.LINE.search(line)
            if not found:
                continue
            cpu, at_ms, name, rest = int(found[1]), 1e3 * float(found[2]), found[3], found[4]
            if name == "sched_switch" and (switch := self.SWITCH.search(rest)):
                prev, state, comm, task = int(switch[1]), switch[2], switch[3], int(switch[4])
                if prev and state.startswith("R"):
                    waiting[prev] = (cpu, at_ms)
                if task in waiting:
                    queue, since = waiting.pop(task)
                    # It may have been moved before it ran: then it waited elsewhere, and nothing is known.
                    if queue == cpu and running.get(cpu) == 0:
                        waits.append((at_ms - max(since, idle_since.get(cpu, at_ms)), comm, cpu))
                if task == 0:
                    idle_since[cpu] = at_ms
                running[cpu] = task
            elif wakeup := self.WAKEUP.search(rest):
                task = int(wakeup[1])
                if task not in running.values():
                    waiting[task] = (int(wakeup[2]), at_ms)
        return sorted(waits, reverse=True)
