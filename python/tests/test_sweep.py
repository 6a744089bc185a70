#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of sweeps, with the real program and two real nodes of Ray.  python -m unittest discover python/tests"""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from unittest import mock

from pyarrow import parquet

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from augur.sweep.main import main
from augur.sweep.unit import AROUND, KEYS, MEASURED

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SCRIPT = os.path.join(ROOT, "scripts", "sweep.py")
BINARY = os.path.abspath(os.environ.get("SCX_AUGUR", os.path.join(ROOT, "target", "release", "scx_augur")))
TRACE = os.path.join(ROOT, "tests", "traces", "recorded", "affinity-2x2-eevdf.augur")
# Nothing waits longer than this; it is what a hanging test costs.
PATIENCE_S = 300

SWEEP = """
seeds = { first = 5, count = 2 }
[[simulate]]
workloads = ["calm.toml"]
policies = ["round_robin", "clairvoyant"]
machines = ["cpu-gpu", "cpu-gpu[gpus=2]"]
[[replay]]
workloads = ["short.augur", "broken.augur"]
policies = ["augur"]
seeds = [7]
"""
UNITS = 10
CALM = "[workload]\ntasks = 300\nrate_per_s = 10\n"

# Stands before the program and notes each call; the units of a sweep wait there for what `{hold}` waits for.
GATE = """#!/bin/sh
[ "$1" = --version ] && exec {binary} --version
echo "$*" >> {folder}/calls
{hold}
exec {binary} "$@"
"""
# Until two units have begun. On nodes of one CPU each that is on two nodes, whichever is faster.
FOR_ANOTHER = "n=0; while [ $(wc -l < {folder}/calls) -lt 2 ] && [ $n -lt 1000 ]; do n=$((n + 1)); sleep 0.1; done"
# For good from the third unit on, as long as there is a file `wall`.
AT_THE_WALL = "[ -e {folder}/wall ] && [ $(wc -l < {folder}/calls) -ge 3 ] && exec sleep 1000"

# Holds a cluster of two nodes of one CPU each, on loopback and with as few processes as Ray can do with, until its
# input ends.
KEEPER = """
import sys
from ray.cluster_utils import Cluster
node = dict(wait=False, num_cpus=1, object_store_memory=80_000_000, node_ip_address="127.0.0.1",
            include_dashboard=False, include_log_monitor=False, no_monitor=True)
cluster = Cluster(initialize_head=True, head_node_args=node)
cluster.add_node(**node)
cluster.wait_for_nodes(timeout=200)
print("address", cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
# A driver that is told 127.0.0.1 looks for the cluster at this machine's outer address, except where Ray has no
# clusters by default.
ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


def run(*argv):
    """Sweeps in this process: exit code, what it printed, what it said on standard error."""
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        code = main([str(argument) for argument in argv])
    return code, printed.getvalue(), said.getvalue()


def direct(*argv):
    """What the program itself prints."""
    done = subprocess.run([BINARY, *argv, "--json"], check=True, capture_output=True)
    return json.loads(done.stdout)


def belongs(pid, mark, sessions):
    """Whether a process was started in one of the sessions, or has the mark in its environment (Ray's workers write
    their names over theirs).
    """
    with (
        contextlib.suppress(OSError),
        open(f"/proc/{pid}/stat", "rb") as stat,
        open(f"/proc/{pid}/environ", "rb") as environment,
    ):
        state, _, _, session = stat.read().rpartition(b")")[2].split()[:4]
        return state != b"Z" and (int(session) in sessions or mark.encode() in environment.read())
    return False


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited for too long")
        time.sleep(0.05)


class Sweep(unittest.TestCase):
    """Each test has a directory of its own with a sweep, and ends what it started."""

    def setUp(self):
        self.here = tempfile.mkdtemp(prefix="sweep-")
        self.addCleanup(shutil.rmtree, self.here, ignore_errors=True)
        self.mark, self.sessions = f"SWEEP_TEST={uuid.uuid4().hex}", set()
        self.addCleanup(self.end_all)
        self.write("sweep.toml", SWEEP)
        self.write("calm.toml", CALM)
        self.write("broken.augur", "no trace at all\n")
        shutil.copy(TRACE, self.path("short.augur"))

    def path(self, *parts):
        return os.path.join(self.here, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def gate(self, hold):
        path = self.write("gate", GATE.format(binary=BINARY, folder=self.here, hold=hold.format(folder=self.here)))
        os.chmod(path, 0o755)
        return path

    def lines(self, name):
        with contextlib.suppress(FileNotFoundError), open(self.path(name), encoding="utf-8") as file:
            return len(file.readlines())
        return 0

    def calls(self):
        return self.lines("calls")

    def environment(self):
        name, value = self.mark.split("=")
        return os.environ | {name: value, "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": self.here}

    def start(self, *argv, **how):
        """Starts a Python of its own."""
        how = {"env": self.environment(), "stdout": subprocess.PIPE, "text": True} | how
        process = subprocess.Popen([sys.executable, "-B", *argv], start_new_session=True, **how)
        self.sessions.add(process.pid)
        for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
            self.addCleanup(stream.close)
        return process

    def left(self):
        """What runs of the processes that this test started, and of theirs."""
        pids = map(int, filter(str.isdigit, os.listdir("/proc")))
        return [pid for pid in pids if belongs(pid, self.mark, self.sessions)]

    def cluster(self):
        """A process that holds a cluster, and its address. Ray gives up on a node that is not up within 30 s, as on a
        machine that is busy.
        """
        for _ in range(3):
            keeper = self.start("-c", KEEPER, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for line in keeper.stdout:
                if line.startswith("address "):
                    return keeper, line.split()[1]
            self.end_all()
        return keeper, "no cluster"

    def end_all(self):
        while left := self.left():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def straight(self):
        """The rows of the whole sweep, run here at one go."""
        code, _, said = run(
            "--config", self.path("sweep.toml"), "--out", self.path("straight.parquet"), "--local", "--binary", BINARY
        )
        self.assertEqual(code, 1, said)
        return self.rows("straight.parquet")

    def rows(self, name):
        return parquet.read_table(self.path(name)).to_pylist()

    def assert_same(self, rows, others):
        def steady(rows):
            return [{name: value for name, value in row.items() if name not in MEASURED} for row in rows]

        self.assertEqual(steady(rows), steady(others))

    def test_a_row_is_what_the_program_prints(self):
        """Calls of another shape, all policies and seeds at once and on all CPUs, give the same figures."""
        rows = self.straight()
        self.assertEqual(len(rows), UNITS)
        columns = parquet.read_schema(self.path("straight.parquet")).names
        self.assertEqual(columns[:6] + columns[-4:], KEYS + AROUND)
        for machine, more in (("cpu-gpu", []), ("cpu-gpu[gpus=2]", ["--gpus", "2"])):
            call = [
                "--config",
                self.path("calm.toml"),
                "--policies",
                "clairvoyant,round_robin",
                "--seed",
                "5",
                "--seeds",
                "2",
            ]
            for result in direct("simulate", *call, *more)["results"]:
                (row,) = (
                    r
                    for r in rows
                    if (r["machine"], r["policy"], r["seed"]) == (machine, result["policy"], result["seed"])
                )
                self.assertEqual(
                    (row["kind"], row["workload"], row["error"], row["tasks"]), ("simulate", "calm", None, 300)
                )
                # A unit has one policy, and nobody beside it to be behind.
                self.assertEqual(row["behind_clairvoyant"], 0.0 if result["policy"] == "clairvoyant" else None)
                for name in set(result) - {"decision_ns", "behind_clairvoyant"}:
                    self.assertEqual(row[name], result[name], name)
        report = direct("replay", TRACE, "--policy", "recorded,augur", "--seed", "7")
        (row,) = (row for row in rows if row["workload"] == "short")
        result = report["results"][1]
        self.assertEqual(
            (row["policy"], row["machine"], row["seed"], row["bound_ns"]), ("augur", "recorded", 7, report["bound_ns"])
        )
        self.assertEqual(
            (row["state_hash"], row["makespan_ns"], row["jain"]),
            (result["state_hash"], result["makespan_ns"], result["jain"]),
        )
        self.assertEqual(row["migrations_cross_llc"], result["migrations"]["cross_llc"])
        self.assertEqual(row["wakeup_latency_p99_ns"], result["wakeup_latency_ns"]["p99"])
        self.assertEqual(row["wait_count"], result["wait_ns"]["count"])

    def test_a_unit_that_fails_is_a_row(self):
        code, printed, said = run(
            "--config", self.path("sweep.toml"), "--out", self.path("out"), "--local", "--binary", BINARY, "--json"
        )
        self.assertEqual((code, len(said.splitlines())), (1, 1), said)
        self.assertIn(
            f"1 of {UNITS} units failed, the first of them replay broken on recorded under augur with seed 7: cannot "
            "read broken.augur: no line",
            said,
        )
        summary = json.loads(printed)
        self.assertEqual((summary["units"], summary["failed"], summary["nodes"][0]["units"]), (UNITS, 1, UNITS))
        bad = [row for row in self.rows("out") if row["error"]]
        self.assertEqual([(row["workload"], row["makespan_ns"]) for row in bad], [("broken", None)])
        # Repaired, it is the only one that runs again.
        shutil.copy(TRACE, self.path("broken.augur"))
        code, printed, said = run(
            "--config",
            self.path("sweep.toml"),
            "--out",
            self.path("out"),
            "--local",
            "--binary",
            BINARY,
            "--json",
            "--resume",
        )
        self.assertEqual((code, said, json.loads(printed)["ran"]), (0, "", 1))
        short, mended = (row for row in self.rows("out") if row["kind"] == "replay")
        self.assertEqual((mended["error"], mended["state_hash"]), (None, short["state_hash"]))
        self.assertFalse(os.path.exists(self.path("out.partial")))

    def test_an_interrupted_sweep_goes_on_to_the_same_table(self):
        gate, wall = self.gate(AT_THE_WALL), self.write("wall", "")
        argv = [
            "--config",
            self.path("sweep.toml"),
            "--out",
            self.path("out"),
            "--local",
            "--workers",
            "1",
            "--binary",
            gate,
        ]
        process = self.start(SCRIPT, *argv, stderr=subprocess.PIPE)
        wait_until(lambda: (self.calls(), self.lines("out.partial")) == (3, 2) or process.poll() is not None)
        # The same as Ctrl-C, which may be ignored where tests run in the background.
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(
            (process.returncode, said),
            (1, f"sweep.py: interrupted with 2 of {UNITS} units done; go on with --resume\n"),
        )
        self.assertEqual(self.left(), [], "the unit that hung is gone, too")
        self.assertFalse(os.path.exists(self.path("out")))
        code, _, said = run(*argv)
        self.assertEqual(
            (code, "has 2 rows of a sweep that was not finished; go on with --resume" in said), (1, True), said
        )
        os.unlink(wall)
        with open(self.path("out.partial"), "a", encoding="utf-8") as file:
            file.write('{"key": "torn by a power cut", "ro')
        code, printed, said = run(*argv, "--resume", "--json")
        summary = json.loads(printed)
        self.assertEqual((code, summary["units"], summary["ran"], self.calls()), (1, UNITS, UNITS - 2, UNITS + 1), said)
        self.assert_same(self.rows("out"), self.straight())

    @unittest.skipUnless(importlib.util.find_spec("ray"), "ray is not installed; `scripts/setup sweep .venv` does it")
    def test_two_nodes_of_a_cluster_give_the_same_table(self):
        # What hangs is killed, so that nothing here waits for longer.
        alarm = signal.signal(signal.SIGALRM, lambda *_: self.end_all())
        self.addCleanup(signal.signal, signal.SIGALRM, alarm)
        self.addCleanup(signal.alarm, 0)
        signal.alarm(PATIENCE_S)
        keeper, address = self.cluster()
        self.assertTrue(address.startswith("127.0.0.1:"), address)
        self.gate(FOR_ANOTHER)
        # To nodes this path is another folder: they have none of these files, and are sent them.
        mine = "/proc/self/cwd/"
        argv = [
            "--config",
            f"{mine}sweep.toml",
            "--out",
            "out",
            "--address",
            address,
            "--binary",
            f"{mine}gate",
            "--json",
        ]
        process = self.start(SCRIPT, *argv, stderr=subprocess.PIPE, cwd=self.here, env=self.environment() | ON_LOOPBACK)
        printed, said = process.communicate()
        self.assertEqual(
            (process.returncode, "1 of 10 units failed" in said, len(said.splitlines())), (1, True, 1), said
        )
        summary = json.loads(printed)
        self.assertEqual(len(summary["nodes"]), 2, summary)
        sent = sum(os.path.getsize(self.path(name)) for name in ("gate", "calm.toml", "short.augur", "broken.augur"))
        self.assertTrue(sent <= summary["sent_bytes"] <= 4 * sent, (sent, summary))
        self.assertEqual(
            [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("scx_augur-sweep-")], []
        )
        self.assert_same(self.rows("out"), self.straight())
        keeper.stdin.close()
        keeper.wait()
        self.end_all()
        self.assertEqual(self.left(), [])

    def test_a_wrong_sweep_is_one_sentence_that_names_the_place(self):
        simulate = "[[simulate]]\npolicies = ['eft']\n"
        for text, words in (
            ("seeds = [1", "wrong.toml is not TOML: unclosed array (at end"),
            ("", "the top names no units; add a block [[simulate]] or [[replay]]"),
            ("seeds = [-1]\n" + simulate, "the top has wrong seeds; give whole numbers"),
            (
                simulate + "[[simulate]]\npolices = ['eft']",
                "[[simulate]] number 2 has an unknown setting 'polices'; known are machines, policies",
            ),
            ("[[simulate]]", "[[simulate]] number 1 has wrong policies; give a list of texts"),
            (
                simulate + "machines = ['cpu-gpu[tpus=1]']",
                "[[simulate]] number 1 has an unknown machine 'cpu-gpu[tpus=1]'",
            ),
            (
                simulate + "workloads = [{ name = 'a', tasks = 'many' }]",
                "[[simulate]] number 1, workload 1, has tasks that is not a whole number",
            ),
            (
                simulate + "workloads = ['absent.toml']",
                "[[simulate]] number 1 names absent.toml, which cannot be read: No such file",
            ),
            (
                "[[replay]]\npolicies = ['augur']\nworkloads = ['absent-*.augur']",
                "[[replay]] number 1 names the files absent-*.augur, and there are none",
            ),
            (
                "[[replay]]\npolicies = ['augur']\nworkloads = [{ name = 'x' }]",
                "[[replay]] number 1, workload 1, lacks a file",
            ),
            (simulate + simulate, "[[simulate]] names default on cpu-gpu under eft with seed 1 twice"),
        ):
            code, printed, said = run(
                "--config", self.write("wrong.toml", text), "--out", self.path("out"), "--local", "--binary", BINARY
            )
            self.assertEqual((code, printed, len(said.splitlines())), (1, "", 1), said)
            self.assertIn(words, said)
        self.assertFalse(os.path.exists(self.path("out.partial")))

    def test_wrong_use_and_what_is_missing(self):
        good = ["--config", self.path("sweep.toml"), "--out", self.path("out")]
        for argv in (good[:2], [*good, "--local", "--address", "auto"], [*good, "--workers", "0"]):
            with self.assertRaises(SystemExit) as wrong_use, contextlib.redirect_stderr(io.StringIO()):
                main(argv)
            self.assertEqual(wrong_use.exception.code, 2)
        with mock.patch.dict(sys.modules, {"ray": None}):
            code, _, said = run(*good, "--binary", BINARY, "--address", "127.0.0.1:1")
        self.assertEqual(
            (code, "needs the Python package ray; run `scripts/setup sweep .venv`" in said), (1, True), said
        )
        code, _, said = run(*good, "--local", "--binary", self.path("absent"))
        self.assertEqual(
            (code, "absent: No such file or directory; build it with `make build`" in said), (1, True), said
        )
        code, _, said = run(*good[:2], "--local", "--binary", BINARY, "--out", self.path("no", "out"))
        self.assertEqual((code, "out.partial: No such file or directory; name another --out" in said), (1, True), said)
        self.assertEqual(sorted(os.listdir(self.here)), ["broken.augur", "calm.toml", "short.augur", "sweep.toml"])


if __name__ == "__main__":
    unittest.main()
