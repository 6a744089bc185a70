# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that crashed, from what its console shows, and whether that can have been its own fault.

Linux changes its own code whenever a static key is switched, as attaching a scheduler does: first a breakpoint, int3,
over the first byte, at last the new byte over the breakpoint; every CPU confirms each step. A CPU that runs into the
breakpoint after the kernel has forgotten why it was there ends in `Oops: int3`, with memory as it should be. No program
in the guest writes the kernel's code; an emulator brings this about that keeps what it translated from bytes that have
changed since. QEMU 8.0 was seen to do so (qemu-devel, July 2023, "still see int3"), and 8.1 closed one such gap. With
10.0.2, a thread for each virtual CPU and a full host it was seen once, in update_rq_clock, at the key that says whether
sched_ext is on. That it was the emulator again is the likely explanation and is not proven: 200,000 switches of another
key of the scheduler's, kernel.sched_schedstats, did not bring it back.
"""

import re
from dataclasses import dataclass, field

CRASH = re.compile(r"Kernel panic - not syncing|\bOops:|BUG: (unable to handle|kernel NULL)|kernel BUG at")
# What memory holds around the next instruction, which is marked; a breakpoint just carried out is the byte before it.
CODE = re.compile(r"\bCode: (?P<before>(?:[0-9a-f]{2} )*)<[0-9a-f]{2}>")
BREAKPOINT_TRAP = re.compile(r"\bOops: int3:")
BREAKPOINT = "cc"
# An oops, the panic that it becomes, and their traces.
LINES_MAX = 120


@dataclass
class Crash:
    """The console from the first line of a crash on."""

    lines: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Takes one line of the console; what comes before a crash is not kept."""
        if (self.lines or CRASH.search(line)) and len(self.lines) < LINES_MAX:
            self.lines.append(line)

    @property
    def reason(self) -> str:
        """The first line of a crash is its reason, what follows are its traces; nothing where there was none."""
        return self.lines[0].strip() if self.lines else ""

    @property
    def stale_breakpoint(self) -> bool:
        """Was a breakpoint carried out that the kernel's memory does not hold? Then it is taken for the emulator's
        fault.
        """
        if not BREAKPOINT_TRAP.search(self.reason):
            return False
        code = next(filter(None, map(CODE.search, self.lines)), None)
        return code is not None and code["before"].split()[-1:] != [BREAKPOINT]
