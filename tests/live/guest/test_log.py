# SPDX-License-Identifier: GPL-2.0-only
"""The decision log, recorded under mixed load: it has to hold what a model could learn from."""

import csv
import math
import os
import random
import time
from pathlib import Path

import load
import machine
import task
import trace
from case import Options, case, check
from scheduler import Scheduler

FEATURES = (
    "cpu_util",
    "idle_cpus",
    "active_cpus",
    "src_load",
    "dst_load",
    "imbalance",
    "src_queue",
    "dst_queue",
    "src_idle",
    "dst_idle",
    "task_load",
    "task_weight",
    "avg_run_us",
    "avg_sleep_us",
    "since_run_us",
    "wakeups_hz",
    "last_migration_us",
    "distance",
    "waker_in_dst",
    "capacity_ratio",
)
# Every decision has a deadline, so all have ended before that; to tell a slow host from one that never ends.
CALM_S = 30.0
# On a slow host the same load takes longer to give as many decisions.
ACCEPTED_MIN, LOADS_MAX = 20, 4
LOG = Path("/tmp/decisions.csv")


@case(topologies=("2x2x2",), domains_min=3, cpus_min=6)
def decision_log(options: Options) -> str:
    """Under mixed load every feature varies, every accepted decision has one end, and applied means seen."""
    with Scheduler("--model", "off", "--explore", "1", "--log-decisions", LOG) as scheduler:
        # Both the tasks that end and those that are exchanged are needed: the whole machine is counted.
        with trace.switches() as switches:
            for _ in range(LOADS_MAX):
                mixed_load(options.pick(30, 15))
                if scheduler.stats()["accepted"] >= ACCEPTED_MIN:
                    break
            calm = scheduler.await_stats(lambda stats: stats["pending"] == 0, "an end of every decision", CALM_S)
            ran = switches.counts()
    final = scheduler.final
    with open(LOG, newline="") as file:
        rows = list(csv.DictReader(file))
    check_books(calm, final, rows)
    least, values = check_features(rows)
    seen = check_seen(rows, ran)
    return (
        f"{len(rows)} rows; of {final['proposed']} proposed, accepted {final['accepted']} = applied {final['applied']} "
        f"+ refused {final['refused']} + expired {final['expired']}; {seen} applied moves confirmed by sched_switch; "
        f"every feature varies, least {least} ({values} values)"
    )


def mixed_load(seconds: float) -> None:
    """Pipes, forks, busy tasks of several weights, and affinities that come and go."""
    cpus = load.cpus()
    programs = [load.hackbench(seconds, groups=1), load.stress(seconds, "--cpu", "2", "--fork", "1", "--affinity", "1")]
    hogs = [task.spawn(task.burn, machine.domains()[0], nice=nice) for nice in (-10, -5, 0, 0, 5, 10)]
    hogs += [task.spawn(pulse) for _ in range(cpus)]
    # All but one CPU: such a task finds less capacity in the domain that is cut short.
    uneven = sorted(machine.online())[1:]
    hogs += [task.spawn(task.burn, uneven) for _ in range(4)]
    begin, chance = time.monotonic(), random.Random(1)
    while time.monotonic() - begin < seconds:
        time.sleep(0.5)
        cpus_now = chance.choice([machine.online(), uneven, *machine.domains()])
        os.sched_setaffinity(chance.choice(hogs), cpus_now)
    task.end(hogs)
    for program in programs:
        program.finish()


def pulse() -> None:
    """Busy for 50 ms, asleep for as long."""
    while True:
        end = time.thread_time() + 0.05
        while time.thread_time() < end:
            pass
        time.sleep(0.05)


def check_books(calm: dict, final: dict, rows: list[dict[str, str]]) -> None:
    """accepted = applied + refused + expired, and as many rows as decisions."""
    check(
        final["accepted"] >= ACCEPTED_MIN,
        f"at least {ACCEPTED_MIN} accepted decisions",
        f"{final['accepted']} of {final['proposed']}",
    )
    check(calm["pending"] == 0, "no pending decision in the end", f"{calm['pending']}")
    ended = final["applied"] + final["refused"] + final["expired"]
    check(
        ended + final["pending"] == final["accepted"],
        f"{final['accepted']} accepted decisions that ended",
        f"{ended} and {final['pending']} pending",
    )
    counted = {
        name: sum(row["kind"] == "balance" and row["status"] == name for row in rows)
        for name in ("applied", "refused", "expired")
    }
    wanted = {name: final[name] for name in counted}
    check(
        all(abs(counted[name] - wanted[name]) <= final["pending"] for name in counted),
        f"rows as the statistics say, {wanted}",
        f"{counted}",
    )
    # A coin for each: four standard deviations, which one run in 16,000 exceeds by chance.
    far = abs(final["accepted"] - final["proposed"] / 2)
    most = 2 * math.sqrt(final["proposed"])
    check(
        far <= most,
        f"half of the {final['proposed']} proposed moves accepted, give or take {most:.0f}",
        f"{final['accepted']}",
    )


def check_features(rows: list[dict[str, str]]) -> tuple[str, int]:
    """Every feature is finite and varies; the one with the fewest values."""
    distinct = {}
    for name in FEATURES:
        values = [float(row[name]) for row in rows]
        check(all(map(math.isfinite, values)), f"finite values of {name}", "others")
        distinct[name] = len(set(values))
    constant = [name for name, count in distinct.items() if count < 2]
    check(not constant, "20 features that vary", f"{constant} constant over {len(rows)} rows")
    least = min(distinct, key=distinct.get)
    return least, distinct[least]


def check_seen(rows: list[dict[str, str]], ran: dict[tuple[int, ...], int]) -> int:
    """Each task with an applied move was switched in, by the kernel's count, in the domain that the move named."""
    domain_of = machine.domain_of()
    where = {(pid, domain_of[cpu]) for pid, cpu in ran}
    applied = [row for row in rows if row["kind"] == "balance" and row["status"] == "applied"]
    ghosts = [f"{row['comm']} to {row['to']}" for row in applied if (int(row["pid"]), int(row["to"])) not in where]
    check(
        not ghosts,
        "every applied move among the kernel's switches",
        f"{len(ghosts)} of {len(applied)} that are not: {ghosts[:3]}",
    )
    return len(applied)
