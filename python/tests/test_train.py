#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the training, on logs whose truth is known.  python -m unittest discover python/tests"""

import csv
import io
import contextlib
import json
import os
import re
import sys
import tempfile
import unittest

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from augur.training import contract, replay
from augur.training import rows as training_rows
from augur.training import scores as training_scores
from augur.training.main import main
from augur.training.options import arguments

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def write_log(path, rows=6000, seed=1, start_ns=0, arms=(True, False)):
    """A log of an exploring gate on a machine where moving is right exactly when src_queue > dst_queue."""
    random = np.random.default_rng(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, contract.LOG_COLUMNS, restval=0)
        writer.writeheader()
        for number in range(rows):
            row = {name: random.random() for name in contract.FEATURES}
            row.update({name: float(np.exp(random.uniform(0, 12))) for name in contract.LOG1P})
            row["src_queue"], row["dst_queue"] = int(random.integers(0, 8)), int(random.integers(0, 8))
            move = bool(random.choice(arms))
            queue = row["dst_queue"] if move else row["src_queue"]
            # One in a hundred tasks is never seen again.
            window = 0 if random.random() < 0.01 else 20_000_000
            wait = int(1_000_000 * queue * random.uniform(0.6, 1.4))
            row.update(
                at_ns=start_ns + number * 30_000_000,
                kind="balance",
                pid=number,
                comm="a,b",
                to=1,
                score="",
                decision="move" if move else "stay",
                status="applied" if move else "stayed",
                reason="",
                wait_ns=wait,
                run_ns=5_000_000,
                window_ns=window,
                seen_domain=int(move),
                cold=0,
            )
            writer.writerow(row)
    return path


def run(*argv):
    """Trains in this process: exit code, and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = main([str(argument) for argument in argv])
    return code, printed.getvalue()


class Train(unittest.TestCase):
    """Each test has a directory of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.here = directory.name

    def path(self, *parts):
        return os.path.join(self.here, *parts)

    def manifest(self, model):
        with open(self.path(model, "manifest.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_it_learns_what_is_true_and_says_how_well(self):
        log = write_log(self.path("log.csv"))
        code, printed = run("--from-log", log, "--out", self.path("model"), "--epochs", 30)
        self.assertEqual(code, 0, printed)
        manifest = self.manifest("model")
        scores = manifest["scores"]
        self.assertGreater(scores["balanced_accuracy"], 0.8, printed)
        self.assertLess(scores["brier"], 0.15)
        self.assertIn("balanced accuracy", printed)
        rows = manifest["trained_on"]["rows"]
        self.assertGreater(rows["dropped"]["no_outcome"], 0)
        used = rows["training"] + rows["validation"] + rows["over_a_cut"] + scores["rows"]
        self.assertEqual(rows["read"], used + sum(rows["dropped"].values()))
        self.check_against_the_truth(self.path("model"), scores["cut"])
        self.assertGreater(scores["gain"], 3 * scores["gain_standard_error"], "refusing what is wrong is worth it")
        self.assertTrue(0.2 < scores["refused"] < 0.7, scores)

    def check_against_the_truth(self, model, threshold):
        """On fresh rows, the exported model itself must know the rule (not just the labels made of noisy outcomes)."""
        import pandas as pd
        import tensorflow as tf

        table = pd.read_csv(write_log(self.path("fresh.csv"), rows=2000, seed=99))
        rows = tf.constant(table[contract.FEATURES].to_numpy(np.float32))
        scores = tf.saved_model.load(model).signatures["serving_default"](rows)["score"].numpy()
        clear = (table["src_queue"] - table["dst_queue"]).abs().to_numpy() > 1
        truth = (table["src_queue"] > table["dst_queue"]).to_numpy()
        self.assertGreater(
            training_scores.balanced_accuracy(truth[clear].astype(int), scores[clear] >= threshold), 0.95
        )

    def test_where_nothing_is_known_the_heuristic_stands(self):
        random = np.random.default_rng(4)
        cost, moved, scores = random.random(4000), random.random(4000) < 0.5, random.random(4000)
        self.assertEqual(training_scores.worthwhile_threshold(cost, moved, scores), 0.0)
        cost = np.where(moved & (scores < 0.3), cost + 0.5, cost)
        self.assertAlmostEqual(training_scores.worthwhile_threshold(cost, moved, scores), 0.3, delta=0.06)
        gain, error = training_scores.value_of(cost, moved, scores < 0.3)
        self.assertAlmostEqual(gain, 0.3 * 0.5, delta=3 * error)

    def test_the_same_seed_gives_the_same_model(self):
        log = write_log(self.path("log.csv"), rows=1500)
        for model in ("a", "b"):
            run("--from-log", log, "--out", self.path(model), "--epochs", 3, "--seed", 5)
        self.assertEqual(self.manifest("a"), self.manifest("b"))

    def test_replay_rows_bring_their_own_labels(self):
        random = np.random.default_rng(3)
        with open(self.path("replay.csv"), "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*contract.FEATURES, "label"])
            for _ in range(3000):
                row = random.random(len(contract.FEATURES))
                writer.writerow([*row, int(row[6] > row[7])])
        code, printed = run("--from-replay", self.path("replay.csv"), "--out", self.path("model"), "--epochs", 20)
        self.assertEqual(code, 0, printed)
        self.assertGreater(self.manifest("model")["scores"]["balanced_accuracy"], 0.9)

    def test_whole_workloads_are_held_out_and_hindsight_refuses_what_costs(self):
        random = np.random.default_rng(5)
        names = [f"{work}-2x2-eevdf.1.csv" for work in ("compile", "pairs", "stress-cpu")]
        for name in names:
            with open(self.path(name), "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["at_ns", "window_ns", "kind", *contract.FEATURES, "label", "gain_ns"])
                for number in range(1500):
                    row = random.random(len(contract.FEATURES))
                    gain = 0 if number % 5 == 0 else int(1e6 * (row[6] - row[7]))
                    writer.writerow([number * 100, 50, "steal", *row, int(gain > 0), gain])
        files = [self.path(name) for name in names]
        code, printed = run(
            "--from-replay", *files, "--held-out", "stress-cpu", "--out", self.path("model"), "--epochs", 30
        )
        self.assertEqual(code, 0, printed)
        made = self.manifest("model")
        self.assertEqual(made["scores"]["rows"], 1200)
        self.assertEqual(made["trained_on"]["rows"]["dropped"], {"no_difference": 900})
        # The mean of max(b - a, 0) of two uniform numbers is 1/6: what a perfect refusal saves.
        self.assertAlmostEqual(made["scores"]["gain_ms"], 1 / 6, delta=0.03)
        code, printed = run("--from-replay", *files, "--held-out", "fish", "--out", self.path("other"))
        self.assertEqual(code, 1)
        self.assertIn("fish", printed)

    def test_a_bootstrap_covers_a_normal_mean(self):
        random = np.random.default_rng(2)
        hits = 0
        for _ in range(200):
            mean, low, high = replay.bootstrap(random.normal(3, 2, 40), 1, 2000)
            hits += low <= 3 <= high
            self.assertTrue(low <= mean <= high)
        self.assertTrue(180 <= hits <= 198, hits)

    def test_whole_files_are_held_out(self):
        files = [write_log(self.path(f"{n}.csv"), rows=400, seed=n) for n in range(4)]
        table = training_rows.read(files, contract.LOG_COLUMNS)
        args = arguments(["--from-log", "x", "--out", "y", "--split", "file"])
        part = training_rows.split(table, args)
        for number in range(4):
            self.assertEqual(len(set(part[table["file"] == number])), 1)
        self.assertEqual([part[table["file"] == number][0] for number in (0, 3)], [0, 2])
        self.assertEqual(set(part), {0, 1, 2})

    def test_one_file_is_cut_in_time_and_no_outcome_reaches_over_a_cut(self):
        table = training_rows.read([write_log(self.path("log.csv"), rows=1000)], contract.LOG_COLUMNS)
        table["window_ns"] = 100_000_000
        part = training_rows.split(table, arguments(["--from-log", "x", "--out", "y"]))
        self.assertGreater((part == -1).sum(), 2)
        for before, after in ((0, 1), (1, 2)):
            end = (table["at_ns"] + table["window_ns"])[part == before].max()
            self.assertLessEqual(end, table["at_ns"][part == after].min())

    def test_a_log_without_an_exploring_gate_is_refused_in_one_sentence(self):
        log = write_log(self.path("log.csv"), rows=1000, arms=(False,))
        code, printed = run("--from-log", log, "--out", self.path("model"))
        self.assertEqual(code, 1)
        self.assertEqual(
            printed,
            "augur-train: too few rows where the task moved; record the log with an exploring gate, and longer\n",
        )
        self.assertEqual(sorted(os.listdir(self.here)), ["log.csv"], "nothing half-made is left")

    def test_wrong_files_are_refused(self):
        with open(self.path("other.csv"), "w", encoding="utf-8") as file:
            file.write("a,b\n1,2\n")
        code, printed = run("--from-log", self.path("other.csv"), "--out", self.path("model"))
        self.assertEqual((code, "lacks the column 'at_ns'" in printed), (1, True), printed)
        code, printed = run("--from-log", self.path("absent.csv"), "--out", self.path("model"))
        self.assertEqual((code, "cannot read" in printed), (1, True), printed)
        code, printed = run("--dummy", "stay", "--out", self.here)
        self.assertEqual((code, "is not a model" in printed), (1, True), printed)
        with self.assertRaises(SystemExit) as wrong_use, contextlib.redirect_stderr(io.StringIO()):
            arguments(["--out", "x"])
        self.assertEqual(wrong_use.exception.code, 2)

    def test_dummies_are_models_and_replace_each_other(self):
        for kind, score in (("stay", 0.0), ("move", 1.0)):
            code, printed = run("--dummy", kind, "--out", self.path("model"))
            self.assertEqual(code, 0, printed)
            with open(self.path("model", "golden.json"), encoding="utf-8") as file:
                self.assertEqual(set(json.load(file)["scores"]), {score})
        self.assertEqual(os.listdir(self.here), ["model"])

    def test_the_lists_are_the_ones_in_the_code(self):
        def strings(file, name):
            with open(os.path.join(ROOT, "crates", "augur-sched", "src", "model", file), encoding="utf-8") as source:
                text = re.search(rf"{name}: \[&str; \w+\] = \[(.*?)\];", source.read(), re.S).group(1)
            return re.findall(r'"(\w+)"', text)

        self.assertEqual(contract.FEATURES, strings("contract.rs", "FEATURES"))
        self.assertEqual(
            contract.LOG_COLUMNS, [*strings("log.rs", "BEFORE"), *contract.FEATURES, *strings("log.rs", "AFTER")]
        )


if __name__ == "__main__":
    unittest.main()
