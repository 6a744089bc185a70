#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Trains the models of scx_augur; `train.py --help` says how. It is `augur-train` of python/, started in a checkout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))
from augur.training.main import main

if __name__ == "__main__":
    sys.exit(main(program="train.py"))
