# SPDX-License-Identifier: GPL-2.0-only
"""Networks that Rust trains: SavedModels whose signatures do a step of training and hand weights in and out.

No variable has a fixed shape, and none is initialised here: whoever trains gives the first weights to `set_weights`, so
one exported graph serves any number of inputs, outputs and hidden units. Every array is float32. Names of arrays: w0,
w1, … the weights (kernel and bias of each layer in turn), t… those of the target network, m… and v… Adam's moments, and
`step`, Adam's count.

    dqn     inputs → two hidden layers → value and advantages (Wang et al. 2016); Huber loss against a target
            network (Mnih et al. 2015)
    graph   each device with the task → rounds of messages: mean and maximum of all devices → a score for each device
"""

import os
import shutil
import tempfile

import tensorflow as tf

from .export import replace, write_json

# Kingma and Ba 2015.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
# What no choice may be: far below any score.
NEVER = 1e9


class Trainable(tf.Module):
    """Variables without shapes, Adam, and the signatures that all networks have."""

    def __init__(self, ranks, target):
        super().__init__()
        kinds = "wtmv" if target else "wmv"
        self.arrays = {f"{kind}{number}": free(rank) for kind in kinds for number, rank in enumerate(ranks)}
        self.arrays["step"] = free(0)
        self.count = len(ranks)
        specs = [tf.TensorSpec(array.shape, tf.float32, name=name) for name, array in self.arrays.items()]
        self.set_weights = tf.function(self.assign, input_signature=specs)
        self.get_weights = tf.function(
            lambda: {name: tf.identity(array) for name, array in self.arrays.items()}, input_signature=[]
        )

    def assign(self, *values):
        for array, value in zip(self.arrays.values(), values):
            array.assign(value)
        return {"done": tf.constant(1.0)}

    def of(self, kind):
        """All arrays of a kind, in order."""
        return [self.arrays[f"{kind}{number}"] for number in range(self.count)]

    def descend(self, loss, tape, learning_rate):
        """One step of Adam."""
        step = self.arrays["step"].assign_add(1.0)
        gradients = tape.gradient(loss, self.of("w"))
        for weight, first, second, gradient in zip(self.of("w"), self.of("m"), self.of("v"), gradients):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=tf.pow(BETA1, step),
                beta2_power=tf.pow(BETA2, step),
                lr=learning_rate,
                beta1=BETA1,
                beta2=BETA2,
                epsilon=EPSILON,
                grad=gradient,
            )
        return {"loss": loss}

    def signatures(self):
        return {"get_weights": self.get_weights, "set_weights": self.set_weights}


def free(rank):
    """A variable of any shape of this rank."""
    return tf.Variable(tf.zeros([0] * rank), shape=[None] * rank)


def rows(name, rank=2):
    return tf.TensorSpec([None] * rank, tf.float32, name=name)


class Dqn(Trainable):
    """A dueling network and its target."""

    def __init__(self):
        super().__init__([2, 1, 2, 1, 2, 1], target=True)
        self.q_values = tf.function(
            lambda states: {"values": self.values("w", states)}, input_signature=[rows("states")]
        )
        self.sync_target = tf.function(self.sync, input_signature=[])
        step = [
            rows("states"),
            rows("taken"),
            rows("rewards", 1),
            rows("discounts", 1),
            rows("next_states"),
            rows("next_allowed"),
            tf.TensorSpec([], tf.float32, name="learning_rate"),
        ]
        self.train_step = tf.function(lambda *batch: self.learn(False, *batch), input_signature=step)
        self.train_step_double = tf.function(lambda *batch: self.learn(True, *batch), input_signature=step)

    def values(self, kind, states):
        """Q = V + A − mean A."""
        first, first_bias, second, second_bias, last, last_bias = self.of(kind)
        hidden = tf.nn.relu(tf.matmul(states, first) + first_bias)
        hidden = tf.nn.relu(tf.matmul(hidden, second) + second_bias)
        head = tf.matmul(hidden, last) + last_bias
        value, advantages = head[:, :1], head[:, 1:]
        return value + advantages - tf.reduce_mean(advantages, axis=1, keepdims=True)

    def sync(self):
        for target, weight in zip(self.of("t"), self.of("w")):
            target.assign(weight)
        return {"done": tf.constant(1.0)}

    def learn(self, double, states, taken, rewards, discounts, next_states, next_allowed, learning_rate):
        """A step on transitions; `discounts` is γ, or 0 where an episode ended, or γ^n behind n steps."""
        coming = self.values("t", next_states)
        chosen_by = (self.values("w", next_states) if double else coming) - NEVER * (1.0 - next_allowed)
        # With `double`, one network chooses and the other one judges (van Hasselt et al. 2016).
        chosen = tf.one_hot(tf.argmax(chosen_by, axis=1), tf.shape(coming)[1])
        wanted = tf.stop_gradient(rewards + discounts * tf.reduce_sum(chosen * coming, axis=1))
        with tf.GradientTape() as tape:
            error = tf.reduce_sum(taken * self.values("w", states), axis=1) - wanted
            size = tf.abs(error)
            loss = tf.reduce_mean(tf.where(size < 1.0, 0.5 * tf.square(error), size - 0.5))
        return self.descend(loss, tape, learning_rate)

    def signatures(self):
        return super().signatures() | {
            "q_values": self.q_values,
            "train_step": self.train_step,
            "train_step_double": self.train_step_double,
            "sync_target": self.sync_target,
        }


class Graph(Trainable):
    """Messages between the devices and the task that is placed; the same weights for every device."""

    ROUNDS = 2

    def __init__(self):
        # The first layer, kernels for itself and for what all say in each round, the last layer.
        super().__init__([2, 1, *[2, 2, 1] * self.ROUNDS, 2, 1], target=False)
        devices, allowed = rows("devices", 3), rows("allowed")
        self.scores = tf.function(
            lambda devices, allowed: {"scores": self.score(devices, allowed)}, input_signature=[devices, allowed]
        )
        self.train_step = tf.function(
            self.learn,
            input_signature=[devices, allowed, rows("costs"), tf.TensorSpec([], tf.float32, name="learning_rate")],
        )

    def score(self, devices, allowed):
        """A score for each device; those that are not allowed say nothing to the others and are never the best."""
        first, first_bias, *rounds, last, last_bias = self.of("w")
        there = allowed[:, :, None]
        hidden = tf.nn.relu(tf.einsum("bdf,fh->bdh", devices, first) + first_bias)
        for own, others, bias in zip(rounds[0::3], rounds[1::3], rounds[2::3]):
            mean = tf.reduce_sum(hidden * there, axis=1) / tf.reduce_sum(there, axis=1)
            most = tf.reduce_max(hidden * there, axis=1)
            heard = tf.matmul(tf.concat([mean, most], axis=1), others)
            hidden = tf.nn.relu(tf.einsum("bdh,hk->bdk", hidden, own) + heard[:, None, :] + bias)
        scores = tf.einsum("bdh,hk->bdk", hidden, last)[:, :, 0] + last_bias
        return scores - NEVER * (1.0 - allowed)

    def learn(self, devices, allowed, costs, learning_rate):
        """A step on what each device would have cost, in costs beyond the best one's."""
        with tf.GradientTape() as tape:
            scores = self.score(devices, allowed)
            expected = tf.reduce_sum(tf.nn.softmax(scores) * costs, axis=1)
            best = tf.one_hot(tf.argmin(costs + NEVER * (1.0 - allowed), axis=1), tf.shape(costs)[1])
            miss = -tf.reduce_sum(best * tf.nn.log_softmax(scores), axis=1)
            # What a choice costs is what counts; the other half keeps the gradient alive where all choices cost nearly
            # the same.
            loss = tf.reduce_mean(expected + 0.1 * miss)
        return self.descend(loss, tape, learning_rate)

    def signatures(self):
        return super().signatures() | {"scores": self.scores, "train_step": self.train_step}


KINDS = {"dqn": Dqn, "graph": Graph}


def export_trainable(kind, out):
    """Writes the directory: complete or not at all."""
    out = os.path.realpath(out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    aside = tempfile.mkdtemp(prefix=".model-", dir=os.path.dirname(out))
    try:
        module = KINDS[kind]()
        tf.saved_model.save(
            module, aside, signatures=module.signatures(), options=tf.saved_model.SaveOptions(save_debug_info=False)
        )
        shutil.rmtree(os.path.join(aside, "assets"), ignore_errors=True)
        arrays = {name: len(array.shape) for name, array in module.arrays.items()}
        about = {
            "kind": kind,
            "how": f"train.py --trainable {kind}",
            "signatures": sorted(module.signatures()),
            "ranks": arrays,
        }
        write_json(os.path.join(aside, "manifest.json"), about)
        os.chmod(aside, 0o755)
        replace(aside, out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
