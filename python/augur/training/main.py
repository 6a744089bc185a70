# SPDX-License-Identifier: GPL-2.0-only
"""The program: checks what was asked for, then does it.

Wrong use is told before anything large is loaded: TensorFlow takes ten seconds to start.
"""

import os

from .. import command
from .checks import check
from .options import arguments

PACKAGES = ("numpy", "pandas", "sklearn", "tensorflow")


def work(args, program):
    """Checks what was asked for, then does it."""
    check(args)
    command.use_environment(PACKAGES, "train")
    # Read when scikit-learn is first imported, which is later.
    os.environ.setdefault("OMP_NUM_THREADS", str(args.threads))
    if args.trainable:
        from .trainable import export_trainable

        export_trainable(args.trainable, args.out)
        print(
            f"wrote {args.out}: the graph of `{args.trainable}`, without weights; "
            "name it with `scx_augur simulate train --networks`"
        )
        return 0
    from .progress import Progress

    args.progress = Progress(program, args.quiet)
    with args.progress:
        args.progress.tell("starting")
        if args.evaluate:
            from .replay import closed_loop, report_closed_loop

            found = closed_loop(args)
            args.progress.clear()
            return report_closed_loop(found)
        from .supervised import dummy, train

        return dummy(args) if args.dummy else train(args)


def main(argv=None, program="augur-train"):
    """Runs the command; 1 is a failure, 2 wrong use (argparse), 130 an interruption."""
    args = arguments(argv, program)
    return command.run(program, lambda: work(args, program))
