# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel is taken from what the archive has."""

import unittest

import kernel
from failure import Failure, Misuse

ARCHIVE = [
    "6.16.3+deb13",
    "6.16.12+deb13",
    "6.18.9+deb13",
    "6.18.15+deb13",
    "6.18.16+deb13",
    "7.2.9+deb13",
    "7.2.12+deb13",
    "7.2.13+deb14",
]


class Choosing(unittest.TestCase):
    def check(self, wanted: str, expected: str, noted: bool = False, without: tuple[str, ...] = ()):
        available = [release for release in ARCHIVE if release not in without]
        release, note = kernel.choose(wanted, available)
        self.assertEqual(release, expected)
        self.assertEqual(bool(note), noted, note)

    def test_a_series_means_its_known_good_release(self):
        self.check("6.16", "6.16.12+deb13")
        self.check("6.18", "6.18.15+deb13")
        self.check("7.2", "7.2.13+deb14")

    def test_without_it_the_newest_of_the_series_by_number_and_a_word(self):
        self.check("6.18", "6.18.16+deb13", noted=True, without=("6.18.15+deb13",))
        self.check("6.18", "6.18.9+deb13", noted=True, without=("6.18.15+deb13", "6.18.16+deb13"))

    def test_a_broken_release_is_never_a_fallback(self):
        self.check("7.2", "7.2.9+deb13", noted=True, without=("7.2.13+deb14",))
        self.check("7.2", "6.18.16+deb13", noted=True, without=("7.2.13+deb14", "7.2.9+deb13"))

    def test_a_broken_release_named_in_full_is_taken_with_a_warning(self):
        self.check("7.2.12", "7.2.12+deb13", noted=True)

    def test_a_release_named_in_full_is_taken(self):
        self.check("6.18.9", "6.18.9+deb13")
        self.check("6.18.9+deb13", "6.18.9+deb13")

    def test_a_missing_release_falls_back_to_its_series(self):
        self.check("6.18.7", "6.18.15+deb13", noted=True)

    def test_a_missing_series_falls_back_to_the_newest(self):
        self.check("6.19", "7.2.13+deb14", noted=True)

    def test_kernels_that_cannot_have_sched_ext_are_refused(self):
        for wanted in ("6.12", "5.10.3", "latest", "6", "../6.18", "6.18+deb13"):
            with self.subTest(wanted), self.assertRaises(Misuse):
                kernel.choose(wanted, ARCHIVE)

    def test_an_archive_without_sched_ext_is_a_failure(self):
        with self.assertRaises(Failure):
            kernel.choose("6.18", ["6.12.4+deb13", "7.2.12+deb13"])


if __name__ == "__main__":
    unittest.main()
