# SPDX-License-Identifier: GPL-2.0-only
"""A live test: a function that returns what it saw, or raises Failed with what it expected instead.

    @case(topologies=("2x2",))
    def stay(options):
        ...
        check(moves == 0, "no migration of the hogs", f"{moves}")
        return f"{len(hogs)} hogs, 0 migrations"

Both ends import this list: the host to know what to boot, the guest to run it.
"""

from dataclasses import dataclass
from typing import Callable


class Failed(Exception):
    """An expectation that did not hold."""


@dataclass(frozen=True)
class Options:
    """What the user asked for, as the guest needs to know it."""

    quick: bool = False
    # Length of the endurance test; None: what quick implies.
    seconds: float | None = None

    def pick(self, full, quick):
        """The one of two that goes with --quick or without."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Case:
    """One test and where it runs when the user names no place."""

    name: str
    run: Callable[[Options], str]
    topologies: tuple[str, ...]
    every_kernel: bool
    domains_min: int
    cpus_min: int
    limit_s: float
    # May the kernel's log speak of errors? Only where the test provokes them.
    errors_expected: bool
    # What the guest's clock counts: "instructions" where a wait is measured that the host could make longer (see
    # vm/README.md).
    clock: str
    # Left out of --quick?
    thorough: bool

    @property
    def sentence(self) -> str:
        """The first paragraph of its documentation, on one line."""
        return " ".join((self.run.__doc__ or "").partition("\n\n")[0].split())


CASES: dict[str, Case] = {}


def case(
    topologies=("2x2",),
    every_kernel=False,
    domains_min=1,
    cpus_min=1,
    limit_s=240.0,
    errors_expected=False,
    clock="host",
    thorough=False,
):
    """Registers a test under its function's name, with dashes for underscores."""

    def register(function: Callable[[Options], str]) -> Callable[[Options], str]:
        name = function.__name__.replace("_", "-")
        CASES[name] = Case(
            name,
            function,
            tuple(topologies),
            every_kernel,
            domains_min,
            cpus_min,
            limit_s,
            errors_expected,
            clock,
            thorough,
        )
        return function

    return register


def check(holds: bool, expected: str, saw: str) -> None:
    """Fails the test unless `holds`."""
    if not holds:
        raise Failed(f"expected {expected}, saw {saw}")
