#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Trains the migration model of scx_augur and exports it as a directory that the scheduler loads.

A model directory holds a TensorFlow SavedModel (raw float32 features in, the probability that the move is worth
making out; normalisation inside the graph), `manifest.json` (what the scheduler checks before it trusts the model)
and `golden.json` (rows with the scores that Python computed, to test other implementations against).

    train.py --dummy stay|move|mlp --out DIR            a model for the first run and for tests
    train.py --from-log FILE... --out DIR               from decision logs, recorded with an exploring gate
    train.py --evaluate DIR --closed-loop TRACE...      what a model changes in replay
    train.py --from-replay FILE... --out DIR            from rows with hindsight labels (`replay --log-decisions`)

Files are named WORKLOAD-MACHINE-SCHEDULER.*; --held-out WORKLOAD... keeps whole workloads from the training, and --closed-loop TRACE...
replays traces under `augur` and under the new model, seed by seed, and says what the model changed.

Every choice is an argument; the same arguments on the same files give the same model.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np  # noqa: E402  (the environment has to be set first)

CONTRACT_VERSION = 1
# The same list, in the same order, as src/model/contract.rs; a test compares them.
FEATURES = [
    "cpu_util", "idle_cpus", "active_cpus", "src_load", "dst_load", "imbalance", "src_queue", "dst_queue",
    "src_idle", "dst_idle", "task_load", "task_weight", "avg_run_us", "avg_sleep_us", "since_run_us",
    "wakeups_hz", "last_migration_us", "distance", "waker_in_dst", "capacity_ratio",
]  # fmt: skip
# Spans of microseconds and rates cover many decades: the network sees their logarithm.
LOG1P = ["avg_run_us", "avg_sleep_us", "since_run_us", "wakeups_hz", "last_migration_us"]
# The columns of a decision log, as src/model/log.rs has them; a test compares them.
LOG_COLUMNS = [
    "at_ns", "kind", "pid", "start_ns", "comm", "from", "to", *FEATURES, "score", "decision", "status", "reason",
    "wait_ns", "run_ns", "window_ns", "migrations", "seen_domain", "cold",
]  # fmt: skip
# Which outcome of a decision means that the task moved, and which that it stayed. The others (refused, expired)
# say that the move could not be made: such a row is in neither arm.
MOVED = ["applied", "permitted"]
STAYED = ["stayed", "denied"]
# Normalised features are cut to this range, so that an outlier cannot push the network where it never was.
CLIP = 8.0
SIGNATURE = {"name": "serving_default", "input": "features", "output": "score"}


class Refusal(Exception):
    """A wrong input; its text is the one sentence that the user reads."""


def arguments(argv=None):
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--dummy", nargs="?", const="mlp", choices=["stay", "move", "mlp"],
                        help="no training: always 0, always 1, or a network of random weights")  # fmt: skip
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


# ---------------------------------------------------------------------------------------------- reading


def read(files, columns):
    """Reads CSV files that must have these columns: one table, with the file's number in `file`."""
    import pandas as pd

    tables = []
    for number, file in enumerate(files):
        try:
            table = pd.read_csv(file)
        except (OSError, ValueError) as err:
            raise Refusal(f"cannot read {file}: {err}; give a CSV file that scx_augur wrote") from err
        missing = [column for column in columns if column not in table.columns]
        if missing:
            raise Refusal(f"{file} lacks the column {missing[0]!r}; record it again with this version of scx_augur")
        table["file"] = number
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def usable(table):
    """Drops the rows that say nothing, and counts them by reason."""
    idle = table["wait_ns"] + table["run_ns"] <= 0
    reasons = {
        "no_outcome": table["window_ns"] <= 0,
        "not_moved_though_asked": ~table["status"].isin(MOVED + STAYED),
        "task_slept_all_along": idle,
        "not_finite": ~np.isfinite(table[FEATURES].to_numpy(np.float64)).all(axis=1),
    }
    keep = np.ones(len(table), bool)
    dropped = {}
    for reason, rows in reasons.items():
        rows = np.asarray(rows)
        dropped[reason] = int((rows & keep).sum())
        keep &= ~rows
    return table[keep].reset_index(drop=True), dropped


def workload_of(file):
    """The workload that a file is named after."""
    return os.path.basename(file).split(".")[0].rsplit("-", 2)[0]


def split_by_workload(table, files, args):
    """Parts as in `split`: 2 for the rows of held-out workloads, 0 and 1 by time within each file of the others."""
    part = np.full(len(table), 2)
    of_file = table["file"].to_numpy()
    cut = args.train_share / (args.train_share + args.validation_share)
    names = [workload_of(file) for file in files]
    for missing in set(args.held_out) - set(names):
        raise Refusal(f"no file is of the workload {missing!r}; there are {', '.join(sorted(set(names)))}")
    for number, name in enumerate(names):
        if name not in args.held_out:
            cut_in_time(table, part, np.flatnonzero(of_file == number), [cut])
    return part


def split(table, args):
    """Parts by time: 0 is training, 1 validation, 2 held out, -1 dropped. Never by random rows.

    With --split time (the default) every file is cut in time; a row whose outcome reaches over a cut is dropped. With
    --split file (workloads or machines that the model never saw), whole files are held out, in the order given, and with
    three or more whole files validate.
    """
    part = np.zeros(len(table), int)
    files = table["file"].to_numpy()
    count = files.max() + 1
    shares = (args.train_share, args.validation_share)
    if args.split == "time":
        for file in range(count):
            cut_in_time(table, part, np.flatnonzero(files == file), [shares[0], shares[0] + shares[1]])
        return part
    if count >= 3:
        ends = np.cumsum(np.bincount(files, minlength=count)) / len(table)
        of_file = np.digitize(ends - 1e-9, [shares[0], shares[0] + shares[1]])
        of_file[-1], of_file[0] = 2, 0
        if not (of_file == 1).any():
            of_file[-2] = 1
            of_file[:-2] = 0
        return of_file[files]
    if count == 2:
        part[files == 1] = 2
        cut_in_time(table, part, np.flatnonzero(files == 0), [shares[0] / (shares[0] + shares[1])])
    else:
        cut_in_time(table, part, np.arange(len(table)), [shares[0], shares[0] + shares[1]])
    return part


def cut_in_time(table, part, rows, cuts):
    """Numbers the parts of these rows by time, and drops the rows whose outcome reaches over a cut."""
    if not len(rows):
        return
    at = table["at_ns"].to_numpy(np.int64)[rows] if "at_ns" in table else np.arange(len(rows))
    end = at + (table["window_ns"].to_numpy(np.int64)[rows] if "window_ns" in table else 0)
    limits = np.quantile(at, cuts, method="nearest")
    before, after = np.digitize(at, limits), np.digitize(end, limits)
    part[rows] = np.where((before == after) | (before == len(cuts)), before, -1)


# ---------------------------------------------------------------------------------------------- labels


def cost_of(table, args):
    """What a decision cost its task: the share of its runnable time that it waited, plus the cold penalty."""
    wait, run = table["wait_ns"].to_numpy(float), table["run_ns"].to_numpy(float)
    return wait / (wait + run) + args.cold_penalty * table["cold"].to_numpy(float)


def labels_of(table, part, args):
    """Labels every row: 1 where moving is the better arm.

    Only one arm of a decision is ever seen. The other's cost is estimated by a regressor of that arm (T-learner),
    fitted on the training part alone; a training row's estimate comes from the folds it is not in. The label
    compares the cost that was observed with the estimate of the arm that was not.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    features, cost = table[FEATURES].to_numpy(np.float64), cost_of(table, args)
    moved = table["status"].isin(MOVED).to_numpy()
    training = np.flatnonzero(part == 0)
    for arm, name in ((True, "moved"), (False, "stayed")):
        if (moved[training] == arm).sum() < 10 * args.folds:
            raise Refusal(f"too few rows where the task {name}; record the log with an exploring gate, and longer")

    def estimate(fit_on, rows):
        """The cost of the arm that these rows did not take."""
        other = np.zeros(len(rows))
        for arm in (True, False):
            fit, ask = fit_on[moved[fit_on] == arm], moved[rows] != arm
            if ask.any():
                regressor = HistGradientBoostingRegressor(max_iter=100, min_samples_leaf=20, random_state=args.seed)
                other[ask] = regressor.fit(features[fit], cost[fit]).predict(features[rows[ask]])
        return other

    other = np.zeros(len(table))
    for fold in np.array_split(training, args.folds):
        other[fold] = estimate(np.setdiff1d(training, fold), fold)
    rest = np.flatnonzero(part > 0)
    other[rest] = estimate(training, rest)
    gain = np.where(moved, other - cost, cost - other)
    return (gain > args.margin).astype(np.float32)


LABEL = (
    "1 when moving is the better arm by more than margin={margin}: cost = wait_ns / (wait_ns + run_ns) + "
    "{cold_penalty} * cold; the observed arm's cost is compared with the other arm's expected cost, estimated by "
    "one HistGradientBoostingRegressor per arm fitted on the training part (T-learner), cross-fitted over {folds} "
    "contiguous folds inside it"
)


# ---------------------------------------------------------------------------------------------- the network


def normalisation_of(features):
    """Mean and standard deviation of every feature, after the logarithm where there is one."""
    values = np.asarray(features, np.float64).copy()
    for name in LOG1P:
        column = FEATURES.index(name)
        values[:, column] = np.log1p(np.maximum(values[:, column], 0.0))
    std = values.std(axis=0)
    # A feature that never varied must not blow up when it does.
    std = np.where(std < 1e-3, 1.0, std)
    return {"log1p": LOG1P, "mean": values.mean(axis=0).tolist(), "std": std.tolist(), "clip": CLIP}


def normalise(features, norm):
    """What the graph and the Rust twin do to a row, in numpy."""
    values = np.asarray(features, np.float32).copy()
    for name in norm["log1p"]:
        column = FEATURES.index(name)
        values[:, column] = np.log1p(np.maximum(values[:, column], 0.0))
    values = (values - np.float32(norm["mean"])) / np.float32(norm["std"])
    return np.clip(values, -norm["clip"], norm["clip"])


def seed_everything(seed):
    """One seed for Python, numpy and TensorFlow, and kernels that give the same sums each time."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(inputs, labels, part, args):
    """Trains the network on normalised rows; returns its layers as plain arrays."""
    import tensorflow as tf

    regularise = tf.keras.regularizers.L2(args.l2)
    layers = [tf.keras.layers.Dense(width, activation="relu", kernel_regularizer=regularise) for width in args.hidden]
    network = tf.keras.Sequential([tf.keras.Input((len(FEATURES),)), *layers, tf.keras.layers.Dense(1, "sigmoid")])
    network.compile(tf.keras.optimizers.Adam(args.learning_rate), "binary_crossentropy")
    network.fit(
        inputs[part == 0], labels[part == 0], validation_data=(inputs[part == 1], labels[part == 1]),
        batch_size=args.batch, epochs=args.epochs, verbose=0,
        callbacks=[tf.keras.callbacks.EarlyStopping(patience=args.patience, restore_best_weights=True)],
    )  # fmt: skip
    return [layer_of(*layer.get_weights(), layer.activation.__name__) for layer in network.layers]


def layer_of(kernel, bias, activation):
    """One layer as the manifest has it: `kernel[input][output]`."""
    return {"kernel": np.asarray(kernel).tolist(), "bias": np.asarray(bias).tolist(), "activation": activation}


def random_layers(args):
    """A network of random weights, for the first run and for tests."""
    random = np.random.default_rng(args.seed)
    widths = [len(FEATURES), *args.hidden, 1]
    return [
        layer_of(random.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32), np.zeros(b, np.float32),
                 "sigmoid" if b == 1 and position == len(widths) - 2 else "relu")
        for position, (a, b) in enumerate(zip(widths, widths[1:]))
    ]  # fmt: skip


def graph_of(layers, norm):
    """The function that is exported: raw rows in, scores out; every weight a constant (faster than a variable)."""
    import tensorflow as tf

    is_log = np.array([name in norm["log1p"] for name in FEATURES])
    mean, std = np.float32(norm["mean"]), np.float32(norm["std"])
    weights = [(np.float32(layer["kernel"]), np.float32(layer["bias"]), layer["activation"]) for layer in layers]

    def score(features):
        logged = tf.where(is_log, tf.math.log1p(tf.maximum(features, 0.0)), features)
        x = tf.clip_by_value((logged - mean) / std, -norm["clip"], norm["clip"])
        for kernel, bias, activation in weights:
            x = getattr(tf.nn, activation)(tf.matmul(x, kernel) + bias)
        return tf.reshape(x, [-1])

    return score


# ---------------------------------------------------------------------------------------------- measuring


def balanced_accuracy(labels, moves):
    """The mean of the two classes' recalls; a class that is absent counts as one half."""
    recalls = [(moves[labels == kind] == kind).mean() if (labels == kind).any() else 0.5 for kind in (0, 1)]
    return float(np.mean(recalls))


def best_threshold(labels, scores):
    """The threshold of the best balanced accuracy, on the validation part; the middle one of equals."""
    choices = np.linspace(0.05, 0.95, 91)
    accuracy = np.array([balanced_accuracy(labels, scores >= choice) for choice in choices])
    best = np.flatnonzero(accuracy >= accuracy.max() - 1e-12)
    return float(choices[best[len(best) // 2]])


# One-sided, of a normal distribution: an answer is taken for better only when chance gives that once in a hundred times.
Z_BETTER = 2.33


def value_of(cost, moved, refused):
    """What refusing these rows gains over moving them all: mean cost saved over all rows, and its standard error.

    The gate that recorded the log tossed a fair coin, so the two arms of any set of rows are two random samples of it and the
    difference of their means is unbiased (Horvitz and Thompson 1952, with equal probabilities).
    """
    arms = [cost[refused & (moved == arm)] for arm in (True, False)]
    if min(map(len, arms)) < 10:
        return 0.0, 0.0
    share = refused.mean()
    error = np.sqrt(sum(arm.var(ddof=1) / len(arm) for arm in arms))
    return float(share * (arms[0].mean() - arms[1].mean())), float(share * error)


def worthwhile_threshold(cost, moved, scores):
    """The lowest threshold whose refusals gain as much as any, give or take two standard errors, on the validation part; 0 where
    no threshold's gain is beyond chance. So a model refuses where it is known to be right; elsewhere the heuristic's word stands.
    """
    cuts = np.quantile(scores, np.linspace(0.02, 0.98, 49))
    gains, errors = np.array([value_of(cost, moved, scores < cut) for cut in cuts]).T
    best = np.argmax(gains - Z_BETTER * errors)
    if gains[best] <= Z_BETTER * errors[best]:
        return 0.0
    return float(cuts[np.flatnonzero(gains >= gains[best] - 2 * errors[best])[0]])


def gain_of(gain_ms, refused):
    """What refusing these rows saves over moving them all, where both arms of every row are known: mean and its standard error."""
    saved = np.where(refused, -gain_ms, 0.0)
    return float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved)))


def hindsight_threshold(gain_ms, scores):
    """As `worthwhile_threshold`, of rows whose two arms are both known."""
    cuts = np.quantile(scores, np.linspace(0.02, 0.98, 49))
    gains, errors = np.array([gain_of(gain_ms, scores < cut) for cut in cuts]).T
    best = np.argmax(gains - Z_BETTER * errors)
    if gains[best] <= Z_BETTER * errors[best]:
        return 0.0
    return float(cuts[np.flatnonzero(gains >= gains[best] - 2 * errors[best])[0]])


def calibration(labels, scores, bins=10):
    """Rows by score: mean score against the share that was right; and the expected calibration error."""
    table, error = [], 0.0
    which = np.minimum((scores * bins).astype(int), bins - 1)
    for number in range(bins):
        rows = which == number
        if rows.any():
            mean, share = float(scores[rows].mean()), float(labels[rows].mean())
            error += rows.mean() * abs(mean - share)
            table.append({"from": number / bins, "rows": int(rows.sum()), "mean_score": mean, "share_right": share})
    return table, float(error)


def measured(labels, scores, threshold):
    """Everything that the manifest says about held-out rows."""
    table, error = calibration(labels, scores)
    return {
        "rows": int(len(labels)),
        "share_positive": float(labels.mean()),
        "cut": threshold,
        "balanced_accuracy": balanced_accuracy(labels, scores >= threshold),
        "brier": float(np.mean((scores - labels) ** 2)),
        "ece": error,
        "calibration": table,
    }


# ---------------------------------------------------------------------------------------------- exporting


def export(score, manifest, out):
    """Writes the model directory: complete or not at all, also when one is there already."""
    import tensorflow as tf

    out = os.path.abspath(out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    aside = tempfile.mkdtemp(prefix=".model-", dir=os.path.dirname(out))
    try:
        module = tf.Module()
        rows = tf.TensorSpec([None, len(FEATURES)], tf.float32, name=SIGNATURE["input"])
        module.score = tf.function(lambda features: {SIGNATURE["output"]: score(features)}, input_signature=[rows])
        tf.saved_model.save(module, aside, signatures={SIGNATURE["name"]: module.score})
        golden = golden_rows(manifest["normalisation"])
        scores = module.score(tf.constant(golden))[SIGNATURE["output"]].numpy()
        write_json(os.path.join(aside, "golden.json"), {"rows": golden.tolist(), "scores": scores.tolist()})
        write_json(os.path.join(aside, "manifest.json"), manifest)
        os.chmod(aside, 0o755)
        replace(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def replace(aside, out):
    """Puts the new directory where the old one was."""
    if os.path.exists(out) and os.listdir(out) and not os.path.exists(os.path.join(out, "saved_model.pb")):
        raise Refusal(f"{out} is there and is no model; name another directory for --out")
    if os.path.exists(out):
        old = tempfile.mkdtemp(prefix=".old-", dir=os.path.dirname(out))
        os.rename(out, os.path.join(old, "model"))
        os.rename(aside, out)
        shutil.rmtree(old)
    else:
        os.rename(aside, out)


def write_json(path, value):
    """Writes JSON that a reader in any language takes (no NaN): one line for each key, so that it can be read."""
    lines = (f" {json.dumps(key)}: {json.dumps(entry, allow_nan=False)}" for key, entry in value.items())
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def golden_rows(norm, count=64):
    """Rows around the ones that the model knows, and a few far from them; the same ones each time."""
    random = np.random.default_rng(7)
    rows = np.float64(norm["mean"]) + np.float64(norm["std"]) * random.normal(0, 1.5, (count, len(FEATURES)))
    for name in norm["log1p"]:
        column = FEATURES.index(name)
        rows[:, column] = np.expm1(np.clip(rows[:, column], 0, 25))
    rows[0] = 0.0
    rows[1] = 1e6
    return rows.astype(np.float32)


def manifest_of(args, name, norm, threshold, trained_on, **rest):
    """The manifest's fields, in the order that a reader wants them."""
    return {
        "contract_version": CONTRACT_VERSION,
        "name": args.name or name,
        "features": FEATURES,
        "dtype": "float32",
        "threshold": threshold,
        "signature": SIGNATURE,
        "trained_on": trained_on,
        "normalisation": norm,
        **rest,
    }


# ---------------------------------------------------------------------------------------------- the closed loop

CLOSED_LOOP = {
    "migrations": lambda run: run["migrations"]["total"],
    "makespan_ms": lambda run: run["makespan_ns"] / 1e6,
    "p99_ms": lambda run: run["wakeup_latency_ns"]["p99"] / 1e6,
    "mean_wait_ms": lambda run: run["wait_ns"]["mean"] / 1e6,
}


def bootstrap(values, seed, draws=10_000):
    """Mean and its 95 % interval, by the percentiles of resampled means (Efron 1979)."""
    values = np.asarray(values, float)
    means = np.random.default_rng(seed).choice(values, (draws, len(values))).mean(axis=1)
    return [float(values.mean()), *(float(end) for end in np.percentile(means, [2.5, 97.5]))]


def replays(trace, args):
    """The runs of both policies, seed by seed."""
    command = [args.binary, "replay", trace, "--json", "--seeds", str(args.seeds),
               "--policy", f"augur,model[dir={args.out},engine=twin]"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"cannot replay {trace}: {done.stderr.strip()}")
    runs = json.loads(done.stdout)["results"]
    return [run for run in runs if run["policy"] == "augur"], [run for run in runs if run["policy"] != "augur"]


def closed_loop(args):
    """What the model changes in replay: for each trace the paired differences of the seeds; over all traces the ratios of their means,
    in per cent and geometrically, so that a figure that doubles here and halves there comes to nothing.
    """
    results, ratios = [], {name: [] for name in CLOSED_LOOP}
    for trace in args.closed_loop:
        plain, gated = replays(trace, args)
        result = {"trace": os.path.basename(trace), "seeds": len(plain)}
        for name, value in CLOSED_LOOP.items():
            pairs = [(value(a), value(b)) for a, b in zip(plain, gated)]
            mean = float(np.mean([a for a, _ in pairs]))
            result[name] = {"augur": mean, "model": float(np.mean([b for _, b in pairs])),
                            "difference": bootstrap([b - a for a, b in pairs], args.seed)}  # fmt: skip
            if min(mean, result[name]["model"]) > 0:
                ratios[name].append(np.log(result[name]["model"] / mean))
        results.append(result)
    change = {name: [100 * np.expm1(end) for end in bootstrap(values or [0.0], args.seed)] for name, values in ratios.items()}
    return {"traces": results, "change_percent": change}


def report_closed_loop(found):
    """A Markdown table."""
    print("| trace | migrations: augur → model (difference, 95 %) | makespan, ms | p99, ms | mean wait, ms |\n| --- | --- | --- | --- | --- |")
    for result in found["traces"]:
        cells = []
        for name in CLOSED_LOOP:
            one, digits = result[name], 0 if name in ("migrations", "makespan_ms") else 2
            mean, low, high = (f"{value:+,.{digits}f}" for value in one["difference"])
            cells.append(f"{one['augur']:,.{digits}f} → {one['model']:,.{digits}f} ({mean}, {low} … {high})")
        print(f"| {result['trace'].split('.')[0]} | " + " | ".join(cells) + " |")
    cells = (f"{mean:+.1f} % ({low:+.1f} … {high:+.1f})" for mean, low, high in found["change_percent"].values())
    print("| geometric mean of the ratios | " + " | ".join(cells) + " |")


def dummy(args):
    """A model that was never trained."""
    import tensorflow as tf

    typical = dict.fromkeys(LOG1P, 7.0)
    norm = {"log1p": LOG1P, "mean": [typical.get(name, 0.5) for name in FEATURES],
            "std": [3.0 if name in LOG1P else 1.0 for name in FEATURES], "clip": CLIP}  # fmt: skip
    about = {"how": f"not trained: train.py --dummy {args.dummy} --seed {args.seed}", "label": "none"}
    if args.dummy == "mlp":
        layers = random_layers(args)
        manifest = manifest_of(args, "dummy-mlp", norm, 0.5, about, weights=layers)
        return export(graph_of(layers, norm), manifest, args.out)
    value = 1.0 if args.dummy == "move" else 0.0
    manifest = manifest_of(args, f"dummy-{args.dummy}", norm, 0.5, about)
    return export(lambda rows: tf.fill([tf.shape(rows)[0]], tf.constant(value)), manifest, args.out)


def train(args):
    """Reads, labels, splits, fits, measures and exports."""
    hindsight = bool(args.from_replay)
    files = args.from_replay or args.from_log
    table = read(files, [*FEATURES, "label"] if hindsight else LOG_COLUMNS)
    read_rows, dropped = len(table), {}
    if args.kind != "all" and "kind" in table:
        table = table[table["kind"] == args.kind].reset_index(drop=True)
    if not hindsight:
        table, dropped = usable(table)
    elif "gain_ns" in table:
        # Where both answers come to the same, neither is right.
        alike = table["gain_ns"] == 0
        table, dropped = table[~alike].reset_index(drop=True), {"no_difference": int(alike.sum())}
    if len(table) < args.minimum_rows:
        raise Refusal(f"only {len(table)} of {read_rows} rows can be used, and {args.minimum_rows} are needed; "
                      "record for longer")  # fmt: skip
    part = split_by_workload(table, files, args) if args.held_out else split(table, args)
    labels = table["label"].to_numpy(np.float32) if hindsight else labels_of(table, part, args)
    for number, name in enumerate(["training", "validation", "held-out"]):
        if len(set(labels[part == number])) < 2:
            raise Refusal(f"the {name} part has rows of one label only; record more, or more varied, work")

    features = table[FEATURES].to_numpy(np.float32)
    norm = normalisation_of(features[part == 0])
    inputs = normalise(features, norm)
    layers = fit(inputs, labels, part, args)
    score = graph_of(layers, norm)
    scores = np.asarray(score(features))
    cut = best_threshold(labels[part == 1], scores[part == 1])
    held_out = measured(labels[part == 2], scores[part == 2], cut)
    threshold = cut
    if args.threshold == "worth" and (not hindsight or "gain_ns" in table):
        threshold = (weigh_hindsight if hindsight else weigh)(table, part, scores, held_out, args)

    far = (np.abs(inputs) > 6).any(axis=1)
    trained_on = {
        "how": "train.py " + " ".join(f"--{k.replace('_', '-')}={v}" for k, v in sorted(vars(args).items())
                                      if v not in (None, []) and k not in NOT_NOTED),
        "label": "column `label` (hindsight)" if hindsight else LABEL.format(**vars(args)),
        "files": [os.path.basename(file) for file in files],
        "rows": {"read": read_rows, "dropped": dropped, "over_a_cut": int((part < 0).sum()),
                 "training": int((part == 0).sum()), "validation": int((part == 1).sum())},
    }  # fmt: skip
    drift = {"limit_z": 6.0, "max_share": max(0.2, min(0.9, 3 * float(far[part <= 1].mean())))}
    manifest = manifest_of(args, "mlp", norm, threshold, trained_on, scores=held_out, drift=drift, weights=layers)
    export(score, manifest, args.out)
    report(manifest)
    if args.closed_loop:
        manifest["closed_loop"] = closed_loop(args)
        write_json(os.path.join(args.out, "manifest.json"), manifest)
        report_closed_loop(manifest["closed_loop"])


# Arguments that say where things lie, not how the model is made.
NOT_NOTED = ("out", "from_log", "from_replay", "closed_loop", "binary", "seeds", "evaluate")


def weigh_hindsight(table, part, scores, held_out, _args):
    """The same as `weigh` for rows whose two arms are both known; the cost is in ms."""
    gain_ms = table["gain_ns"].to_numpy(float) / 1e6
    threshold = hindsight_threshold(gain_ms[part == 1], scores[part == 1])
    refused = scores[part == 2] < threshold
    gain, error = gain_of(gain_ms[part == 2], refused)
    held_out |= {"refused": float(refused.mean()), "gain_ms": gain, "gain_standard_error_ms": error,
                 "gain_of_all_moves_ms": float(gain_ms[part == 2].mean())}  # fmt: skip
    return threshold


def weigh(table, part, scores, held_out, args):
    """The threshold by what refusals are worth; adds to `held_out` what that comes to on rows that nothing was chosen by."""
    cost, moved = cost_of(table, args), table["status"].isin(MOVED).to_numpy()
    threshold = worthwhile_threshold(cost[part == 1], moved[part == 1], scores[part == 1])
    refused = scores[part == 2] < threshold
    gain, error = value_of(cost[part == 2], moved[part == 2], refused)
    held_out |= {"refused": float(refused.mean()), "gain": gain, "gain_standard_error": error, "cost": float(cost[part == 2].mean())}
    return threshold


def report(manifest):
    """Prints what a person wants to know about the new model."""
    held, rows = manifest["scores"], manifest["trained_on"]["rows"]
    print(f"rows: {rows}")
    print(f"held out: {held['rows']} rows, {held['share_positive']:.1%} where moving is right")
    if "gain" in held:
        print(f"refused: {held['refused']:.1%}; that saves {held['gain']:.4f} ± {held['gain_standard_error']:.4f} of a mean cost of {held['cost']:.4f}")
    if "gain_ms" in held:
        print(f"refused: {held['refused']:.1%}; that saves {held['gain_ms']:.3f} ± {held['gain_standard_error_ms']:.3f} ms a row, "
              f"where moving all gains {held['gain_of_all_moves_ms']:.3f}")  # fmt: skip
    print(f"threshold {manifest['threshold']:.2f}; balanced accuracy {held['balanced_accuracy']:.3f} at {held['cut']:.2f}, "
          f"Brier {held['brier']:.4f}, calibration error {held['ece']:.4f}")  # fmt: skip
    print("score from   rows  mean score  share right")
    for line in held["calibration"]:
        print(f"{line['from']:10.1f} {line['rows']:6d} {line['mean_score']:11.3f} {line['share_right']:12.3f}")


def main(argv=None):
    """Runs the command; 1 is a failure, 2 wrong use (argparse)."""
    args = arguments(argv)
    # Read when scikit-learn is first imported, which is later.
    os.environ.setdefault("OMP_NUM_THREADS", str(args.threads))
    try:
        if args.evaluate:
            report_closed_loop(closed_loop(args))
            return 0
        seed_everything(args.seed)
        dummy(args) if args.dummy else train(args)
    except Refusal as refusal:
        print(f"train.py: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
