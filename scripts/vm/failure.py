# SPDX-License-Identifier: GPL-2.0-only
"""The errors that a user sees: one sentence each, never a traceback."""


class Failure(Exception):
    """Something did not work: one sentence (what, where, what to do), exit code 1."""

    exit_code = 1


class Misuse(Failure):
    """The command line makes no sense: one sentence, exit code 2."""

    exit_code = 2
