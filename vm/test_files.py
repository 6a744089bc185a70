# SPDX-License-Identifier: GPL-2.0-only
"""Where files land, in the guest and back on the host."""

import io
import os
import tarfile
import tempfile
import unittest
from pathlib import Path

import files
from failure import Failure, Misuse


class InTemporaryFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "program").write_text("program")


class Putting(InTemporaryFolder):
    def check(self, suffix: str, expected: str):
        self.assertEqual(str(files.parse_put(f"{self.folder}/program{suffix}").guest), expected)

    def test_without_a_place_it_goes_where_the_command_runs(self):
        self.check("", "/root/program")

    def test_a_place_is_a_name_or_with_a_slash_a_folder(self):
        self.check(":/opt/other", "/opt/other")
        self.check(":/opt/", "/opt/program")
        self.check(":sub/name", "/root/sub/name")

    def test_a_file_that_is_not_there_is_refused(self):
        with self.assertRaises(Misuse):
            files.parse_put(f"{self.folder}/nothing")

    def test_the_tar_holds_the_file_behind_a_link_and_belongs_to_root(self):
        (self.folder / "link").symlink_to("program")
        stream = io.BytesIO()
        files.write_tar(stream, [files.parse_put(f"{self.folder}/link:/opt/x")], {"run/vm/argv": b"ls\0"})
        stream.seek(0)
        with tarfile.open(fileobj=stream) as tar:
            self.assertEqual(tar.getnames(), ["run/vm/argv", "opt/x"])
            self.assertEqual(tar.extractfile("opt/x").read(), b"program")
            self.assertEqual(tar.getmember("opt/x").uid, 0)


class Getting(InTemporaryFolder):
    def check(self, guest: str, expected: str):
        self.assertEqual(str(files.parse_get(f"{guest}:{self.folder}").guest), expected)

    def test_a_relative_path_is_one_of_the_commands_folder(self):
        self.check("out.json", "/root/out.json")
        self.check("/tmp/a:b", "/tmp/a:b")

    def test_nonsense_is_refused(self):
        for text in ("x", "x:", ":/tmp", "/:/tmp", "../x:/tmp", f"x:{self.folder}/program"):
            with self.subTest(text), self.assertRaises(Misuse):
                files.parse_get(text)

    def test_a_file_replaces_a_file_and_a_folder_a_folder(self):
        target = self.folder / "target"
        for content in ("old", "new"):
            source = self.folder / "source"
            source.mkdir(exist_ok=True)
            (source / content).write_text(content)
            (self.folder / "file").write_text(content)
            files.place(source, target)
            files.place(self.folder / "file", target)
            (source / content).unlink()
        self.assertEqual(sorted(os.listdir(target)), ["file", "source"])
        self.assertEqual(os.listdir(target / "source"), ["new"])
        self.assertEqual((target / "file").read_text(), "new")

    def test_half_a_tar_delivers_nothing(self):
        stream = io.BytesIO()
        files.write_tar(stream, [], {"root/whole": b"w" * 100, "root/half": b"h" * 100_000})
        half = self.folder / "half.tar"
        half.write_bytes(stream.getvalue()[:50_000])
        gets = [files.parse_get(f"{name}:{self.folder}/back") for name in ("whole", "half")]
        with open(half, "rb") as port, files.Receiver(gets, port) as receiver, self.assertRaises(Failure):
            receiver.deliver([])
        self.assertFalse((self.folder / "back").exists())


if __name__ == "__main__":
    unittest.main()
