# SPDX-License-Identifier: GPL-2.0-only
"""Every test, by importing the files that hold them."""

import importlib
from pathlib import Path


def load() -> None:
    """Fills case.CASES, in the order of the files' names and of the tests in each."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(path.stem)
