# SPDX-License-Identifier: GPL-2.0-only
"""The rows that a sweep has so far, so that one that was interrupted can go on."""

import contextlib
import fcntl
import json
import os

from ..command import Refusal, reason


class Journal:
    """The rows so far, in a file beside the result: a line of JSON for each, which is there once it is written."""

    def __init__(self, out, resume):
        self.path, self.rows, self.done = f"{out}.partial", {}, False
        try:
            self.file = open(self.path, "a+b")
        except OSError as err:
            raise Refusal(f"cannot write {self.path}: {reason(err)}; name another --out") from err
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise Refusal(f"another sweep writes {out}; wait for it, or name another --out") from err
        self.file.seek(0)
        for line in self.file:
            # What is torn was the last line of one that was killed.
            with contextlib.suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                self.rows[entry["key"]] = entry["row"]
        if self.rows and not resume:
            raise Refusal(
                f"{self.path} has {len(self.rows)} rows of a sweep that was not finished; go on with --resume, or "
                "remove it"
            )
        if not line_ended(self.file):
            self.file.write(b"\n")

    def add(self, key, row):
        # In this order whoever sees the line is never ahead of who counts the rows.
        self.rows[key] = row
        self.file.write(json.dumps({"key": key, "row": row}).encode() + b"\n")
        self.file.flush()

    def close(self):
        """Ends it; the file stays only where something is left to do."""
        if self.done or not self.rows:
            os.unlink(self.path)
        self.file.close()


def line_ended(file):
    """Whether a file that is open at its end is empty or ends with a line break."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
