# SPDX-License-Identifier: GPL-2.0-only
"""What a sweep is: its file, read into units, each with the files that it needs. `options` says how it is written."""

import glob
import hashlib
import itertools
import json
import os
import re
import tomllib
from collections import Counter
from dataclasses import dataclass

from ..command import Refusal, reason


@dataclass(frozen=True)
class Parcel:
    """A file or a folder that a unit reads: where it lies here, how the sweep names it, the SHA-256 of its content."""

    path: str
    shown: str
    digest: str


@dataclass(frozen=True)
class Unit:
    """One call of scx_augur. Each of its words is a tuple of texts and parcels, which stand for their paths."""

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


class Plan:
    """Reads a sweep's file into units; every refusal names the place in it."""

    def __init__(self, path):
        self.path, self.base, self.parcels, self.files = path, os.path.dirname(os.path.abspath(path)), {}, {}
        try:
            with open(path, "rb") as file:
                table = tomllib.load(file)
        except (OSError, UnicodeDecodeError) as err:
            raise Refusal(f"cannot read the sweep {path}: {reason(err)}") from err
        except tomllib.TOMLDecodeError as err:
            raise Refusal(f"the sweep {path} is not TOML: {str(err)[:1].lower()}{str(err)[1:]}") from err
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
                self.refuse(
                    f"[[{unit[0]}]]",
                    "names {1} on {2} under {3} with seed {4} twice; give one of the workloads another name".format(
                        *unit
                    ),
                )

    def refuse(self, at, what):
        raise Refusal(f"the sweep {self.path} is wrong: {at} {what}")

    def only(self, table, known, at):
        if not isinstance(table, dict):
            self.refuse(at, f"is not a table; it has {', '.join(sorted(known))}")
        for name in table:
            if name not in known:
                self.refuse(at, f"has an unknown setting '{name}'; known are {', '.join(sorted(known))}")

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
        return self.refuse(
            at, "has wrong seeds; give whole numbers from 0 up, as a list or as { first = 1, count = 3 }"
        )

    def texts(self, block, name, default, at):
        given = block.get(name, default)
        if isinstance(given, list) and given and all(isinstance(text, str) and text for text in given):
            return given
        return self.refuse(at, f"has wrong {name}; give a list of texts")

    def scenario(self, text, at):
        found = re.fullmatch(r"([\w-]+)(?:\[gpus=(\d+)\])?", text)
        if not found:
            self.refuse(at, f"has an unknown machine '{text}'; write cpu-gpu, cpu-gpu[gpus=8] or multiprocessor")
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
                self.refuse(at, f"has a {name} that is not text")
        for name in ("tasks", "jitter_us"):
            if name in workload:
                if not whole(workload[name]):
                    self.refuse(at, f"has {name} that is not a whole number from 0 up")
                words.append((f"--{name.replace('_', '-')}={workload[name]}",))
        if "costs" in workload:
            words.append(("--costs=", self.parcel(workload["costs"], at)))
        if file is not None:
            words.append(("--config=", self.parcel(file, at)) if kind == "simulate" else (self.parcel(file, at),))
        elif kind == "replay" or "name" not in workload:
            self.refuse(at, f"lacks a {'file' if kind == 'replay' else 'name'}")
        name = workload.get("name") or stem(file)
        if self.files.setdefault((kind, name), file) != file:
            self.refuse(
                at,
                f"calls {file or 'the defaults'} '{name}', as {self.files[kind, name] or 'the defaults'}; give it "
                "another name",
            )
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
