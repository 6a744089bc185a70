# SPDX-License-Identifier: GPL-2.0-only
"""Trains the migration model of scx_augur and exports it as a directory that the scheduler loads.

A model directory holds a TensorFlow SavedModel (raw float32 features in, the probability that the move is worth
making out; normalisation inside the graph), `manifest.json` (what the scheduler checks before it trusts the model)
and `golden.json` (rows with the scores that Python computed, to test other implementations against).

    %(prog)s --dummy stay|move|mlp --out DIR            a model for the first run and for tests
    %(prog)s --from-log FILE... --out DIR               from decision logs, recorded with an exploring gate
    %(prog)s --evaluate DIR --closed-loop TRACE...      what a model changes in replay
    %(prog)s --from-replay FILE... --out DIR            from rows with hindsight labels (`replay --log-decisions`)
    %(prog)s --trainable dqn|graph --out DIR            a network without weights, for `scx_augur simulate train`

A FILE may be packed with gzip; `-` is standard input. A model that is in DIR already is replaced; other directories are
refused.

Files are named WORKLOAD-MACHINE-SCHEDULER.*; --held-out WORKLOAD... keeps whole workloads from the training, and
--closed-loop TRACE... replays traces under `augur` and under the new model, seed by seed, and says what the model
changed.

Every choice is an argument; the same arguments on the same files give the same model.
"""

from ..command import Parser, real, whole


def arguments(argv=None, program="augur-train"):
    """Parses the command line."""
    parser = Parser(prog=program, description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--dummy",
        nargs="?",
        const="mlp",
        choices=["stay", "move", "mlp"],
        help="no training: always 0, always 1, or a network of random weights",
    )
    source.add_argument(
        "--trainable", choices=["dqn", "graph"], help="no training: a graph with signatures to train it from Rust"
    )
    source.add_argument("--evaluate", metavar="DIR", help="no training: the closed loop of the model in DIR")
    source.add_argument("--from-log", nargs="+", metavar="FILE", help="decision logs (CSV, also .gz)")
    source.add_argument(
        "--from-replay", nargs="+", metavar="FILE", help="feature rows with a `label` column (CSV, also .gz)"
    )
    parser.add_argument(
        "--kind",
        choices=["balance", "steal", "all"],
        default="all",
        help="which candidates of a decision log to learn from",
    )
    parser.add_argument("--out", metavar="DIR", help="the model directory to write")
    parser.add_argument("--name", help="the model's name in logs and tables (default: what it is made from)")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=1, help="one seed, one model (default: 1)")
    parser.add_argument(
        "--hidden", type=whole(1, 4096), nargs="+", default=[64, 32], help="units of the hidden layers (default: 64 32)"
    )
    parser.add_argument("--learning-rate", type=real(0, open_end=True), default=1e-3, help="of Adam (default: 0.001)")
    parser.add_argument("--batch", type=whole(1), default=256, help="rows of a step (default: 256)")
    parser.add_argument(
        "--epochs", type=whole(1), default=60, help="at most so many; the validation part stops earlier (default: 60)"
    )
    parser.add_argument(
        "--patience", type=whole(0), default=6, help="epochs without a better validation loss (default: 6)"
    )
    parser.add_argument("--l2", type=real(0), default=1e-4, help="penalty on large weights (default: 0.0001)")
    parser.add_argument(
        "--split", choices=["time", "file"], default="time", help="hold out the end of every file, or whole files"
    )
    parser.add_argument(
        "--held-out",
        nargs="+",
        default=[],
        metavar="WORKLOAD",
        help="rows of these workloads are only ever measured on; the others are cut in time",
    )
    parser.add_argument(
        "--closed-loop",
        nargs="+",
        default=[],
        metavar="TRACE",
        help="replay these under `augur` and under the new model",
    )
    parser.add_argument(
        "--binary", metavar="FILE", help="what replays (default: the one that was built here, or that of PATH)"
    )
    parser.add_argument("--seeds", type=whole(1), default=10, help="seeds of the closed loop (default: 10)")
    parser.add_argument(
        "--train-share", type=real(0, 1, open_end=True), default=0.70, help="of the rows (default: 0.7)"
    )
    parser.add_argument(
        "--validation-share", type=real(0, 1, open_end=True), default=0.15, help="of the rows (default: 0.15)"
    )
    parser.add_argument(
        "--cold-penalty", type=real(0), default=0.10, help="cost of a cache-cold start, in the unit of the wait share"
    )
    parser.add_argument(
        "--threshold",
        choices=["worth", "accuracy"],
        default="worth",
        help="from where on the model accepts: so that refusals gain most, beyond chance, or of the best accuracy",
    )
    parser.add_argument("--margin", type=real(0), default=0.0, help="a move must be better by this much to be right")
    parser.add_argument("--folds", type=whole(2), default=5, help="folds of the cross-fitting, contiguous in time")
    parser.add_argument(
        "--threads",
        type=whole(1),
        default=1,
        help="threads of the regressors; more than there are idle CPUs make them much slower",
    )
    parser.add_argument("--minimum-rows", type=whole(1), default=200, help="fewer usable rows are refused")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say what happens meanwhile")
    args = parser.parse_args(argv)
    if args.train_share + args.validation_share >= 1:
        parser.error("--train-share and --validation-share leave nothing to hold out; together they must be below 1")
    for files in (args.from_log, args.from_replay):
        if (files or []).count("-") > 1:
            parser.error("`-` is standard input, which can be read once only")
    if args.evaluate:
        args.out = args.evaluate
    if not args.out or args.evaluate and not args.closed_loop:
        parser.error("--out is needed for a new model, and --closed-loop for one that is evaluated")
    return args
