#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of how scripts/train.py and its neighbours are used: wrong use is told in one sentence, before a package is
loaded.

The programs run with a Python that sees no package at all (`-S`), so whatever they say they said without numpy and
TensorFlow.
"""

import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from augur.training.contract import LOG_COLUMNS

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
HEADER = ",".join(LOG_COLUMNS) + "\n"
PROGRAMS = ["train.py", "sweep.py", "fidelity", "forest-parity", "bench-record"]


def row(**values):
    """A line of a decision log."""
    plain = dict.fromkeys(LOG_COLUMNS, 1) | {
        "kind": "balance",
        "comm": "a",
        "decision": "move",
        "status": "applied",
        "reason": "",
    }
    return ",".join(str((plain | values)[column]) for column in LOG_COLUMNS) + "\n"


class Use(unittest.TestCase):
    """Each test has a checkout of its own, without a virtual environment."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = os.path.join(directory.name, "checkout")
        self.here = os.path.join(directory.name, "here")
        os.makedirs(self.here)
        for folder in ("scripts", "python"):
            left = shutil.ignore_patterns("__pycache__", "tests", "build", "*.egg-info")
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(self.root, folder), ignore=left)

    def path(self, name, content=None):
        path = os.path.join(self.here, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def run_program(self, program, *argv, bare=True, stdin=b"", **options):
        command = [sys.executable, *(["-S"] if bare else []), "-B", os.path.join(self.root, "scripts", program), *argv]
        done = subprocess.run(
            command, cwd=self.here, input=stdin, capture_output=True, timeout=120, check=False, **options
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def refused(self, code, said, *argv, program="train.py", **options):
        """It ends with this code and one sentence that has these words, and leaves the folder as it was."""
        before = sorted(os.listdir(self.here))
        with self.subTest(argv=argv):
            found, out, err = self.run_program(program, *argv, **options)
            self.assertEqual((found, out), (code, ""), err)
            self.assertEqual(err.count("\n"), 1, err)
            self.assertTrue(err.startswith(f"{program}: "), err)
            self.assertIn(said, err)
            self.assertEqual(sorted(os.listdir(self.here)), before)

    def test_wrong_use_is_told_before_anything_is_loaded(self):
        log = self.path("log.csv", HEADER + row())
        self.path("file", "")
        os.makedirs(self.path("full"))
        self.path("full/of", "something")
        os.symlink("nothing", self.path("link"))
        packed = self.path("log.csv.gz", gzip.compress((HEADER + row()).encode()))
        for said, *argv in [
            ("cannot read nosuch.csv: No such file", "--from-log", "nosuch.csv", "--out", "m"),
            ("cannot read full: Is a directory", "--from-log", "full", "--out", "m"),
            ("file is empty", "--from-log", "file", "--out", "m"),
            (
                "there is no row in header.csv",
                "--from-log",
                self.path("header.csv", HEADER) and "header.csv",
                "--out",
                "m",
            ),
            ("lacks the column 'at_ns'", "--from-log", self.path("other.csv", "a,b\n1,2\n"), "--out", "m"),
            ("lacks the column 'label'", "--from-replay", log, "--out", "m"),
            ("utf-8", "--from-log", self.path("binary.csv", bytes(range(128, 256)) * 40), "--out", "m"),
            ("cannot read", "--from-log", self.path("torn.csv.gz", gzip.compress(os.urandom(9999))[:99]), "--out", "m"),
            ("packed with zstd", "--from-log", self.path("log.csv.zst", b"\x28\xb5\x2f\xfd rest"), "--out", "m"),
            ("cannot write /proc/x", "--from-log", log, "--out", "/proc/x"),
            ("full exists and is not a model", "--from-log", log, "--out", "full"),
            ("file is there and is not a directory", "--dummy", "--out", "file"),
            ("cannot write file/m: Not a directory", "--dummy", "--out", "file/m"),
            ("link is a link to nothing", "--dummy", "--out", "link"),
            ("cannot read nosuch/manifest.json", "--evaluate", "nosuch", "--closed-loop", log),
            ("cannot read nosuch.augur", "--from-log", log, "--out", "m", "--closed-loop", "nosuch.augur"),
            (
                "there is no program ./nosuch",
                "--from-log",
                log,
                "--out",
                "m",
                "--closed-loop",
                log,
                "--binary",
                "./nosuch",
            ),
            ("scripts/setup python .venv", "--from-log", packed, "--out", "m"),
            ("scripts/setup python .venv", "--from-log", "-", "--out", "m"),
            ("scripts/setup python .venv", "--dummy", "--out", "new/model"),
        ]:
            self.refused(1, said, *argv)

    def test_numbers_that_cannot_be_are_wrong_use(self):
        for option, value in [
            ("--epochs", "0"),
            ("--epochs", "1e3"),
            ("--batch", "-1"),
            ("--seed", "x"),
            ("--seed", str(2**32)),
            ("--hidden", "0"),
            ("--learning-rate", "0"),
            ("--learning-rate", "nan"),
            ("--l2", "-1"),
            ("--train-share", "1"),
            ("--train-share", "0.9"),
            ("--folds", "1"),
            ("--threads", "0"),
            ("--minimum-rows", "0"),
            ("--cold-penalty", "inf"),
            ("--kind", "fish"),
            ("--fish", "1"),
        ]:
            self.refused(2, "", "--dummy", "--out", "m", f"{option}={value}")
        self.refused(2, "--out is needed", "--dummy")
        self.refused(2, "one of the arguments", "--out", "m")
        self.refused(2, "read once only", "--from-log", "-", "-", "--out", "m")

    def test_the_other_programs_say_one_sentence_too(self):
        for program in ("fidelity", "forest-parity", "bench-record"):
            self.refused(2, "--fish", "--fish", program=program)
        self.refused(2, "whole number", "--seeds", "0", program="fidelity")
        self.refused(
            1, "there is no program nosuch", "--binary", "nosuch", self.path("a-eevdf.augur", ""), program="fidelity"
        )
        self.refused(1, "scripts/setup python .venv", program="forest-parity")
        self.refused(1, "nosuch", "--binary", "nosuch", program="bench-record")
        self.refused(1, "pyarrow", "--config", "x.toml", "--out", "x.parquet", program="sweep.py")

    def test_help_needs_nothing(self):
        for program in PROGRAMS:
            code, out, err = self.run_program(program, "--help")
            self.assertEqual((code, err), (0, ""))
            self.assertIn("usage:", out)

    def test_without_the_packages_it_goes_on_in_the_checkouts_environment(self):
        python = os.path.join(self.root, ".venv", "bin", "python")
        os.makedirs(os.path.dirname(python))
        with open(python, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        os.chmod(python, 0o755)
        script = os.path.join(self.root, "scripts", "train.py")
        self.assertEqual(
            self.run_program("train.py", "--dummy", "--out", "a b"),
            (0, "\n".join([script, "--dummy", "--out", "a b"]) + "\n", ""),
        )
        # One that lacks the packages, too, is not entered again and again.
        with open(python, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {sys.executable} -S -B "$@"\n')
        self.refused(1, "there is no Python package numpy", "--dummy", "--out", "m")

    def test_it_can_be_started_by_its_name(self):
        for program in PROGRAMS:
            self.assertTrue(os.access(os.path.join(ROOT, "scripts", program), os.X_OK), program)

    def test_values_that_are_not_numbers_are_named_with_their_row(self):
        good = row() * 3
        for said, line in [
            ("row 4: wait_ns is x", row(wait_ns="x")),
            ("row 4: cpu_util is x", row(cpu_util="x")),
            ("row 4: at_ns is nan", row(at_ns="")),
        ]:
            self.refused(1, said, "--from-log", "-", "--out", "m", bare=False, stdin=(HEADER + good + line).encode())

    def test_interrupted_it_leaves_nothing_and_says_so(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        command = [
            sys.executable,
            "-B",
            os.path.join(self.root, "scripts", "train.py"),
            "-q",
            "--from-log",
            pipe,
            "--out",
            "m",
        ]
        process = subprocess.Popen(command, cwd=self.here, stderr=subprocess.PIPE)
        # Opened as soon as the other end is: it reads, and waits for more.
        with open(pipe, "w", encoding="utf-8"):
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=120)
        self.assertEqual((process.returncode, err.decode()), (130, "train.py: interrupted; nothing was written\n"))
        self.assertEqual(os.listdir(self.here), ["pipe"])


if __name__ == "__main__":
    unittest.main()
