#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs scx_augur on every policy, workload, machine and seed of a sweep, here or on a Ray cluster, into one Parquet file.

    sweep.py --config sweep.toml --out results.parquet                        all CPUs of this machine
    sweep.py --config sweep.toml --out results.parquet --address HOST:6379    all CPUs of a Ray cluster (auto: the one of this machine)
    sweep.py --config sweep.toml --out results.parquet --resume               what an interrupted or a failed sweep still lacks

A unit is one policy on one workload, machine and seed: one call of `scx_augur simulate --json` or `scx_augur replay --json`, on one
CPU. It is one row of the table, with every figure that the call prints; a unit that fails is a row with its `error`, and the others go
on. Rows stand in the sweep's order and do not depend on where they came from, but for wall_s, decision_ns, host and node. What a unit
reads is sent to nodes that have no file like it, the program included; they need Python and ray.

The sweep, with paths beside its file:

    seeds = { first = 1, count = 3 }          or a list, [1, 5, 7]; a block may have its own

    [[simulate]]
    workloads = ["calm.toml", { name = "busy", tasks = 2000 }]      settings (also *.toml), or name, file, tasks; none: the defaults
    policies = ["eft", "hybrid_ml[alone=1]"]
    machines = ["cpu-gpu", "cpu-gpu[gpus=8]", "multiprocessor"]     scenarios; left out: cpu-gpu

    [[replay]]
    workloads = ["traces/*.augur"]                                  traces, or tables of name, file, jitter_us, costs
    policies = ["eevdf-like", "augur", "model[dir=model]"]
    machines = ["recorded", "2x2x4x2", "machine.toml"]              left out: recorded, the trace's own
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import command
from sweep_plan import Parcel, Plan, Refusal, digest_of, reason
from sweep_run import AROUND, INSTALL, KEYS, interrupt, run_here, run_on_ray

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


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
            raise Refusal(f"{self.path} has {len(self.rows)} rows of a sweep that was not finished; go on with --resume, or remove it")
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


def write_table(rows, out):
    """Writes rows as Parquet, whole or not at all."""
    import pyarrow
    from pyarrow import parquet

    names = [*KEYS, *dict.fromkeys(name for row in rows for name in row if name not in KEYS + AROUND), *AROUND]
    columns = {}
    for name in names:
        values = pyarrow.array([row.get(name) for row in rows], type=pyarrow.string() if name in ("error", "host", "node") else None)
        columns[name] = values.cast(pyarrow.float64()) if pyarrow.types.is_null(values.type) else values
    making = f"{out}.{os.getpid()}.tmp"
    try:
        parquet.write_table(pyarrow.table(columns), making, compression="zstd")
        os.replace(making, out)
    except OSError as err:
        raise Refusal(f"cannot write {out}: {reason(err)}; name another --out, and go on with --resume") from err
    finally:
        with contextlib.suppress(OSError):
            os.unlink(making)


class Progress:
    """A line on standard error, if that is a terminal."""

    def __init__(self, units):
        self.units, self.begin, self.shown = units, time.monotonic(), sys.stderr.isatty()

    def tell(self, done, failed):
        if self.shown:
            spent_s = time.monotonic() - self.begin
            left_s = spent_s / done * (self.units - done) if done else 0
            bad = f", {failed} failed" if failed else ""
            print(f"\r\x1b[Ksweep: {done} of {self.units} units{bad}, {spent_s:.0f} s, about {left_s:.0f} s left", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def program(path):
    """The program as a parcel, and its version."""
    built = os.path.join(ROOT, "target", "release", "scx_augur")
    path = path or (built if os.path.exists(built) else shutil.which("scx_augur")) or built
    try:
        parcel = Parcel(os.path.abspath(path), path, digest_of(path))
        told = subprocess.run([parcel.path, "--version"], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as err:
        raise Refusal(f"cannot run {path}: {reason(err)}; build it with `make build`, or name it with --binary") from err
    if told[:1] != ["scx_augur"] or len(told) < 2:
        raise Refusal(f"{path} is not scx_augur: asked for its version, it says '{' '.join(told)[:60]}'")
    return parcel, told[1]


def sweep(args):
    """Reads the sweep and runs it. Gives the summary."""
    if importlib.util.find_spec("pyarrow") is None:
        with contextlib.suppress(command.Refusal):
            command.use_environment(["pyarrow"])
        raise Refusal(f"a sweep writes Parquet with the Python package pyarrow, which is not there; {INSTALL}")
    begin = time.monotonic()
    units = Plan(args.config).units
    binary, version = program(args.binary)
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
        "out": args.out, "version": version, "units": len(units), "ran": len(missing), "failed": len(failed),
        "wall_s": time.monotonic() - begin, "sent_bytes": sent[0],
        "nodes": [{"node": node, "host": host, "units": count} for (node, host), count in nodes.items()],
        "errors": [{"unit": str(unit), "error": error} for unit, error in failed[:10]],
    }  # fmt: skip


def arguments(argv=None):
    """Parses the command line."""
    parser = command.Parser(description=__doc__)
    parser.add_argument("--config", required=True, metavar="FILE", help="the sweep (TOML)")
    parser.add_argument("--out", required=True, metavar="FILE", help="the table to write (Parquet); FILE.partial grows beside it until then")
    parser.add_argument("--address", metavar="ADDRESS", help="a Ray cluster: HOST:PORT or auto (default: RAY_ADDRESS; without one, this machine)")
    parser.add_argument("--local", action="store_true", help="this machine, whatever RAY_ADDRESS says")
    parser.add_argument("--workers", type=command.whole(1), metavar="N", help="at most so many units at once (default: one a CPU)")
    parser.add_argument("--binary", metavar="FILE", help="the scx_augur to run (default: the one that was built here, or that of PATH)")
    parser.add_argument("--resume", action="store_true", help="keep the rows of FILE.partial that are still right, run the rest")
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    args = parser.parse_args(argv)
    if args.local and args.address:
        parser.error("--local and --address exclude each other")
    return args


def main(argv=None):
    """Runs the command; 1 is a failure, 2 wrong use (argparse)."""
    args = arguments(argv)
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        summary = sweep(args)
    except Refusal as refusal:
        print(f"sweep.py: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sweep.py: interrupted; nothing was run", file=sys.stderr)
        return command.INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    if args.json:
        print(json.dumps(summary, indent=2))
    else:
        nodes, ran = len(summary["nodes"]), summary["ran"]
        of_them = "" if ran == summary["units"] else f", {ran} of them now"
        print(f"{summary['units']} units{of_them}, {summary['failed']} failed, in {summary['wall_s']:.1f} s on {nodes} "
              f"{'machine' if nodes == 1 else 'nodes'}: {args.out}")  # fmt: skip
    if summary["failed"]:
        first = summary["errors"][0]
        print(f"sweep.py: {summary['failed']} of {summary['units']} units failed, the first of them {first['unit']}: {first['error']} "
              "(--resume tries them again)", file=sys.stderr)  # fmt: skip
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
