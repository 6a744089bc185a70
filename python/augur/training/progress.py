# SPDX-License-Identifier: GPL-2.0-only
"""What the training is doing, on standard error: one line that changes on a terminal, else a line every few seconds."""

import sys
import time

EVERY_S = 5.0


class Progress:
    """A context: the line on the terminal goes when it ends."""

    def __init__(self, program, quiet=False):
        self.program = program
        self.begin, self.terminal = time.monotonic(), sys.stderr.isatty()
        self.quiet, self.told_s = quiet, 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    def clear(self):
        """Takes the line off the terminal, so that other text can be printed."""
        if self.terminal and not self.quiet:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def tell(self, what):
        """Says what happens now."""
        spent_s = time.monotonic() - self.begin
        if self.quiet:
            return
        if self.terminal:
            print(f"\r\x1b[K{self.program}: {what}, {spent_s:.0f} s", end="", file=sys.stderr, flush=True)
        elif spent_s - self.told_s >= EVERY_S:
            self.told_s = spent_s
            print(f"{self.program}: {what}, {spent_s:.0f} s", file=sys.stderr, flush=True)
