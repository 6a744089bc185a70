# SPDX-License-Identifier: GPL-2.0-only
"""The errors that a user sees: one sentence each, never a traceback."""


class Failure(Exception):
    """Something did not work: one sentence (what, where, what to do), exit code 1."""

    exit_code = 1


class Misuse(Failure):
    """The command line makes no sense: one sentence, exit code 2."""

    exit_code = 2


class EmulatorFault(Failure):
    """The emulator, not the guest, went wrong: one sentence, exit code 75 (sysexits.h: try again)."""

    exit_code = 75
