# SPDX-License-Identifier: GPL-2.0-only
"""One unit of a sweep: how it is run, and what a row of it looks like."""

import json
import re
import subprocess
import time

from ..command import reason

# What says which unit a row is of, and what stands around its figures.
KEYS = ["kind", "workload", "machine", "policy", "seed", "error"]
AROUND = ["wall_s", "host", "node", "version"]
# The columns that are measured: not the same each time.
MEASURED = ["wall_s", "decision_ns", "host", "node"]
# Last words of names that are units: they stay last when a name grows.
UNITS = ("ns", "us", "ms", "s", "hz", "j", "usd", "mb")


class Failed(Exception):
    """A unit that came to nothing; its text is the `error` of its row."""


class Children:
    """Processes that are running, so that an interrupt leaves none behind."""

    def __init__(self):
        self.running, self.ended = set(), False

    def run(self, argv):
        """Runs a command: its exit code, its output, and what it said on standard error."""
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        self.running.add(process)
        if self.ended:
            process.kill()
        try:
            out, said = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            self.running.discard(process)
        return process.returncode, out, said.decode(errors="replace")

    def end(self):
        self.ended = True
        for process in list(self.running):
            process.kill()


def perform(unit, binary, place, children):
    """Runs a unit with the program at `binary`; `place` says where a parcel lies. Gives its row but host and node."""
    row = {
        "kind": unit.kind,
        "workload": unit.workload,
        "machine": unit.machine,
        "policy": unit.policy,
        "seed": unit.seed,
        "error": None,
    }
    begin = time.perf_counter()
    try:
        argv = [
            binary,
            *("".join(part if isinstance(part, str) else place(part) for part in word) for word in unit.words),
        ]
        code, out, said = children.run(argv)
        if code:
            for parcel in unit.parcels():
                said = said.replace(place(parcel), parcel.shown)
            raise Failed(complaint(code, said))
        row |= figures(out)
    except (Failed, OSError) as err:
        row["error"] = reason(err)
    row["wall_s"] = time.perf_counter() - begin
    return row


def complaint(code, said):
    """The sentence among what a program said that failed."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("scx_augur: ", "error: "))]
    if told or lines:
        return re.sub(r"^(scx_augur|error): ", "", (told or lines[-1:])[0])
    return (
        f"scx_augur ended by signal {-code} and said nothing"
        if code < 0
        else f"scx_augur ended with exit code {code} and said nothing"
    )


def figures(out):
    """The columns of what `--json` printed: those of its one result, and of the report around it."""
    try:
        report = json.loads(out)
        (result,) = report["results"]
        columns = {name: value for name, value in report.items() if isinstance(value, (int, float))}
        columns |= dict(flat(result))
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise Failed("scx_augur printed no report with one result; is it another version?") from err
    return {name: value for name, value in columns.items() if name not in KEYS}


def flat(table, around=""):
    """Names and values of nested tables: `wait_ns.p99` becomes `wait_p99_ns`, for units are the last word."""
    for name, value in table.items():
        words = around.split("_") if around else []
        unit = [words.pop()] if words and words[-1] in UNITS else []
        whole_name = "_".join([*words, name, *([] if name == "count" else unit)])
        if isinstance(value, dict):
            yield from flat(value, whole_name)
        else:
            yield whole_name, value
