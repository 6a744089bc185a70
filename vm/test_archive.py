# SPDX-License-Identifier: GPL-2.0-only
"""What is taken of the machine's apt sources."""

import unittest

from archive import Source, parse_sources


class Sources(unittest.TestCase):
    def test_the_release_and_its_fixes_are_taken_once_and_nothing_else(self):
        text = (
            "http://mirror/debian/|bookworm|main\n"
            "http://mirror/debian/|bookworm|main\n"
            "http://mirror/debian/|bookworm-updates|main\n"
            "http://mirror/security/|bookworm-security|main\n"
            "http://mirror/debian/|bookworm-backports|main\n"
            "https://elsewhere/apt/|nodistro|main\n"
            "\n"
        )
        expected = [
            Source("http://mirror/debian/", "bookworm"),
            Source("http://mirror/debian/", "bookworm-updates"),
            Source("http://mirror/security/", "bookworm-security"),
        ]
        self.assertEqual(parse_sources(text, "bookworm"), expected)


if __name__ == "__main__":
    unittest.main()
