# SPDX-License-Identifier: GPL-2.0-only
"""Does load really spread over the domains, and does each model get its way?

The same work each time: hogs that were bound to the first domain are let go. Where they are then is asked of the
kernel.
"""

import csv
import os
import time
from dataclasses import dataclass
from pathlib import Path

import machine
import task
import trace
from case import Options, case, check
from scheduler import MODELS, Scheduler

# A model's word has to count in every round of these tests, however slow the host is.
PATIENT = ("--model-limit-ms", "10000")
# A decision may take as long, so that a virtual CPU that the host stops for a moment still carries it out.
UNHURRIED = ("--interval-ms", "400")
APART_MAX = 0.10
# Rounds of the daemon until all is even: 2 s of the default interval, if the host has time for them.
EVEN_ROUNDS = 20
EVEN_LIMIT_S = 60.0
SETTLE_ROUNDS = 8
# Seconds in which CPU time is compared; the median one counts.
WINDOWS = 3
# Looks at the loads a second. Each look is work for the daemon and for this task, and so a load itself.
SAMPLES = 2


def crowd(count: int) -> list[int]:
    """Hogs that all run in the first domain."""
    return task.hogs(count, machine.domains()[0])


def let_go(pids: list[int]) -> None:
    """Allows them every CPU."""
    for pid in pids:
        os.sched_setaffinity(pid, machine.online())


def apart(values: list[float]) -> float:
    """How far the least and the most are apart, as a share of the most."""
    return (max(values) - min(values)) / max(max(values), 1e-9)


def loads(stats: dict) -> list[float]:
    """The domains' loads as the scheduler sees them."""
    return [domain["load"] for _, domain in sorted(stats["domains"].items(), key=lambda item: int(item[0]))]


@case(every_kernel=True, domains_min=2, clock="instructions")
def balance(options: Options) -> str:
    """The heuristic evens two domains out within 20 rounds, they stay even, and the tasks run where they were moved."""
    domain_of = machine.domain_of()
    with Scheduler("--model", "off") as scheduler:
        hogs = crowd(8)
        before = task.count_by_domain(hogs, domain_of)
        check(before[0] == 8, "8 hogs in the first domain before they are let go", f"{before}")
        with trace.migrations() as moves:
            begin = scheduler.stats()["rounds"]
            let_go(hogs)
            even_s = await_even(scheduler, hogs, domain_of)
            rounds = scheduler.stats()["rounds"] - begin
            after, now, gained = watch(scheduler, hogs, domain_of)
            crossed = {key[0] for key in trace.real(moves.counts(), hogs) if domain_of[key[1]] != domain_of[key[2]]}
    told = (
        f"8/0 to {'/'.join(map(str, after))} in {rounds} rounds ({even_s:.2f} s), then loads {now}, CPU time {gained} "
        "ms in the median second"
    )
    check(rounds <= EVEN_ROUNDS, f"even domains within {EVEN_ROUNDS} rounds", told)
    check(apart(after) <= APART_MAX, f"hogs that stay at most {APART_MAX:.0%} apart", told)
    # What the hogs alone are: so many for each CPU of their domain, and they never sleep.
    wanted = [count / len(cpus) for count, cpus in zip(after, machine.domains(), strict=True)]
    far = max(abs(load - hogs_load) / hogs_load for load, hogs_load in zip(now, wanted, strict=True))
    check(far <= APART_MAX, f"loads at most {APART_MAX:.0%} from {wanted}", told)
    check(apart(gained) <= APART_MAX, f"CPU time at most {APART_MAX:.0%} apart", told)
    check(len(crossed) >= 4, "at least 4 hogs that the kernel moved across", f"{len(crossed)}; {told}")
    return told


def await_even(scheduler: Scheduler, hogs: list[int], domain_of: dict[int, int]) -> float:
    """Seconds until the domains have as many hogs each."""
    begin = time.monotonic()
    with task.Whereabouts(hogs, domain_of) as whereabouts:
        while apart(counts := whereabouts.count()) > APART_MAX:
            took = time.monotonic() - begin
            if took >= EVEN_LIMIT_S:
                late = f"{counts} after {took:.2f} s, the loads {loads(scheduler.stats())}"
                check(False, f"hogs at most {APART_MAX:.0%} apart within {EVEN_LIMIT_S:g} s", late)
            time.sleep(0.1)
    return time.monotonic() - begin


def watch(scheduler: Scheduler, hogs: list[int], domain_of: dict[int, int]) -> tuple[list[int], list[float], list[int]]:
    """Over some seconds: the usual count of hogs in each domain, the least load of each, the CPU time in the median
    second.

    Whoever looks is a load too, and the longer the host takes for that, the more: the least load is that of the hogs
    alone.
    """
    counts, seen, gained = [], [], []
    with task.Whereabouts(hogs, domain_of) as whereabouts:
        for _ in range(WINDOWS):
            before = whereabouts.ran_ns()
            for _ in range(SAMPLES):
                time.sleep(1 / SAMPLES)
                seen.append(loads(scheduler.stats()))
                counts.append(whereabouts.count())
            gained.append(gained_by_domain(whereabouts, before))
    least = [round(min(column), 2) for column in zip(*seen)]
    return usual(counts), least, sorted(gained, key=apart)[WINDOWS // 2]


def usual(counts: list[list[int]]) -> list[int]:
    """The most frequent of them: a task that is on its way is seen on either side."""
    return max(counts, key=counts.count)


def gained_by_domain(whereabouts: task.Whereabouts, before: list[int]) -> list[int]:
    """Milliseconds of CPU time since `before` of the tasks in each domain."""
    gained = [0.0] * (max(whereabouts.domain_of.values()) + 1)
    for domain, ran, had in zip(whereabouts.domains(), whereabouts.ran_ns(), before, strict=True):
        gained[domain] += (ran - had) / 1e6
    return [round(value) for value in gained]


@case(domains_min=2, clock="instructions")
def stay(options: Options) -> str:
    """A model that always says stay: nothing is moved, and nothing is stolen."""
    with Scheduler("--model", MODELS / "stay", *PATIENT) as scheduler:
        hogs = crowd(6)
        first = scheduler.await_model(MODELS / "stay")
        with trace.migrations() as moves:
            begin = scheduler.stats()
            let_go(hogs)
            rounds = begin["model_rounds"] + options.pick(60, 30)
            scheduler.await_stats(lambda stats: stats["model_rounds"] >= rounds, f"{rounds} rounds", EVEN_LIMIT_S)
            moved = trace.real(moves.counts(), hogs)
            last = scheduler.stats()
        where = task.count_by_domain(hogs, machine.domain_of())
    since = {
        name: last[name] - begin[name]
        for name in ("mig_steal", "mig_balance", "proposed", "accepted", "fallback_rounds", "model_rounds")
    }
    check(
        since["fallback_rounds"] == 0,
        "the model's word in every round",
        f"{since['fallback_rounds']} rounds without: {last['model_events']}",
    )
    check(since["proposed"] > 0, "moves that the policy proposed", f"none in {since['model_rounds']} rounds")
    check(sum(moved.values()) == 0, "0 migrations of the hogs in sched_migrate_task", f"{moved}")
    check(where[0] == 6, "6 hogs still in the first domain", f"{where}")
    check(
        since["mig_steal"] == since["mig_balance"] == since["accepted"] == 0,
        "nothing stolen, balanced or accepted",
        f"{since}",
    )
    return (
        f"{first['model']}: {since['proposed']} moves proposed in {since['model_rounds']} rounds, 0 accepted; the "
        "kernel saw 0 migrations of 6 hogs"
    )


@dataclass
class Spread:
    """What became of hogs that were let go."""

    scheduler: Scheduler
    hogs: list[int]
    where: list[int]
    moves: dict[tuple[int, ...], int]
    switches: dict[tuple[int, ...], int]
    rows: list[dict[str, str]]


def spread(model: str | Path, *arguments: str) -> Spread:
    """8 hogs of the first domain are let go under this model; once they have settled they end."""
    log = Path("/tmp/decisions.csv")
    log.unlink(missing_ok=True)
    with Scheduler("--model", model, "--log-decisions", log, *UNHURRIED, *arguments) as scheduler:
        if model != "off":
            scheduler.await_model(model)
        hogs = crowd(8)
        with trace.migrations() as moves, trace.switches("hog") as switches:
            rounds = scheduler.stats()["rounds"] + SETTLE_ROUNDS
            let_go(hogs)
            scheduler.await_stats(lambda stats: stats["rounds"] >= rounds, f"{rounds} rounds", EVEN_LIMIT_S)
            where = usual(placements(hogs, 9))
            # None of them moves any more when it is counted.
            task.end(hogs)
            seen = Spread(scheduler, hogs, where, moves.counts(), switches.counts(), [])
        # The log has a row for a decision once it has ended.
        scheduler.await_stats(lambda stats: stats["pending"] == 0, "an end of every decision", EVEN_LIMIT_S)
    with open(log, newline="") as file:
        seen.rows = [row for row in csv.DictReader(file) if row["kind"] == "balance"]
    return seen


@case(domains_min=2, clock="instructions")
def move(options: Options) -> str:
    """A model that always says move: exactly the heuristic, and each applied move was seen by the kernel."""
    heuristic = spread("off")
    model = spread(MODELS / "move", *PATIENT)
    final = model.scheduler.final
    check(
        final["model_rounds"] >= SETTLE_ROUNDS,
        "rounds in which the model decides",
        f"{final['model_rounds']}: {final['model_events']}",
    )
    check(
        final["accepted"] == final["proposed"] > 0,
        "every proposed move accepted",
        f"{final['accepted']} of {final['proposed']}",
    )
    # Which idle CPU wins a steal is a race, so two runs of the very same decisions can end one task apart.
    apart = max(abs(a - b) for a, b in zip(heuristic.where, model.where, strict=True))
    check(apart <= 1, f"the heuristic's placement {heuristic.where}, or one task from it", f"{model.where}")
    for seen in (heuristic, model):
        check_applied(seen)
    applied = [row for row in model.rows if int(row["pid"]) in model.hogs]
    return (
        f"proposed {final['proposed']} = accepted {final['accepted']}; {len(applied)} moves of hogs, all applied and "
        "seen by the kernel; "
        f"placement {model.where} as the heuristic's ({len(heuristic.rows)} moves)"
    )


def placements(hogs: list[int], count: int) -> list[list[int]]:
    """So many times the hogs in each domain, a moment later each."""
    seen = []
    with task.Whereabouts(hogs, machine.domain_of()) as whereabouts:
        for _ in range(count):
            time.sleep(0.1)
            seen.append(whereabouts.count())
    return seen


def check_applied(seen: Spread) -> None:
    """Each move of a hog was applied, and the kernel switched that hog in on a CPU of that domain.

    Not those that were decided just before its end, and came too late for it.
    """
    domains = machine.domains()
    rows = [row for row in seen.rows if int(row["pid"]) in seen.hogs and row["reason"] != "gone"]
    check(bool(rows), "moves of hogs in the decision log", "none")
    others = [f"{row['status']} {row['reason']}" for row in rows if row["status"] != "applied"]
    check(not others, "every move of a hog applied", f"{len(others)} of {len(rows)} not: {others[:3]}")
    for row in rows:
        pid, to = int(row["pid"]), int(row["to"])
        ran = sum(count for (who, cpu), count in seen.switches.items() if who == pid and cpu in domains[to])
        check(ran > 0, f"pid {pid} switched in on one of {domains[to]} after its move", "the kernel never did")
