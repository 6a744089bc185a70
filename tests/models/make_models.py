#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes the models that the tests load: a few that are right, and many that are wrong, each in one way.

They are kept in the repository, so that the tests need TensorFlow's library but no Python. After a change of the
contract of features:  python tests/models/make_models.py
"""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
from augur.training.contract import CONTRACT_VERSION, FEATURES, SIGNATURE
from augur.training.export import write_json
from augur.training.main import main

import tensorflow as tf

COUNT = len(FEATURES)


def scores_of(value):
    """A graph that scores every row with one value."""
    return lambda rows: tf.fill([tf.shape(rows)[0]], tf.constant(value))


def endless(rows):
    """A loop that ends when a score is above one: never. The value changes, so that nothing folds it away."""
    first = tf.reduce_mean(rows) * 0.0
    last = tf.while_loop(lambda x: x < 2.0, lambda x: tf.math.sin(x + 0.1), [first])
    return tf.fill([tf.shape(rows)[0]], last[0] if isinstance(last, (list, tuple)) else last)


def slow(rows):
    """Right, but slow: a long chain of small steps."""
    first = tf.reduce_mean(rows) * 0.0
    steps = tf.where(tf.shape(rows)[0] > 100, 200_000, 1)
    last = tf.while_loop(lambda i, x: i < steps, lambda i, x: (i + 1, tf.math.sin(x + 0.1)), [0, first])
    return tf.fill([tf.shape(rows)[0]], tf.clip_by_value(last[1], 0.0, 1.0))


def save(out, name, graph, width=COUNT, dtype=tf.float32, output="score", module=None, signature="serving_default"):
    """Writes one SavedModel and a manifest that promises more than it keeps."""
    directory = os.path.join(out, name)
    module = module or tf.Module()
    rows = tf.TensorSpec([None, width], dtype, name="features")
    module.score = tf.function(lambda features: {output: graph(features)}, input_signature=[rows])
    tf.saved_model.save(module, directory, signatures={signature: module.score})
    manifest(directory, name)
    return directory


def manifest(directory, name, **changes):
    """A manifest that is right but for its changes."""
    entry = {
        "contract_version": CONTRACT_VERSION,
        "name": name,
        "features": FEATURES,
        "dtype": "float32",
        "threshold": 0.5,
        "signature": SIGNATURE,
        "trained_on": {"how": "made to be wrong", "label": "none"},
        "normalisation": {"log1p": [], "mean": [0.0] * COUNT, "std": [1.0] * COUNT, "clip": 8.0},
    }
    entry.update(changes)
    write_json(os.path.join(directory, "manifest.json"), entry)


def with_variables():
    """A module whose weight is a variable, in `variables/`."""
    module = tf.Module()
    module.weight = tf.Variable(tf.zeros([COUNT, 1]))
    return module


def good(out):
    """The models that are right."""
    for name, kind, seed in (("stay", "stay", 1), ("move", "move", 1), ("mlp", "mlp", 1)):
        main(["--dummy", kind, "--out", os.path.join(out, name), "--seed", str(seed)])


def bad(out):
    """The models that are wrong, each named for what is wrong with it."""
    os.makedirs(out, exist_ok=True)
    module = with_variables()
    directory = save(out, "missing-variables", lambda rows: tf.sigmoid(rows @ module.weight), module=module)
    for file in os.listdir(os.path.join(directory, "variables")):
        os.remove(os.path.join(directory, "variables", file))
    os.rmdir(os.path.join(directory, "variables"))

    directory = save(out, "corrupt", scores_of(0.5))
    with open(os.path.join(directory, "saved_model.pb"), "r+b") as file:
        file.seek(10)
        file.write(b"\xff" * 400)

    save(out, "nan", scores_of(float("nan")))
    save(out, "above-one", scores_of(1.5))
    save(out, "wrong-shape", lambda rows: tf.fill([tf.shape(rows)[0]], 0.5), width=COUNT - 1)
    save(out, "wrong-output-shape", lambda rows: tf.fill([tf.shape(rows)[0], 2], 0.5))
    save(out, "one-score-only", lambda rows: tf.reshape(tf.reduce_mean(rows) * 0.0, tf.shape(rows)[:0]) + tf.zeros([1]))
    save(out, "wrong-name", scores_of(0.5), output="verdict")
    save(out, "wrong-signature", scores_of(0.5), signature="answer")
    save(out, "wrong-dtype", lambda rows: tf.fill([tf.shape(rows)[0]], 0.5), dtype=tf.float64)
    save(out, "endless", endless)
    save(out, "slow", slow)

    directory = save(out, "wrong-contract", scores_of(0.5))
    manifest(directory, "wrong-contract", contract_version=CONTRACT_VERSION + 1)
    directory = save(out, "wrong-features", scores_of(0.5))
    manifest(directory, "wrong-features", features=FEATURES[::-1])
    directory = save(out, "twin-disagrees", scores_of(0.5))
    kernel = [[0.0] for _ in FEATURES]
    manifest(directory, "twin-disagrees", weights=[{"kernel": kernel, "bias": [3.0], "activation": "sigmoid"}])
    directory = save(out, "no-manifest", scores_of(0.5))
    os.remove(os.path.join(directory, "manifest.json"))
    with open(os.path.join(save(out, "manifest-not-json", scores_of(0.5)), "manifest.json"), "w") as file:
        file.write("{")
    os.makedirs(os.path.join(out, "no-saved-model"), exist_ok=True)
    manifest(os.path.join(out, "no-saved-model"), "no-saved-model")


def strip(out):
    """Leaves out what no test needs: directories without a file are not kept by git anyway."""
    for directory, _, files in os.walk(out, topdown=False):
        if "fingerprint.pb" in files:
            os.remove(os.path.join(directory, "fingerprint.pb"))
        if not os.listdir(directory):
            os.rmdir(directory)
        elif os.path.basename(directory) == "variables" and "missing" not in directory:
            # A model of constants has an index of nothing.
            shutil.rmtree(directory)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    good(here)
    bad(os.path.join(here, "bad"))
    strip(here)
