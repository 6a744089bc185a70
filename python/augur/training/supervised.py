# SPDX-License-Identifier: GPL-2.0-only
"""From rows to a model directory."""

import os

import numpy as np

from ..command import Refusal
from .contract import CLIP, FEATURES, LOG1P, LOG_COLUMNS, MOVED
from .export import export, manifest_of, write_json
from .labels import LABEL, cost_of, labels_of
from .network import fit, graph_of, normalisation_of, normalise, random_layers, seed_everything
from .replay import closed_loop, report_closed_loop
from .rows import read, split, split_by_workload, usable
from .scores import best_threshold, gain_of, hindsight_threshold, measured, value_of, worthwhile_threshold


def dummy(args):
    """A model that was never trained."""
    args.progress.tell("loading TensorFlow")
    seed_everything(args.seed)
    import tensorflow as tf

    typical = dict.fromkeys(LOG1P, 7.0)
    norm = {
        "log1p": LOG1P,
        "mean": [typical.get(name, 0.5) for name in FEATURES],
        "std": [3.0 if name in LOG1P else 1.0 for name in FEATURES],
        "clip": CLIP,
    }
    about = {"how": f"not trained: train.py --dummy {args.dummy} --seed {args.seed}", "label": "none"}
    if args.dummy == "mlp":
        layers = random_layers(args)
        manifest = manifest_of(args, "dummy-mlp", norm, 0.5, about, weights=layers)
        export(graph_of(layers, norm), manifest, args.out)
        return wrote(args, manifest)
    value = 1.0 if args.dummy == "move" else 0.0
    manifest = manifest_of(args, f"dummy-{args.dummy}", norm, 0.5, about)
    export(lambda rows: tf.fill([tf.shape(rows)[0]], tf.constant(value)), manifest, args.out)
    return wrote(args, manifest)


def wrote(args, manifest):
    """Says what is where."""
    print(f"wrote {args.out}: model `{manifest['name']}`; `scx_augur model check {args.out}` tries it out")


def train(args):
    """Reads, labels, splits, fits, measures and exports."""
    hindsight = bool(args.from_replay)
    files = args.from_replay or args.from_log
    args.progress.tell("reading " + ", ".join(map(os.path.basename, files)))
    table = read(files, [*FEATURES, "label"] if hindsight else LOG_COLUMNS)
    read_rows, dropped = len(table), {}
    everything = table
    if args.kind != "all" and "kind" in table:
        table = table[table["kind"] == args.kind].reset_index(drop=True)
    if not hindsight:
        table, dropped = usable(table)
    elif "gain_ns" in table:
        # Where both answers come to the same, neither is right.
        alike = table["gain_ns"] == 0
        table, dropped = table[~alike].reset_index(drop=True), {"no_difference": int(alike.sum())}
    if len(table) < args.minimum_rows:
        raise Refusal(
            f"only {len(table)} of {read_rows} rows can be used, and {args.minimum_rows} are needed; record for longer"
        )
    part = split_by_workload(table, files, args) if args.held_out else split(table, args)
    args.progress.tell(f"finding out which answers of {len(table):,} were right")
    labels = table["label"].to_numpy(np.float32) if hindsight else labels_of(table, part, args)
    for number, name in enumerate(["training", "validation", "held-out"]):
        if len(set(labels[part == number])) < 2:
            raise Refusal(f"the {name} part has rows of one label only; record more, or more varied, work")

    features = table[FEATURES].to_numpy(np.float32)
    norm = normalisation_of(features[part == 0])
    inputs = normalise(features, norm)
    args.progress.tell("loading TensorFlow")
    seed_everything(args.seed)
    layers, losses = fit(inputs, labels, part, args)
    args.progress.tell("measuring on held-out rows")
    score = graph_of(layers, norm)
    scores = np.asarray(score(features))
    cut = best_threshold(labels[part == 1], scores[part == 1])
    held_out = measured(labels[part == 2], scores[part == 2], cut)
    threshold = cut
    if args.threshold == "worth" and (not hindsight or "gain_ns" in table):
        threshold = (weigh_hindsight if hindsight else weigh)(table, part, scores, held_out, args)
    steal = weigh_steals(everything, score, held_out, args) if args.kind == "balance" and not hindsight else {}

    far = (np.abs(inputs) > 6).any(axis=1)
    trained_on = {
        "how": "train.py "
        + " ".join(
            f"--{k.replace('_', '-')}={v}"
            for k, v in sorted(vars(args).items())
            if v not in (None, []) and k not in NOT_NOTED
        ),
        "label": "column `label` (hindsight)" if hindsight else LABEL.format(**vars(args)),
        "files": [os.path.basename(file) for file in files],
        "rows": {
            "read": read_rows,
            "dropped": dropped,
            "over_a_cut": int((part < 0).sum()),
            "training": int((part == 0).sum()),
            "validation": int((part == 1).sum()),
        },
    }
    drift = {"limit_z": 6.0, "max_share": max(0.2, min(0.9, 3 * float(far[part <= 1].mean())))}
    manifest = manifest_of(
        args, "mlp", norm, threshold, trained_on, scores=held_out, drift=drift, weights=layers, **steal
    )
    export(score, manifest, args.out, losses)
    args.progress.clear()
    report(manifest)
    wrote(args, manifest)
    if args.closed_loop:
        manifest["closed_loop"] = closed_loop(args)
        args.progress.clear()
        write_json(os.path.join(args.out, "manifest.json"), manifest)
        report_closed_loop(manifest["closed_loop"])


# Arguments that say where things lie, not how the model is made.
NOT_NOTED = (
    "out",
    "from_log",
    "from_replay",
    "closed_loop",
    "binary",
    "seeds",
    "evaluate",
    "trainable",
    "quiet",
    "progress",
)


def weigh_hindsight(table, part, scores, held_out, _args):
    """The same as `weigh` for rows whose two arms are both known; the cost is in ms."""
    gain_ms = table["gain_ns"].to_numpy(float) / 1e6
    threshold = hindsight_threshold(gain_ms[part == 1], scores[part == 1])
    refused = scores[part == 2] < threshold
    gain, error = gain_of(gain_ms[part == 2], refused)
    held_out |= {
        "refused": float(refused.mean()),
        "gain_ms": gain,
        "gain_standard_error_ms": error,
        "gain_of_all_moves_ms": float(gain_ms[part == 2].mean()),
    }
    return threshold


def weigh(table, part, scores, held_out, args):
    """The threshold by what refusals are worth; adds to `held_out` what that comes to on rows that nothing was chosen
    by.
    """
    cost, moved = cost_of(table, args), table["status"].isin(MOVED).to_numpy()
    threshold = worthwhile_threshold(cost[part == 1], moved[part == 1], scores[part == 1])
    refused = scores[part == 2] < threshold
    gain, error = value_of(cost[part == 2], moved[part == 2], refused)
    held_out |= {
        "refused": float(refused.mean()),
        "gain": gain,
        "gain_standard_error": error,
        "cost": float(cost[part == 2].mean()),
    }
    return threshold


def weigh_steals(table, score, held_out, args):
    """The threshold for the questions about stealing, of which the network saw none in training: by what refusals are
    worth on all rows but the held-out ones. Nothing where it is not chosen by worth, or no log has such questions.
    """
    table, _ = usable(table[table["kind"] == "steal"].reset_index(drop=True))
    if args.threshold != "worth" or len(table) < args.minimum_rows:
        return {}
    part, cost, moved = split(table, args), cost_of(table, args), table["status"].isin(MOVED).to_numpy()
    scores = np.asarray(score(table[FEATURES].to_numpy(np.float32)))
    known, held = (part == 0) | (part == 1), part == 2
    threshold = worthwhile_threshold(cost[known], moved[known], scores[known])
    refused = scores[held] < threshold
    gain, error = value_of(cost[held], moved[held], refused)
    held_out["steal"] = {
        "rows": int(held.sum()),
        "refused": float(refused.mean()),
        "gain": gain,
        "gain_standard_error": error,
        "cost": float(cost[held].mean()),
    }
    return {"steal_threshold": threshold}


def report(manifest):
    """Prints what a person wants to know about the new model."""
    held, rows = manifest["scores"], manifest["trained_on"]["rows"]
    print(f"rows: {rows}")
    print(f"held out: {held['rows']} rows, {held['share_positive']:.1%} where moving is right")
    if "gain" in held:
        print(
            f"refused: {held['refused']:.1%}; that saves {held['gain']:.4f} ± {held['gain_standard_error']:.4f} of a "
            f"mean cost of {held['cost']:.4f}"
        )
    if "gain_ms" in held:
        print(
            f"refused: {held['refused']:.1%}; that saves {held['gain_ms']:.3f} ± {held['gain_standard_error_ms']:.3f} "
            f"ms a row, where moving all gains {held['gain_of_all_moves_ms']:.3f}"
        )
    print(
        f"threshold {manifest['threshold']:.2f}; balanced accuracy {held['balanced_accuracy']:.3f} at "
        f"{held['cut']:.2f}, Brier {held['brier']:.4f}, calibration error {held['ece']:.4f}"
    )
    if "steal" in held:
        steal = held["steal"]
        print(
            f"stealing: threshold {manifest['steal_threshold']:.2f}; of {steal['rows']} questions "
            f"{steal['refused']:.1%} refused; that saves {steal['gain']:.4f} ± {steal['gain_standard_error']:.4f} "
            f"of a mean cost of {steal['cost']:.4f}"
        )
    print("score from   rows  mean score  share right")
    for line in held["calibration"]:
        print(f"{line['from']:10.1f} {line['rows']:6d} {line['mean_score']:11.3f} {line['share_right']:12.3f}")
