#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of what pip installs: its version, its programs, its extras.  python -m unittest discover python/tests"""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

PYTHON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
ROOT = os.path.join(PYTHON, "..")


def table_of(*parts):
    with open(os.path.join(PYTHON, *parts), "rb") as file:
        return tomllib.load(file)


PROJECT = table_of("pyproject.toml")


class Package(unittest.TestCase):
    def test_it_has_the_version_of_the_scheduler(self):
        self.assertEqual(PROJECT["project"]["version"], table_of("..", "Cargo.toml")["workspace"]["package"]["version"])

    def test_all_of_it_is_packed(self):
        folders = [folder for folder, _, files in os.walk(os.path.join(PYTHON, "augur")) if "__init__.py" in files]
        found = sorted(os.path.relpath(folder, PYTHON).replace(os.sep, ".") for folder in folders)
        self.assertEqual(PROJECT["tool"]["setuptools"]["packages"], found)

    def test_every_extra_pins_what_it_installs(self):
        extras = PROJECT["tool"]["setuptools"]["dynamic"]["optional-dependencies"]
        self.assertEqual(sorted(extras), ["dev", "sweep", "train"])
        for extra in extras.values():
            for name in extra["file"]:
                with open(os.path.join(PYTHON, name), encoding="utf-8") as file:
                    needed = [line.strip() for line in file if line.strip() and not line.startswith("#")]
                self.assertTrue(needed)
                for line in needed:
                    self.assertTrue(re.fullmatch(r"[\w-]+==[\d.]+", line), line)

    def test_its_programs_say_what_is_missing_without_a_checkout(self):
        """As pip installs it: the package alone, under a Python that has no other."""
        with tempfile.TemporaryDirectory() as folder:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(os.path.join(PYTHON, "augur"), os.path.join(folder, "augur"), ignore=ignored)
            with open(os.path.join(folder, "sweep.toml"), "w", encoding="utf-8") as file:
                file.write("[[simulate]]\npolicies = ['eft']\n")
            for name, extra, argv in (
                ("augur-train", "train", ["--dummy", "--out", "model"]),
                ("augur-sweep", "sweep", ["--config", "sweep.toml", "--out", "out", "--local"]),
            ):
                module, _, function = PROJECT["project"]["scripts"][name].partition(":")
                code = f"import sys; from {module} import {function}; sys.exit({function}())"
                command = [sys.executable, "-S", "-B", "-c", code]
                done = subprocess.run([*command, *argv], cwd=folder, capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                said = rf"{name}: there is no Python package \w+ here; install scx-augur with its extra `{extra}`\n"
                self.assertRegex(done.stderr, f"^{said}$")
                done = subprocess.run([*command, "--help"], cwd=folder, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"\n    {name} --", done.stdout)


class Lint(unittest.TestCase):
    def test_every_program_is_looked_at(self):
        """A program whose name does not end in .py is one that ruff has to be told of."""
        listed = subprocess.run(
            ["git", "grep", "-lIE", "^#!.*python"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        programs = [name for name in listed.stdout.split() if not name.endswith(".py")]
        wanted = [name for name in programs if first_line(os.path.join(ROOT, name)).startswith("#!")]
        self.assertEqual(table_of("..", "ruff.toml")["extend-include"], sorted(wanted))


def first_line(path):
    with open(path, encoding="utf-8") as file:
        return file.readline()


class Modules(unittest.TestCase):
    """What each package says it is made of is what lies in its folder."""

    def test_the_tables_of_contents_are_complete(self):
        sys.path.insert(0, PYTHON)
        self.addCleanup(sys.path.remove, PYTHON)
        for name in ("training", "sweep"):
            said = importlib.import_module(f"augur.{name}").__doc__
            files = os.listdir(os.path.join(PYTHON, "augur", name))
            modules = {file.removesuffix(".py") for file in files if file.endswith(".py")} - {"__init__"}
            for module in modules:
                self.assertRegex(said, rf"(?m)^(.* {{2,}})?{module} {{2,}}\S", name)


if __name__ == "__main__":
    unittest.main()
