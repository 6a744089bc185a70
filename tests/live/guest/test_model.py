# SPDX-License-Identifier: GPL-2.0-only
"""Models that are wrong, each in one way: the scheduler stays, the heuristic decides, and it is said once."""

import shutil
from pathlib import Path

import kernel
import task
from case import Options, case, check
from scheduler import MODELS, Scheduler

# What each is refused as. `endless` is the last: the thread that tries it spins until the daemon ends.
REFUSALS = {
    "missing-variables": "malformed",
    "corrupt": "malformed",
    "nan": "not_finite",
    "wrong-shape": "wrong_shape",
    "wrong-name": "wrong_name",
    "endless": "hangs",
}
SERVED = Path("/tmp/served")
REFUSE_S = 120.0


def put(name: str) -> None:
    """Puts a model into the directory that is served, all at once."""
    fresh = SERVED.with_suffix(".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(MODELS / name, fresh)
    shutil.rmtree(SERVED, ignore_errors=True)
    fresh.rename(SERVED)


def model_lines(text: str) -> list[str]:
    """Log lines about a model that does not decide."""
    return [line for line in text.splitlines() if "model refused" in line or "the heuristic decides" in line]


def check_goes_on(scheduler: Scheduler, hog: int, what: str) -> None:
    """Attached, deciding by the heuristic, and tasks run."""
    before, ran = scheduler.stats(), task.ran_ns(hog)
    after = scheduler.await_stats(
        lambda stats: stats["rounds"] > before["rounds"] + 2, f"rounds that go on with {what}", REFUSE_S
    )
    check(kernel.state() == "enabled", f"the state 'enabled' with {what}", f"'{kernel.state()}'")
    check(task.ran_ns(hog) > ran, f"a task that runs with {what}", "none")
    rounds, fallback = after["rounds"] - before["rounds"], after["fallback_rounds"] - before["fallback_rounds"]
    check(fallback == rounds, f"the heuristic in every round with {what}", f"{fallback} of {rounds}")


@case(limit_s=400)
def bad_models(options: Options) -> str:
    """Missing, corrupt, NaN, wrong shape, wrong name, endless: one counter, one log line, the heuristic; then a good
    one.
    """
    counted: dict[str, int] = {}
    with Scheduler("--model", SERVED, "--rest", "1") as scheduler:
        hog = task.hogs(1)[0]
        expect(scheduler, counted, "missing", "no directory", "")
        check_goes_on(scheduler, hog, "no directory")
        for name, label in REFUSALS.items():
            log = scheduler.log()
            put(name)
            expect(scheduler, counted, label, name, log)
            check_goes_on(scheduler, hog, name)
        put("stay")
        good = scheduler.await_model(SERVED)
    return (
        f"refused as {', '.join(f'{label} {count}' for label, count in counted.items())}, one log line each; then "
        f"'{good['model']}' decides"
    )


def expect(scheduler: Scheduler, counted: dict[str, int], label: str, what: str, log: str) -> None:
    """Waits until the model is refused, for this reason and once."""
    before = dict(counted)
    counted[label] = counted.get(label, 0) + 1
    stats = scheduler.await_stats(lambda stats: refused(stats) not in (before, {}), f"{what} refused", REFUSE_S)
    late = {**before, "hangs": before.get("hangs", 0) + 1}
    if label != "hangs" and refused(stats) == late:
        # An emulated CPU may need more time than a trial has. It goes on, and what it finds then is told.
        counted["hangs"] = late["hangs"]
        log = scheduler.log()
        stats = scheduler.await_stats(lambda stats: refused(stats) != late, f"{what} refused later", REFUSE_S)
    check(refused(stats) == counted, f"{what} refused as {label}, once", f"{refused(stats)} after {before}")
    lines = model_lines(scheduler.log()[len(log) :])
    check(len(lines) == 1, f"one log line for {what}", f"{len(lines)}: {[line.split('  ')[-1][:60] for line in lines]}")


def refused(stats: dict) -> dict[str, int]:
    """Refusals by cause."""
    return {
        name.removeprefix("refused_"): count
        for name, count in stats["model_events"].items()
        if name.startswith("refused_")
    }


@case(limit_s=300, clock="instructions")
def busy_machine(options: Options) -> str:
    """Eight hogs of the same priority: the model is tried out, and decides, beside them."""
    with Scheduler("--model", MODELS / "move", "--rest", "1") as scheduler:
        hogs = task.hogs(8)
        stats = scheduler.await_model(MODELS / "move")
        rounds = stats["model_rounds"]
        last = scheduler.await_stats(
            lambda stats: stats["model_rounds"] >= rounds + 20, "20 more rounds of the model", REFUSE_S
        )
        task.end(hogs)
    out = last["model_events"].get("out_of_service", 0)
    check(out == 0, "a model that stays in service", f"{last['model_events']}")
    return f"{last['model_rounds']} of {last['rounds']} rounds by the model; events {last['model_events']}"


@case()
def library_missing(options: Options) -> str:
    """TensorFlow's library is not there: the heuristic decides, one counter, one log line."""
    with Scheduler("--model", MODELS / "stay", "--tensorflow", "/nowhere", "--rest", "1") as scheduler:
        hog = task.hogs(1)[0]
        stats = scheduler.await_stats(refused, "a refused model", REFUSE_S)
        check(refused(stats) == {"library_missing": 1}, "one refusal, library_missing", f"{refused(stats)}")
        check_goes_on(scheduler, hog, "no library")
        lines = model_lines(scheduler.log())
        check(len(lines) == 1, "one log line", f"{len(lines)}: {lines}")
        check(
            "/nowhere" in lines[0] and "--tensorflow" in lines[0],
            "where it was looked for, and the option, in the log line",
            lines[0],
        )
    return f"'{lines[0].split('  ')[-1]}'"
