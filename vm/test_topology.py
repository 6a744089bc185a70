# SPDX-License-Identifier: GPL-2.0-only
"""What a topology's name means to QEMU."""

import unittest

import topology
from failure import Misuse
from topology import Topology


class Parsing(unittest.TestCase):
    def test_names_are_read_from_the_innermost_level_outwards(self):
        for text, expected in {
            "1": Topology(1, 1, 1, 1),
            "4": Topology(1, 1, 4, 1),
            "2x2": Topology(1, 2, 2, 1),
            "4x2": Topology(1, 4, 2, 1),
            "2x2x2": Topology(2, 2, 2, 1),
            "1x2x2x2": Topology(1, 2, 2, 2),
        }.items():
            with self.subTest(text):
                self.assertEqual(topology.parse(text), expected)

    def test_nonsense_is_refused(self):
        for text in ("", "x", "2x", "2x0", "-1", "2x2x2x2x2", "²", "two", "65", "16x8"):
            with self.subTest(text), self.assertRaises(Misuse):
                topology.parse(text)


class Arguments(unittest.TestCase):
    def check(self, text: str, expected: str, memory_mb: int = 4096):
        self.assertEqual(" ".join(topology.qemu_arguments(topology.parse(text), memory_mb)), expected)

    def test_a_cache_is_a_socket(self):
        self.check("4x2", "-smp 8,sockets=4,cores=2,threads=1 -m 4096M")

    def test_threads_share_a_core(self):
        self.check("1x2x2x2", "-smp 8,sockets=2,cores=2,threads=2 -m 4096M")

    def test_nodes_share_cpus_and_memory_with_nothing_left_over(self):
        self.check(
            "2x2x2",
            "-smp 8,sockets=4,cores=2,threads=1 -m 1000M"
            " -object memory-backend-ram,id=memory0,size=500M -numa node,nodeid=0,cpus=0-3,memdev=memory0"
            " -object memory-backend-ram,id=memory1,size=500M -numa node,nodeid=1,cpus=4-7,memdev=memory1",
            memory_mb=1001,
        )


if __name__ == "__main__":
    unittest.main()
