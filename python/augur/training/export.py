# SPDX-License-Identifier: GPL-2.0-only
"""The model directory: complete or not at all."""

import json
import os
import shutil
import tempfile

import numpy as np

from ..command import Refusal
from .contract import CONTRACT_VERSION, FEATURES, SIGNATURE


def export(score, manifest, out, losses=()):
    """Writes the model directory: complete or not at all, also when one is there already. `losses` are those of the
    epochs, where there were any, for `losses.csv`.
    """
    import tensorflow as tf

    out = os.path.realpath(out)
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
        if losses:
            with open(os.path.join(aside, "losses.csv"), "w", encoding="utf-8") as file:
                file.write("epoch,loss,validation_loss\n")
                file.writelines(
                    f"{number},{loss:.6f},{validation:.6f}\n" for number, (loss, validation) in enumerate(losses, 1)
                )
        os.chmod(aside, 0o755)
        replace(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def replace(aside, out):
    """Puts the new directory where the old one was."""
    if os.path.exists(out) and os.listdir(out) and not os.path.exists(os.path.join(out, "saved_model.pb")):
        raise Refusal(f"{out} exists and is not a model; name another directory for --out")
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
