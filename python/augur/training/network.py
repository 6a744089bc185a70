# SPDX-License-Identifier: GPL-2.0-only
"""The network that scores candidates."""

import numpy as np

from .contract import CLIP, FEATURES, LOG1P


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
    """Trains the network on normalised rows; returns its layers as plain arrays, and the losses of each epoch."""
    import tensorflow as tf

    def tell(epoch, losses):
        args.progress.tell(
            f"epoch {epoch + 1} of at most {args.epochs}: loss {losses['loss']:.4f}, validation "
            f"{losses['val_loss']:.4f}"
        )

    regularise = tf.keras.regularizers.L2(args.l2)
    layers = [tf.keras.layers.Dense(width, activation="relu", kernel_regularizer=regularise) for width in args.hidden]
    network = tf.keras.Sequential([tf.keras.Input((len(FEATURES),)), *layers, tf.keras.layers.Dense(1, "sigmoid")])
    network.compile(tf.keras.optimizers.Adam(args.learning_rate), "binary_crossentropy")
    history = network.fit(
        inputs[part == 0],
        labels[part == 0],
        validation_data=(inputs[part == 1], labels[part == 1]),
        batch_size=args.batch,
        epochs=args.epochs,
        verbose=0,
        callbacks=[
            tf.keras.callbacks.EarlyStopping(patience=args.patience, restore_best_weights=True),
            tf.keras.callbacks.LambdaCallback(on_epoch_end=tell),
        ],
    )
    losses = list(zip(history.history["loss"], history.history["val_loss"]))
    return [layer_of(*layer.get_weights(), layer.activation.__name__) for layer in network.layers], losses


def layer_of(kernel, bias, activation):
    """One layer as the manifest has it: `kernel[input][output]`."""
    return {"kernel": np.asarray(kernel).tolist(), "bias": np.asarray(bias).tolist(), "activation": activation}


def random_layers(args):
    """A network of random weights, for the first run and for tests."""
    random = np.random.default_rng(args.seed)
    widths = [len(FEATURES), *args.hidden, 1]
    return [
        layer_of(
            random.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32),
            np.zeros(b, np.float32),
            "sigmoid" if b == 1 and position == len(widths) - 2 else "relu",
        )
        for position, (a, b) in enumerate(zip(widths, widths[1:]))
    ]


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
