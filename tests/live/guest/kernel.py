# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel says about sched_ext, and its log."""

import os
import re
import time
from pathlib import Path

from case import check

ROOT = Path("/sys/kernel/sched_ext")
# Besides what sched_ext itself reports: anything that only a broken scheduler, or a broken kernel, writes.
ERRORS = re.compile(
    r"sched_ext: BPF scheduler .* disabled \((?!unregistered)|sched_ext: .*(stall|error|fail)|\bBUG:|WARNING:|\bOops|"
    r"detected stalls|soft lockup|blocked for more than",
    re.IGNORECASE,
)
# The end of a scheduler is waited for this long: unloading it frees what every task has.
DISABLE_S = 30.0


def state() -> str:
    """`enabled`, `disabled`, or one of the steps between."""
    return (ROOT / "state").read_text().strip()


def enable_seq() -> int:
    """How often a scheduler was enabled since power-on."""
    return int((ROOT / "enable_seq").read_text())


def scheduler_name() -> str:
    """The name of the attached scheduler; empty where there is none."""
    try:
        return (ROOT / "root" / "ops").read_text().strip()
    except OSError:
        return ""


def await_state(wanted: str, limit_s: float) -> float:
    """Waits for a state; the seconds that it took."""
    begin = time.monotonic()
    while state() != wanted:
        waited = time.monotonic() - begin
        check(waited < limit_s, f"the state '{wanted}' within {limit_s:g} s", f"'{state()}' after {waited:.1f} s")
        time.sleep(0.05)
    return time.monotonic() - begin


class Log:
    """The kernel's log from now on."""

    def __init__(self) -> None:
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)
        self.seen: list[str] = []

    def lines(self) -> list[str]:
        """Every line since the start."""
        while True:
            try:
                record = os.read(self.file, 8192).decode(errors="replace")
            except BlockingIOError:
                return self.seen
            except BrokenPipeError:
                # The ring overran what was not read yet; the read position has moved on.
                continue
            self.seen.append(record.partition(";")[2].splitlines()[0])

    def errors(self) -> list[str]:
        """The lines that tell of an error."""
        return [line for line in self.lines() if ERRORS.search(line)]
