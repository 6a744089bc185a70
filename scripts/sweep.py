#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs a sweep of scx_augur; `sweep.py --help` says how. It is `augur-sweep` of python/, started in a checkout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
from augur.sweep.main import main

if __name__ == "__main__":
    sys.exit(main(program="sweep.py"))
