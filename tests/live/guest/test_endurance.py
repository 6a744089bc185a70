# SPDX-License-Identifier: GPL-2.0-only
"""Attach, work hard, detach: the whole life of the scheduler under everything at once."""

import time

import kernel
import load
from case import Options, case, check
from scheduler import MODELS, Scheduler

FULL_S, QUICK_S = 60.0, 15.0


@case(every_kernel=True, limit_s=900)
def endurance(options: Options) -> str:
    """It attaches, carries stress-ng, hackbench and a build without a stall, and detaches on Ctrl-C."""
    seconds = options.seconds or options.pick(FULL_S, QUICK_S)
    with Scheduler("--model", MODELS / "move") as scheduler:
        scheduler.await_model(MODELS / "move")
        enabled = kernel.enable_seq()
        programs, build = start(seconds)
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            time.sleep(0.5)
            scheduler.check_alive()
            check(kernel.state() == "enabled", "the state 'enabled' under load", f"'{kernel.state()}'")
        rounds = [program.finish() for program in programs][-1].strip()
        builds, objects = build.finish()
        check(kernel.state() == "enabled", "the state 'enabled' after the load", f"'{kernel.state()}'")
        check(kernel.enable_seq() == enabled, "one life of the scheduler", f"{kernel.enable_seq() - enabled} restarts")
    final = scheduler.final
    check(int(rounds) > 0, "at least one round of hackbench", rounds)
    check(
        final["run_ms"] >= 500 * seconds, f"at least {500 * seconds:.0f} ms that it scheduled", f"{final['run_ms']} ms"
    )
    return (
        f"{seconds:.0f} s of stress-ng, {rounds} rounds of hackbench, {builds} builds ({objects} objects in the last), "
        "attached in "
        f"{scheduler.attach_s:.1f} s, {final['runs']} runs, {final['migrations']} migrations, exit code 0"
    )


def start(seconds: float) -> tuple[list[load.Program], load.Build]:
    """All the work at once; hackbench last."""
    cpus = load.cpus()
    stress = load.stress(seconds, "--cpu", str(cpus), "--fork", "2", "--affinity", "2")
    return [stress, load.hackbench(seconds)], load.Build(seconds, cpus)
