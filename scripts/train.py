#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Trains the models of scx_augur; `train.py --help` says how. The parts are in scripts/training."""

import os
import sys

# Names that tests and other scripts use.
from training.contract import CONTRACT_VERSION, FEATURES, LOG1P, LOG_COLUMNS, SIGNATURE, Refusal  # noqa: F401
from training.export import export, write_json  # noqa: F401
from training.network import seed_everything
from training.options import arguments
from training.replay import bootstrap, closed_loop, report_closed_loop  # noqa: F401
from training.rows import read, split  # noqa: F401
from training.scores import balanced_accuracy, value_of, worthwhile_threshold  # noqa: F401
from training.supervised import dummy, train


def main(argv=None):
    """Runs the command; 1 is a failure, 2 wrong use (argparse)."""
    args = arguments(argv)
    # Read when scikit-learn is first imported, which is later.
    os.environ.setdefault("OMP_NUM_THREADS", str(args.threads))
    try:
        if args.evaluate:
            report_closed_loop(closed_loop(args))
            return 0
        if args.trainable:
            from training.trainable import export_trainable

            export_trainable(args.trainable, args.out)
            return 0
        seed_everything(args.seed)
        dummy(args) if args.dummy else train(args)
    except Refusal as refusal:
        print(f"train.py: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
