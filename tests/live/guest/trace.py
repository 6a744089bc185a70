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
    return Histogram("sched/sched_switch", "next_pid", "common_cpu", only=f'next_comm=="{comm}"' if comm else "", size=65536)
