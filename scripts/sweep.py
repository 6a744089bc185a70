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

import argparse
import contextlib
import fcntl
import glob
import hashlib
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import uuid
from collections import Counter
from concurrent import futures
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What says which unit a row is of, and what stands around its figures.
KEYS = ["kind", "workload", "machine", "policy", "seed", "error"]
AROUND = ["wall_s", "host", "node", "version"]
# The columns that are measured: not the same each time.
MEASURED = ["wall_s", "decision_ns", "host", "node"]
# Last words of names that are units: they stay last when a name grows.
UNITS = ("ns", "us", "ms", "s", "hz", "j", "usd", "mb")
INSTALL = "install it with `scripts/setup sweep .venv` and run this with .venv/bin/python"


class Refusal(Exception):
    """A wrong input; its text is the one sentence that the user reads."""


class Failed(Exception):
    """A unit that came to nothing; its text is the `error` of its row."""


# ---------------------------------------------------------------------------------------------- units


@dataclass(frozen=True)
class Parcel:
    """A file or a folder that a unit reads: where it lies here, how the sweep names it, the SHA-256 of what is in it."""

    path: str
    shown: str
    digest: str


@dataclass(frozen=True)
class Unit:
    """One call of scx_augur. Each of its words is a tuple of texts and parcels, which stand for the path where they lie."""

    kind: str
    workload: str
    machine: str
    policy: str
    seed: int
    words: tuple

    def parcels(self):
        return [part for word in self.words for part in word if isinstance(part, Parcel)]

    def key(self, binary):
        """Says what the unit does: the same for the same program on the same content."""
        words = [[part.digest if isinstance(part, Parcel) else part for part in word] for word in self.words]
        told = [self.kind, self.workload, self.machine, self.policy, self.seed, words, binary.digest]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def __str__(self):
        return f"{self.kind} {self.workload} on {self.machine} under {self.policy} with seed {self.seed}"


def files_of(path):
    """The files under a path, relative to it; of a file itself, '.'."""
    if not os.path.isdir(path):
        return ["."]
    found = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sorted(os.path.relpath(file, path) for file in found)


def digest_of(path):
    """The SHA-256 of a file's content, or of all that is in a folder."""
    whole = hashlib.sha256()
    for name in files_of(path):
        with open(os.path.normpath(os.path.join(path, name)), "rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


class Sweep:
    """Reads a sweep's file into units; every refusal names the place in it."""

    def __init__(self, path):
        self.path, self.base, self.parcels, self.files = path, os.path.dirname(os.path.abspath(path)), {}, {}
        try:
            with open(path, "rb") as file:
                table = tomllib.load(file)
        except (OSError, UnicodeDecodeError) as err:
            raise Refusal(f"cannot read the sweep {path}: {reason(err)}") from err
        except tomllib.TOMLDecodeError as err:
            raise Refusal(f"the sweep {path} is no TOML: {str(err)[:1].lower()}{str(err)[1:]}") from err
        self.only(table, {"seeds", "simulate", "replay"}, "the top")
        seeds = self.seeds(table.get("seeds", [1]), "the top")
        self.units = []
        for kind in ("simulate", "replay"):
            blocks = table.get(kind, [])
            if not isinstance(blocks, list):
                self.refuse(kind, f"is a table; begin it with [[{kind}]]")
            for number, block in enumerate(blocks, 1):
                self.block(kind, block, seeds, f"[[{kind}]] number {number}")
        if not self.units:
            self.refuse("the top", "names no units; add a block [[simulate]] or [[replay]]")
        for unit, count in Counter((u.kind, u.workload, u.machine, u.policy, u.seed) for u in self.units).items():
            if count > 1:
                self.refuse(f"[[{unit[0]}]]", "names {1} on {2} under {3} with seed {4} twice; give one of the workloads another name".format(*unit))

    def refuse(self, at, what):
        raise Refusal(f"the sweep {self.path} is wrong: {at} {what}")

    def only(self, table, known, at):
        if not isinstance(table, dict):
            self.refuse(at, f"is no table; it has {', '.join(sorted(known))}")
        for name in table:
            if name not in known:
                self.refuse(at, f"has a setting '{name}' that there is not; there are {', '.join(sorted(known))}")

    def block(self, kind, block, seeds, at):
        self.only(block, {"workloads", "policies", "machines", "seeds"}, at)
        seeds = self.seeds(block["seeds"], at) if "seeds" in block else seeds
        policies = self.texts(block, "policies", None, at)
        if kind == "simulate":
            machines = [(name, self.scenario(name, at)) for name in self.texts(block, "machines", ["cpu-gpu"], at)]
        else:
            machines = [self.machine(name) for name in self.texts(block, "machines", ["recorded"], at)]
        for name, words in self.workloads(kind, block, at):
            for (machine, where), policy, seed in itertools.product(machines, policies, seeds):
                spelled = (f"--{'policies' if kind == 'simulate' else 'policy'}=", *self.spelling(policy))
                call = ((kind,), ("--json",), ("--threads=1",), (f"--seed={seed}",), spelled, *where, *words)
                self.units.append(Unit(kind, name, machine, policy, seed, call))

    def seeds(self, given, at):
        if isinstance(given, dict) and given.keys() == {"first", "count"}:
            first, count = given["first"], given["count"]
            if whole(first) and whole(count) and count >= 1:
                return list(range(first, first + count))
        if isinstance(given, list) and given and all(whole(seed) for seed in given):
            return given
        return self.refuse(at, "has wrong seeds; give whole numbers from 0 up, as a list or as { first = 1, count = 3 }")

    def texts(self, block, name, default, at):
        given = block.get(name, default)
        if isinstance(given, list) and given and all(isinstance(text, str) and text for text in given):
            return given
        return self.refuse(at, f"has wrong {name}; give a list of texts")

    def scenario(self, text, at):
        found = re.fullmatch(r"([\w-]+)(?:\[gpus=(\d+)\])?", text)
        if not found:
            self.refuse(at, f"has a machine '{text}' that there is not; write cpu-gpu, cpu-gpu[gpus=8] or multiprocessor")
        gpus = ((f"--gpus={found[2]}",),) if found[2] else ()
        return ((f"--scenario={found[1]}",), *gpus)

    def machine(self, text):
        if text == "recorded":
            return text, ()
        if os.path.isfile(os.path.join(self.base, text)):
            return stem(text), (("--machine=", self.parcel(text)),)
        return text, ((f"--machine={text}",),)

    def workloads(self, kind, block, at):
        """Pairs of a name and the words of it."""
        given = block.get("workloads", [{"name": "default"}] if kind == "simulate" else None)
        if not isinstance(given, list) or not given:
            self.refuse(at, "has wrong workloads; give a list of files or of tables with a name")
        known = {"simulate": {"name", "file", "tasks"}, "replay": {"name", "file", "jitter_us", "costs"}}[kind]
        for number, workload in enumerate(given, 1):
            if isinstance(workload, str):
                for file in self.matches(workload, at):
                    yield self.named(kind, {"file": file}, at)
            else:
                here = f"{at}, workload {number},"
                self.only(workload, known, here)
                yield self.named(kind, workload, here)

    def matches(self, pattern, at):
        if not glob.has_magic(pattern):
            return [pattern]
        found = sorted(glob.glob(pattern, root_dir=self.base, recursive=True))
        return found or self.refuse(at, f"names the files {pattern}, and there are none")

    def named(self, kind, workload, at):
        file, words = workload.get("file"), []
        for name in ("name", "file", "costs"):
            if not isinstance(workload.get(name, ""), str):
                self.refuse(at, f"has a {name} that is no text")
        for name in ("tasks", "jitter_us"):
            if name in workload:
                if not whole(workload[name]):
                    self.refuse(at, f"has {name} that are no whole number from 0 up")
                words.append((f"--{name.replace('_', '-')}={workload[name]}",))
        if "costs" in workload:
            words.append(("--costs=", self.parcel(workload["costs"], at)))
        if file is not None:
            words.append(("--config=", self.parcel(file, at)) if kind == "simulate" else (self.parcel(file, at),))
        elif kind == "replay" or "name" not in workload:
            self.refuse(at, f"lacks a {'file' if kind == 'replay' else 'name'}")
        name = workload.get("name") or stem(file)
        if self.files.setdefault((kind, name), file) != file:
            self.refuse(at, f"calls {file or 'the defaults'} '{name}', as {self.files[kind, name] or 'the defaults'}; give it another name")
        return name, words

    def spelling(self, policy):
        """The policy's parts: a value in its brackets that is a file or a folder goes along."""
        for number, part in enumerate(re.split(r"(?<==)([^=,\]]+)(?=[,\]])", policy)):
            is_path = number % 2 and not part.isdecimal() and os.path.exists(os.path.join(self.base, part))
            yield self.parcel(part) if is_path else part

    def parcel(self, shown, at=""):
        if shown not in self.parcels:
            path = os.path.join(self.base, shown)
            try:
                self.parcels[shown] = Parcel(path, shown, digest_of(path))
            except OSError as err:
                self.refuse(at, f"names {shown}, which cannot be read: {reason(err)}")
        return self.parcels[shown]


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def whole(number):
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63


def reason(err):
    """What an error says, on one line."""
    return getattr(err, "strerror", None) or " ".join(str(err).split()) or type(err).__name__


# ---------------------------------------------------------------------------------------------- one unit


class Children:
    """Processes that are running, so that an interrupt leaves none behind."""

    def __init__(self):
        self.running, self.ended = set(), False

    def run(self, argv):
        """Runs a command: its exit code, its output, and what it said on standard error."""
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
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
    """Runs a unit with the program at `binary`; `place` says where a parcel lies. Gives its row, host and node aside."""
    row = {"kind": unit.kind, "workload": unit.workload, "machine": unit.machine, "policy": unit.policy, "seed": unit.seed, "error": None}
    begin = time.perf_counter()
    try:
        argv = [binary, *("".join(part if isinstance(part, str) else place(part) for part in word) for word in unit.words)]
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
    return f"scx_augur ended by signal {-code} and said nothing" if code < 0 else f"scx_augur ended with exit code {code} and said nothing"


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


# ---------------------------------------------------------------------------------------------- here, and on Ray


def run_here(units, binary, workers, _address, _sent):
    """Runs units on this machine; yields each with its row, as they are done."""
    children = Children()
    pool = futures.ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)))
    host = {"host": socket.gethostname(), "node": "local"}
    try:
        pending = {pool.submit(perform, unit, binary.path, lambda parcel: parcel.path, children): unit for unit in units}
        for done in futures.as_completed(pending):
            yield pending[done], done.result() | host
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        children.end()
        pool.shutdown()


def run_on_ray(units, binary, workers, address, sent):
    """Runs units on the cluster at `address`; yields each with its row, as they are done. Counts in `sent` the bytes that nodes fetched."""
    ray = connect(address)
    # In each node's folder for temporary files.
    folder = f"scx_augur-sweep-{uuid.uuid4().hex}"
    task = ray.remote(at_node).options(num_cpus=1, max_retries=3, scheduling_strategy="SPREAD")
    needs = {unit: {binary, *unit.parcels()} for unit in units}
    uses = Counter(parcel for parcels in needs.values() for parcel in parcels)
    waiting, flying, boxes = iter(units), {}, {}

    def submit(unit):
        # Within a dictionary they stay references: a node fetches what it lacks.
        ready = {parcel.digest: boxes[parcel] for parcel in needs[unit] if parcel in boxes}
        flying[task.remote(unit, binary, ready, folder)] = unit

    try:
        while True:
            # Enough for every CPU to have its next unit at hand; more would only fill the memory of a long sweep.
            room = workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
            for unit in itertools.islice(waiting, max(0, room - len(flying))):
                submit(unit)
            if not flying:
                return
            for ref in ray.wait(list(flying))[0]:
                unit = flying.pop(ref)
                row, count, lacking = fetched(ray, ref, unit)
                if lacking:
                    for parcel in lacking - boxes.keys():
                        boxes[parcel] = ray.put(content_of(parcel))
                    submit(unit)
                    continue
                sent[0] += count
                uses.subtract(needs[unit])
                for parcel in needs[unit]:
                    if not uses[parcel]:
                        boxes.pop(parcel, None)
                yield unit, row
    except (ray.exceptions.RayError, ConnectionError, RuntimeError) as err:
        raise Refusal(f"the Ray cluster at {address} was lost ({reason(err)[:200]}); go on with --resume") from err
    finally:
        for ref in flying:
            ray.cancel(ref)
        clean_up(ray, folder)
        ray.shutdown()


def connect(address):
    """Joins the cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as err:
        raise Refusal(f"a sweep on a cluster needs the Python package ray; {INSTALL}, or leave --address away") from err
    if __name__ != "__main__":
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        # Ray itself tries for minutes.
        if found := re.fullmatch(r"(?:ray://)?\[?(.+?)\]?:(\d+)", address):
            socket.create_connection((found[1], int(found[2])), timeout=10).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as err:
        raise Refusal(f"cannot join a Ray cluster at {address} ({reason(err)[:200]}); start one with `ray start --head`, or leave --address away") from err
    # Ray has put its own in place.
    signal.signal(signal.SIGTERM, interrupt)
    return ray


def content_of(parcel):
    """What is in a parcel: names, modes and bytes of its files."""
    content = []
    for name in files_of(parcel.path):
        path = os.path.normpath(os.path.join(parcel.path, name))
        with open(path, "rb") as file:
            content.append((name, os.stat(path).st_mode & 0o777, file.read()))
    return content


def at_node(unit, binary, boxes, folder):
    """What a node does with a unit: its row, and how many bytes it fetched for it; or the parcels that it has not and that nobody has sent."""
    import ray

    folder = os.path.join(tempfile.gettempdir(), folder)
    os.makedirs(folder, 0o700, exist_ok=True)

    def place(parcel):
        return os.path.join(folder, parcel.digest, os.path.basename(parcel.path))

    parcels = {binary, *unit.parcels()}
    lacking = {parcel for parcel in parcels if not os.path.lexists(place(parcel)) and not link(parcel, place(parcel))}
    absent = {parcel for parcel in lacking if parcel.digest not in boxes}
    if absent:
        return None, 0, absent
    count = sum(unpack(ray.get(boxes[parcel.digest]), place(parcel)) for parcel in lacking)
    row = perform(unit, place(binary), place, Children())
    return row | {"host": socket.gethostname(), "node": ray.get_runtime_context().get_node_id()}, count, None


def link(parcel, to):
    """Makes a link to what this machine itself has, if that is the same."""
    try:
        same = digest_of(parcel.path) == parcel.digest
    except OSError:
        return False
    return same and whole_or_not_at_all(to, lambda path: os.symlink(parcel.path, path))


def unpack(content, to):
    """Writes a parcel's content. Gives its size."""

    def write(path):
        for name, mode, data in content:
            file = os.path.normpath(os.path.join(path, name))
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb", opener=lambda file, flags: os.open(file, flags, mode)) as written:
                written.write(data)

    whole_or_not_at_all(to, write)
    return sum(len(data) for _, _, data in content)


def whole_or_not_at_all(path, make):
    """Has `make` make a path in a new folder, and gives the folder its name when that is done."""
    folder, name = os.path.split(path)
    making = f"{folder}.{uuid.uuid4().hex}"
    os.mkdir(making, 0o700)
    make(os.path.join(making, name))
    try:
        os.rename(making, folder)
    except OSError:
        # Another unit on this node was faster.
        shutil.rmtree(making, ignore_errors=True)
        if not os.path.lexists(path):
            raise
    return True


def fetched(ray, ref, unit):
    """What became of a task, as `at_node` gives it; a row with the error where the node or the worker was lost for good."""
    try:
        return ray.get(ref)
    except ray.exceptions.RayError as err:
        # Ray's texts are long; what happened is in the last line of a task's traceback, in the first of everything else.
        lines = [line for line in str(err).splitlines() if line.strip()] or [type(err).__name__]
        told = lines[-1] if isinstance(err, ray.exceptions.RayTaskError) else lines[0]
        lost = {"wall_s": None, "host": None, "node": None}
        return {name: getattr(unit, name) for name in KEYS[:-1]} | {"error": f"the unit was lost: {told.strip()}"} | lost, 0, None


def clean_up(ray, folder):
    """Has every node forget what it was sent; a node that does not answer keeps it."""

    def forget(folder):
        shutil.rmtree(os.path.join(tempfile.gettempdir(), folder), ignore_errors=True)

    with contextlib.suppress(Exception):
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as OnNode

        task = ray.remote(forget)
        nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        refs = [task.options(num_cpus=0, scheduling_strategy=OnNode(node, soft=False)).remote(folder) for node in nodes]
        ray.wait(refs, num_returns=len(refs), timeout=20)


# ---------------------------------------------------------------------------------------------- files


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


# ---------------------------------------------------------------------------------------------- the whole


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
        raise Refusal(f"{path} is no scx_augur: asked for its version, it says '{' '.join(told)[:60]}'")
    return parcel, told[1]


def sweep(args):
    """Reads the sweep and runs it. Gives the summary."""
    if importlib.util.find_spec("pyarrow") is None:
        raise Refusal(f"a sweep writes Parquet with the Python package pyarrow, which is not there; {INSTALL}")
    begin = time.monotonic()
    units = Sweep(args.config).units
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


def interrupt(_signal, _frame):
    raise KeyboardInterrupt


def arguments(argv=None):
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, metavar="FILE", help="the sweep (TOML)")
    parser.add_argument("--out", required=True, metavar="FILE", help="the table to write (Parquet); FILE.partial grows beside it until then")
    parser.add_argument("--address", metavar="ADDRESS", help="a Ray cluster: HOST:PORT or auto (default: RAY_ADDRESS; without one, this machine)")
    parser.add_argument("--local", action="store_true", help="this machine, whatever RAY_ADDRESS says")
    parser.add_argument("--workers", type=int, metavar="N", help="at most so many units at once (default: one a CPU)")
    parser.add_argument("--binary", metavar="FILE", help="the scx_augur to run (default: the one that was built here, or that of PATH)")
    parser.add_argument("--resume", action="store_true", help="keep the rows of FILE.partial that are still right, run the rest")
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    args = parser.parse_args(argv)
    if args.local and args.address:
        parser.error("--local and --address exclude each other")
    if args.workers is not None and args.workers < 1:
        parser.error("--workers must be at least 1")
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
        return 1
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
