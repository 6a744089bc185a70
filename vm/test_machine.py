# SPDX-License-Identifier: GPL-2.0-only
"""What the guest says and what its console shows, as the host understands it."""

import unittest
from pathlib import Path

import machine
import topology
from machine import PORTS, Lines, Outcome


class Status(unittest.TestCase):
    def test_lines_are_understood_however_they_are_cut(self):
        outcome = Outcome()
        lines = Lines(lambda line: outcome.hear(line.decode()))
        for piece in (b"ready\nput 0\nex", b"it 13", b"9\nmissing /a b\nget 0\nen", b"d\n"):
            lines.feed(piece)
        self.assertEqual((outcome.put_code, outcome.exit_code, outcome.get_code), (0, 139, 0))
        self.assertEqual(outcome.missing, ["/a b"])
        self.assertTrue(outcome.ended)

    def test_a_command_that_never_ended_has_no_code(self):
        outcome = Outcome()
        outcome.hear("put 0")
        self.assertIsNone(outcome.exit_code)
        self.assertFalse(outcome.ended)


class Command(unittest.TestCase):
    def test_status_is_the_last_port_and_the_disk_is_never_written(self):
        shape = machine.Shape(Path("/k"), Path("/i"), topology.parse("2x2"), 1024)
        command = machine.qemu_command(shape, {name: 10 + i for i, name in enumerate(PORTS)}, 9)
        ports = [word for word in command if word.startswith("virtserialport,")]
        self.assertEqual(ports[-1], "virtserialport,chardev=status,name=status")
        self.assertIn("snapshot=on", next(word for word in command if word.startswith("file=/i")))

    def test_a_clock_that_counts_instructions_has_one_thread_and_a_counter_of_nanoseconds(self):
        fds = {name: 10 + i for i, name in enumerate(PORTS)}
        command = machine.qemu_command(
            machine.Shape(Path("/k"), Path("/i"), topology.parse("2x2"), 1024, "instructions"), fds, 9
        )
        self.assertIn("tcg,thread=single,tb-size=512", command)
        self.assertEqual(command[command.index("-icount") + 1], "shift=0")
        self.assertIn("tsc_early_khz=1000000", command[command.index("-append") + 1])


if __name__ == "__main__":
    unittest.main()
