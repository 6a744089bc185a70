# SPDX-License-Identifier: GPL-2.0-only
"""The program: reads a sweep, runs what its journal lacks, writes the table."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

from ..command import INTERRUPTED, Refusal, built_program, interrupt, reason, use_environment
from .cluster import run_on_ray
from .journal import Journal
from .local import run_here
from .options import arguments
from .plan import Parcel, Plan, digest_of
from .table import write_table


class Progress:
    """A line on standard error, if that is a terminal."""

    def __init__(self, units):
        self.units, self.begin, self.shown = units, time.monotonic(), sys.stderr.isatty()

    def tell(self, done, failed):
        if self.shown:
            spent_s = time.monotonic() - self.begin
            left_s = spent_s / done * (self.units - done) if done else 0
            bad = f", {failed} failed" if failed else ""
            print(
                f"\r\x1b[Ksweep: {done} of {self.units} units{bad}, {spent_s:.0f} s, about {left_s:.0f} s left",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def end(self):
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def parcel_of(path):
    """The program at a path, or where it is by default, as a parcel; and its version."""
    path = path or built_program()
    try:
        parcel = Parcel(os.path.abspath(path), path, digest_of(path))
        told = subprocess.run([parcel.path, "--version"], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as err:
        raise Refusal(
            f"cannot run {path}: {reason(err)}; build it with `make build`, or name it with --binary"
        ) from err
    if told[:1] != ["scx_augur"] or len(told) < 2:
        raise Refusal(f"{path} is not scx_augur: asked for its version, it says '{' '.join(told)[:60]}'")
    return parcel, told[1]


def sweep(args):
    """Reads the sweep and runs it. Gives the summary."""
    use_environment(["pyarrow"], "sweep")
    begin = time.monotonic()
    units = Plan(args.config).units
    binary, version = parcel_of(args.binary)
    with contextlib.closing(Journal(args.out, args.resume)) as journal:
        return carry_out(args, units, binary, version, journal, begin)


def carry_out(args, units, binary, version, journal, begin):
    """Runs what the journal lacks and writes the table. Gives the summary."""
    keys = {unit: unit.key(binary) for unit in units}
    missing = [unit for unit in units if journal.rows.get(keys[unit], {"error": ""})["error"] is not None]
    sent, done, bad = [0], len(units) - len(missing), 0
    address = None if args.local else args.address or os.environ.get("RAY_ADDRESS")
    progress = Progress(len(units))
    run = (run_on_ray if address else run_here)(missing, binary, args.workers, address, sent)
    try:
        with contextlib.closing(run):
            for unit, row in run:
                journal.add(keys[unit], row | {"version": version})
                done, bad = done + 1, bad + (row["error"] is not None)
                progress.tell(done, bad)
        rows = [journal.rows[keys[unit]] for unit in units]
        progress.end()
        write_table(rows, args.out)
    except KeyboardInterrupt as err:
        progress.end()
        done = sum(key in journal.rows for key in keys.values())
        raise Refusal(f"interrupted with {done} of {len(units)} units done; go on with --resume") from err
    failed = [(unit, row["error"]) for unit, row in zip(units, rows) if row["error"] is not None]
    journal.done = not failed
    nodes = Counter((row["node"], row["host"]) for row in rows if row["node"])
    return {
        "out": args.out,
        "version": version,
        "units": len(units),
        "ran": len(missing),
        "failed": len(failed),
        "wall_s": time.monotonic() - begin,
        "sent_bytes": sent[0],
        "nodes": [{"node": node, "host": host, "units": count} for (node, host), count in nodes.items()],
        "errors": [{"unit": str(unit), "error": error} for unit, error in failed[:10]],
    }


def main(argv=None, program="augur-sweep"):
    """Runs the command; 1 is a failure, 2 wrong use (argparse)."""
    args = arguments(argv, program)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        summary = sweep(args)
    except Refusal as refusal:
        print(f"{program}: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted; nothing was run", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    return report(summary, args.json, program)


def report(summary, as_json, program):
    """Prints what came of it. Gives the exit code."""
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        nodes, ran = len(summary["nodes"]), summary["ran"]
        of_them = "" if ran == summary["units"] else f", {ran} of them now"
        print(
            f"{summary['units']} units{of_them}, {summary['failed']} failed, in {summary['wall_s']:.1f} s on {nodes} "
            f"{'machine' if nodes == 1 else 'nodes'}: {summary['out']}"
        )
    if summary["failed"]:
        first = summary["errors"][0]
        print(
            f"{program}: {summary['failed']} of {summary['units']} units failed, the first of them {first['unit']}: "
            f"{first['error']} (--resume tries them again)",
            file=sys.stderr,
        )
        return 1
    return 0
