# SPDX-License-Identifier: GPL-2.0-only
"""The time stamp counter's frequency, against what the kernel found."""

import re
import unittest
from pathlib import Path

import tsc


class Frequency(unittest.TestCase):
    def test_it_is_about_what_the_kernel_says(self):
        khz = tsc.khz()
        said = re.search(r"^cpu MHz\s*: ([\d.]+)", Path("/proc/cpuinfo").read_text(), re.M)
        if khz is None or said is None:
            self.skipTest("this machine has no time stamp counter, or does not say how fast it is")
        # The kernel tells the clock of the moment, which may be far from the counter's nominal one.
        self.assertTrue(0.25 < khz / 1e3 / float(said[1]) < 4, (khz, said[1]))

    def test_it_is_the_same_each_time(self):
        if tsc.khz() is None:
            self.skipTest("this machine has no time stamp counter")
        first = tsc.khz()
        tsc.khz.cache_clear()
        self.assertLess(abs(tsc.khz() / first - 1), 1e-2)
