# SPDX-License-Identifier: GPL-2.0-only
"""Trains the migration model of scx_augur and exports it as a directory that the scheduler loads.

A model directory holds a TensorFlow SavedModel (raw float32 features in, the probability that the move is worth
making out; normalisation inside the graph), `manifest.json` (what the scheduler checks before it trusts the model)
and `golden.json` (rows with the scores that Python computed, to test other implementations against).

    train.py --dummy stay|move|mlp --out DIR            a model for the first run and for tests
    train.py --from-log FILE... --out DIR               from decision logs, recorded with an exploring gate
    train.py --evaluate DIR --closed-loop TRACE...      what a model changes in replay
    train.py --from-replay FILE... --out DIR            from rows with hindsight labels (`replay --log-decisions`)
    train.py --trainable dqn|graph --out DIR            a network that `scx_augur simulate train` trains, without weights

Files are named WORKLOAD-MACHINE-SCHEDULER.*; --held-out WORKLOAD... keeps whole workloads from the training, and --closed-loop TRACE...
replays traces under `augur` and under the new model, seed by seed, and says what the model changed.

Every choice is an argument; the same arguments on the same files give the same model.
"""

import argparse


def arguments(argv=None):
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dummy", nargs="?", const="mlp", choices=["stay", "move", "mlp"],
                        help="no training: always 0, always 1, or a network of random weights")  # fmt: skip
    source.add_argument("--trainable", choices=["dqn", "graph"], help="no training: a graph with signatures to train it from Rust")
    source.add_argument("--evaluate", metavar="DIR", help="no training: the closed loop of the model in DIR")
    source.add_argument("--from-log", nargs="+", metavar="FILE", help="decision logs (CSV)")
    source.add_argument("--from-replay", nargs="+", metavar="FILE", help="feature rows with a `label` column (CSV)")
    parser.add_argument("--kind", choices=["balance", "steal", "all"], default="all",
                        help="which candidates of a decision log to learn from")
    parser.add_argument("--out", metavar="DIR", help="the model directory to write")
    parser.add_argument("--name", help="the model's name in logs and tables (default: what it is made from)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 32], help="hidden layers")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=60, help="at most so many; the validation part stops earlier")
    parser.add_argument("--patience", type=int, default=6, help="epochs without a better validation loss")
    parser.add_argument("--l2", type=float, default=1e-4)
    parser.add_argument("--split", choices=["time", "file"], default="time", help="hold out the end of every file, or whole files")
    parser.add_argument("--held-out", nargs="+", default=[], metavar="WORKLOAD",
                        help="rows of these workloads are only ever measured on; the others are cut in time")  # fmt: skip
    parser.add_argument("--closed-loop", nargs="+", default=[], metavar="TRACE",
                        help="replay these under `augur` and under the new model")  # fmt: skip
    parser.add_argument("--binary", default="target/release/scx_augur", help="what replays")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the closed loop")
    parser.add_argument("--train-share", type=float, default=0.70)
    parser.add_argument("--validation-share", type=float, default=0.15)
    parser.add_argument("--cold-penalty", type=float, default=0.10,
                        help="cost of a cache-cold start, in the unit of the wait share")  # fmt: skip
    parser.add_argument("--threshold", choices=["worth", "accuracy"], default="worth",
                        help="from where on the model accepts: so that refusals gain most, beyond chance, or of the best accuracy")
    parser.add_argument("--margin", type=float, default=0.0, help="a move must be better by this much to be right")
    parser.add_argument("--folds", type=int, default=5, help="folds of the cross-fitting, contiguous in time")
    parser.add_argument("--threads", type=int, default=1,
                        help="threads of the regressors; more than there are idle CPUs make them much slower")  # fmt: skip
    parser.add_argument("--minimum-rows", type=int, default=200, help="fewer usable rows are refused")
    args = parser.parse_args(argv)
    if args.evaluate:
        args.out = args.evaluate
    if not args.out or args.evaluate and not args.closed_loop:
        parser.error("--out is needed for a new model, and --closed-loop for one that is evaluated")
    return args
