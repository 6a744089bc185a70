# SPDX-License-Identifier: GPL-2.0-only
"""Work of other programs: stress-ng, hackbench, a parallel build."""

import os
import subprocess
import time
from pathlib import Path

from case import check

KBUILD = Path("/opt/kbuild/linux")
# What is started with a time limit may need this much longer on a host that is busy with other things.
GRACE_S = 90.0
# A build that shared its CPUs with all of that: to tell a slow one from one that hangs.
BUILD_S = 600.0


class Program:
    """A program that runs beside the test; its output is kept."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.output = Path(f"/tmp/{name}-{time.monotonic_ns()}.out")
        with open(self.output, "wb") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)

    def finish(self, limit_s: float = GRACE_S) -> str:
        """Waits for its end and checks that it succeeded; what it printed."""
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            check(False, f"the end of {self.name} within {limit_s:g} s", "it still runs")
        text = self.output.read_text(errors="replace")
        check(code == 0, f"exit code 0 of {self.name}", f"{code}: {text.strip().splitlines()[-1:]}")
        return text


def compiled(name: str) -> Path:
    """The program in NAME.c beside this file, compiled here."""
    program = Path(f"/tmp/{name}")
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["gcc", "-O2", "-pthread", "-o", program, source], check=True)
    return program


def stress(seconds: float, *arguments: str) -> Program:
    """stress-ng with some stressors for a time."""
    return Program("stress-ng", ["stress-ng", *arguments, "--timeout", f"{seconds:.0f}", "--temp-path", "/tmp"])


def repeat(name: str, command: str, seconds: float) -> Program:
    """A command again and again for a time, the last one to its end; prints the number of rounds."""
    script = f'n=0; while ((SECONDS < {seconds:.0f})); do {command} > /dev/null || exit 1; n=$((n+1)); done; echo "$n"'
    return Program(name, ["bash", "-c", script])


def hackbench(seconds: float, groups: int = 2, loops: int = 100) -> Program:
    """Hackbench again and again: 10 senders and 10 receivers a group."""
    return repeat("hackbench", f"hackbench --groups {groups} --fds 5 --loops {loops}", seconds)


class Build:
    """A parallel build, over and over; the one that is under way at the end of its time is let through to its end."""

    def __init__(self, seconds: float, jobs: int) -> None:
        self.started = time.time()
        # Beside stress-ng and hackbench not even EEVDF gets it to its first object within half a minute, so it may end
        # alone.
        script = (
            f"end=$((SECONDS + {seconds:.0f})); while ((SECONDS < end)); do /opt/kbuild/compile {jobs} && echo round; "
            "done; true"
        )
        self.program = Program("build", ["bash", "-c", script])

    def finish(self) -> tuple[int, int]:
        """Whole rounds, and the objects that the last one left behind."""
        rounds = self.program.finish(BUILD_S).count("round")
        objects = [path for path in KBUILD.rglob("*.o") if path.stat().st_mtime >= self.started]
        check(rounds > 0 and bool(objects), "a build that got through", f"{rounds} rounds, {len(objects)} objects")
        return rounds, len(objects)


def cpus() -> int:
    """How many CPUs work is made for."""
    return len(os.sched_getaffinity(0))
