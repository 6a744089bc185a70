#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Trains the models of scx_augur; `train.py --help` says how. The parts are in scripts/training.

Wrong use is told before anything large is loaded: TensorFlow takes ten seconds to start.
"""

import os
import sys

import command
from training.checks import check
from training.options import arguments

PACKAGES = ("numpy", "pandas", "sklearn", "tensorflow")


def work(args):
    """Checks what was asked for, then does it."""
    check(args)
    command.use_environment(PACKAGES)
    # Read when scikit-learn is first imported, which is later.
    os.environ.setdefault("OMP_NUM_THREADS", str(args.threads))
    if args.trainable:
        from training.trainable import export_trainable

        export_trainable(args.trainable, args.out)
        print(f"wrote {args.out}: the graph of `{args.trainable}`, without weights; name it with `scx_augur simulate train --networks`")
        return 0
    from training.progress import Progress

    args.progress = Progress(args.quiet)
    with args.progress:
        args.progress.tell("starting")
        if args.evaluate:
            from training.replay import closed_loop, report_closed_loop

            found = closed_loop(args)
            args.progress.clear()
            return report_closed_loop(found)
        from training.supervised import dummy, train

        return dummy(args) if args.dummy else train(args)


def main(argv=None):
    """Runs the command; 1 is a failure, 2 wrong use (argparse), 130 an interruption."""
    args = arguments(argv)
    return command.run("train.py", lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
