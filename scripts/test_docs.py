#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of scripts/check-docs: that it finds what is wrong in a document.  python -m unittest discover scripts"""

import importlib.machinery
import importlib.util
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
LOADER = importlib.machinery.SourceFileLoader("check_docs", str(ROOT / "scripts" / "check-docs"))
check_docs = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_docs", LOADER))
LOADER.exec_module(check_docs)

# Stands for the program: knows one option, and prints two lines.
PROGRAM = """#!/bin/sh
for word; do case $word in --known | --help | show | -o | x) ;; *) echo "unexpected $word" >&2; exit 2 ;; esac; done
echo one
echo two
"""


class Docs(unittest.TestCase):
    """Each test has a checkout of its own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.program = self.root / "target/release/scx_augur"
        self.program.parent.mkdir(parents=True)
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)
        (self.root / ".gitignore").write_text("/target\n")
        (self.root / "Makefile").write_text("right:\n\ttouch made\n")
        patch = mock.patch.object(check_docs, "ROOT", str(self.root))
        patch.start()
        self.addCleanup(patch.stop)

    def faults(self, text, name="README.md", limit_s=20, update=False):
        (self.root / name).write_text(text)
        args = mock.Mock(binary=self.program, limit_s=limit_s, verbose=False, update=update)
        return check_docs.check_document(name, args)

    def test_what_is_right_is_run_in_a_copy(self):
        text = (
            "```sh\nmkdir new   # a comment\ntest -d new\nscx_augur --known \\\n  > new/out\n```\n```console\n$ cat "
            "new/out\none\ntwo\n```\n"
        )
        self.assertEqual(self.faults(text), ([], [4, 0]))
        self.assertFalse((self.root / "new").exists())

    def test_what_fails_is_named_with_its_line(self):
        faults, _ = self.faults("text\n\n```sh\nscx_augur --unknown\n```\n")
        self.assertEqual(len(faults), 1)
        self.assertIn("README.md:3: `scx_augur --unknown`: exit code 2 instead of 0: unexpected --unknown", faults[0])
        faults, _ = self.faults("```sh\nsleep 60\n```\n", limit_s=0.2)
        self.assertIn("not done after", faults[0])
        self.assertEqual(self.faults("<!-- fails -->\n```sh\nfalse\n```\n"), ([], [1, 0]))
        self.assertEqual(len(self.faults("<!-- fails -->\n```sh\ntrue\n```\n")[0]), 1)

    def test_a_transcript_has_to_be_what_is_printed(self):
        for shown, right in [
            ("one\ntwo", 1),
            ("one", 0),
            ("one\ntwo\nthree", 0),
            ("…\ntwo", 1),
            ("one\n…", 1),
            ("…\nthree", 0),
        ]:
            text = f"```console\n$ scx_augur show\n{shown}\n```\n"
            with self.subTest(shown=shown):
                self.assertEqual(len(self.faults(text)[0]), 1 - right)
                self.assertEqual(self.faults("<!-- differs: time -->\n" + text)[0], [])

    def test_what_a_block_prints_may_stand_apart(self):
        text = "```sh\nscx_augur show\n```\n\n<!-- prints -->\n```text\none\n{}\n```\n"
        self.assertEqual(self.faults(text.format("two")), ([], [1, 0]))
        self.assertIn(
            "README.md:6: the command before it prints something else", self.faults(text.format("three"))[0][0]
        )

    def test_what_is_printed_now_can_be_put_into_the_document(self):
        text = (
            "```sh\nscx_augur show\n```\n<!-- prints -->\n```text\n{}\n```\n```console\n$ scx_augur x\n{}\n```\nend\n"
        )
        for shown, new in [
            ("old", "one\ntwo"),
            ("old\n…", "one\n…"),
            ("…\ntwo words", "…\ntwo"),
            ("…\none x\n…", "…\none\n…"),
        ]:
            with self.subTest(shown=shown):
                self.assertEqual(len(self.faults(text.format(shown, shown), update=True)[0]), 2)
                self.assertEqual((self.root / "README.md").read_text(), text.format(new, new))
                self.assertEqual(self.faults(text.format(new, new))[0], [])

    def test_each_column_is_explained(self):
        os.makedirs(self.root / "docs")
        (self.root / "docs/reference.md").write_text("`task`, `used_*`\n")
        text = "```sh\necho task,used_CPU0,fish > table.csv\n```\n"
        self.assertEqual(
            self.faults(text)[0], ["README.md: docs/reference.md does not say what the column fish of table.csv is"]
        )

    def test_of_what_cannot_run_here_the_options_are_looked_at(self):
        needs = "<!-- needs: root -->\n```sh\n{}\n```\n"
        for command, right in [
            ("sudo scx_augur --known -o x -- make --fish", 1),
            ("sudo scx_augur --fish", 0),
            ("make right", 1),
            ("make wrong", 0),
            ("make right && sudo make wrong", 0),
            ("make right && scx_augur --known > x  # why", 1),
            ("if", 0),
            ("scripts/nothing", 0),
            ("systemctl enable fish", 1),
        ]:
            with self.subTest(command=command):
                faults, counts = self.faults(needs.format(command))
                self.assertEqual((len(faults), counts), (1 - right, [0, 1]), faults)
        self.assertFalse((self.root / "made").exists())

    def test_links_lines_and_the_size_are_looked_at(self):
        os.makedirs(self.root / "docs")
        (self.root / "docs/there.md").write_text("")
        self.assertEqual(self.faults("[a](docs/there.md#x) [b](https://example.org/x)\n")[0], [])
        self.assertIn("leads nowhere", self.faults("[a](docs/none.md)\n")[0][0])
        self.assertEqual(self.faults("[a](there.md)\n", "docs/a.md")[0], [])
        self.assertIn("141 characters", self.faults("x" * 141 + "\n|" + "y" * 200 + "|\n")[0][0])
        # What a program printed cannot be wrapped; a command can.
        self.assertEqual(self.faults("```text\n" + "z" * 200 + "\n```\n")[0], [])
        self.assertIn(":4 has 141", self.faults("```sh\ntrue\n```\n" + "x" * 141 + "\n")[0][0])
        self.assertIn("9216 are the most", self.faults("x\n" * 5000)[0][0])


if __name__ == "__main__":
    unittest.main()
