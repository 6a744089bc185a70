# SPDX-License-Identifier: GPL-2.0-only
"""The scheduler under test, as a user runs it.

    with Scheduler("--model", "off") as scheduler:
        scheduler.stats()["rounds"]
    scheduler.final["rounds"]

Leaving the context is Ctrl-C: it checks the exit code and that the kernel is back on its own scheduler.
"""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Iterable

import kernel
from case import Failed, check

BINARY = "/bin/scx_augur"
SOCKET = "/var/run/scx/root/stats"
MODELS = Path("/root/models")
# The verifier is emulated too: seconds on a quiet host, tens of seconds on a busy one.
ATTACH_S = 90.0
STOP_S = 60.0
SOCKET_S = 10.0
# TensorFlow is 800 MB, read and relocated under emulation.
MODEL_LOAD_S = 180.0
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Scheduler:
    """`scx_augur run --json ARGUMENTS`, attached while the context is open; `under` is a command that starts it."""

    def __init__(self, *arguments: str | Path, under: Iterable[str] = ()) -> None:
        self.arguments = [*under, BINARY, "run", "--json", *map(str, arguments)]
        self.folder = Path(tempfile.mkdtemp(prefix="scheduler-"))
        self.process: subprocess.Popen | None = None
        self.connection = None
        self.attach_s = 0.0
        # The last statistics, once it has ended.
        self.final: dict = {}

    def __enter__(self) -> "Scheduler":
        self.start()
        return self

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        if kind is None and self.process is not None:
            self.stop()

    def start(self) -> None:
        """Starts it and waits until the kernel says that it is enabled."""
        begin, before = time.monotonic(), kernel.enable_seq()
        self.launch()
        # The kernel counts a scheduler a moment after it says that it is enabled.
        while kernel.state() != "enabled" or kernel.enable_seq() == before:
            self.check_alive()
            waited = time.monotonic() - begin
            check(waited < ATTACH_S, f"an attached scheduler within {ATTACH_S:g} s", f"the state '{kernel.state()}'")
            time.sleep(0.05)
        self.attach_s = time.monotonic() - begin
        check(kernel.scheduler_name().startswith("augur"), "the scheduler 'augur'", f"'{kernel.scheduler_name()}'")

    def launch(self) -> None:
        """Starts it and does not wait."""
        with open(self.folder / "stdout", "wb") as stdout, open(self.folder / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(self.arguments, stdout=stdout, stderr=stderr)
        # Where the runner looks when the test fails.
        Path("/tmp/last-scheduler").write_text(str(self.folder))

    def check_alive(self) -> None:
        """Fails when the daemon has ended."""
        code = self.process.poll()
        check(code is None, "a daemon that goes on", f"exit code {code}: {self.log().strip().splitlines()[-1:]}")

    def log(self) -> str:
        """What it wrote to standard error so far, without colours."""
        return COLOURS.sub("", (self.folder / "stderr").read_text(errors="replace"))

    def stats(self) -> dict:
        """Every counter since it was attached, through the statistics socket."""
        self.connection = self.connection or self.connect()
        request = {"req": "stats", "args": {"target": "top", "total": "true"}}
        try:
            self.connection.write(json.dumps(request) + "\n")
            self.connection.flush()
            answer = json.loads(self.connection.readline())
        except (OSError, ValueError) as error:
            self.connection = None
            raise Failed(f"expected an answer of the statistics socket, saw {error!r}") from error
        return answer["args"]["resp"]

    def connect(self):
        """Opens the statistics socket, which comes a moment after the scheduler is attached."""
        begin = time.monotonic()
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(30)
            try:
                connection.connect(SOCKET)
                return connection.makefile("rw")
            except OSError as error:
                connection.close()
                self.check_alive()
                check(
                    time.monotonic() - begin < SOCKET_S, f"an open {SOCKET} within {SOCKET_S:g} s", f"{error.strerror}"
                )
                time.sleep(0.1)

    def await_stats(self, holds, what: str, limit_s: float) -> dict:
        """The first statistics for which `holds`."""
        begin = time.monotonic()
        while not holds(stats := self.stats()):
            self.check_alive()
            check(time.monotonic() - begin < limit_s, f"{what} within {limit_s:g} s", f"{stats}")
            time.sleep(0.2)
        return stats

    def await_model(self, directory: Path) -> dict:
        """The first statistics of a model that decides."""
        begin = time.monotonic()
        while (stats := self.stats())["model_rounds"] < 3:
            self.check_alive()
            waited = time.monotonic() - begin
            wanted = f"rounds in which the model in {directory} decides within {MODEL_LOAD_S:g} s"
            check(waited < MODEL_LOAD_S, wanted, f"model '{stats['model']}', {stats['model_events']}")
            time.sleep(0.5)
        return stats

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        os.kill(self.process.pid, number)

    def stop(self) -> dict:
        """Ctrl-C; the last statistics."""
        self.send(signal.SIGINT)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"expected the end of the daemon within {STOP_S:g} s of SIGINT, saw it go on") from None
        self.process = None
        check(code == 0, "exit code 0 after SIGINT", f"{code}")
        kernel.await_state("disabled", kernel.DISABLE_S)
        output = (self.folder / "stdout").read_text().strip().splitlines()
        check(bool(output), "the last statistics on standard output", "nothing")
        self.final = json.loads(output[-1])
        return self.final
