# SPDX-License-Identifier: GPL-2.0-only
"""The daemon stops, or dies: the kernel's half goes on, or the kernel takes over."""

import signal
import time
from pathlib import Path

import kernel
import load
import task
from case import Options, case, check
from scheduler import Scheduler

# Beyond the watchdog's limit of 10 s, so that a task that starves is found.
FULL_S, QUICK_S = 20.0, 13.0
WINDOW_S = 2.0
# SCHED_FIFO, SCHED_RR.
REAL_TIME = {1, 2}
UNIT = Path("/root/scx_augur.service")


def sleeper() -> None:
    """Wakes up a hundred times a second and uses a little."""
    while True:
        time.sleep(0.01)
        sum(range(500))


@case(every_kernel=True)
def daemon_stopped(options: Options) -> str:
    """SIGSTOP: everything goes on without the daemon; SIGCONT: it decides again."""
    seconds = options.pick(FULL_S, QUICK_S)
    with Scheduler("--model", "off") as scheduler:
        pids = mixed_tasks()
        before = scheduler.stats()
        scheduler.send(signal.SIGSTOP)
        least = {pid: float("inf") for pid in pids}
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            ran = progress(pids, WINDOW_S)
            least = {pid: min(least[pid], ran[pid]) for pid in pids}
            starved = [pid for pid in pids if ran[pid] <= 0]
            check(
                not starved,
                f"every task runs in every {WINDOW_S:g} s",
                f"{len(starved)} of {len(pids)} did not ({task.comm((starved or pids)[0])})",
            )
            check(kernel.state() == "enabled", "the state 'enabled' while it is stopped", f"'{kernel.state()}'")
        scheduler.send(signal.SIGCONT)
        after = scheduler.await_stats(lambda stats: stats["rounds"] > before["rounds"] + 10, "10 more rounds", 30)
        even = task.ran_all_ns(pids)
        task.end(pids)
    check(len(even) == len(pids), "all tasks still there", f"{len(even)}")
    return (
        f"stopped for {seconds:.0f} s: {len(pids)} tasks, least progress {min(least.values()):.1f} ms in {WINDOW_S:g} "
        "s; "
        f"rounds {before['rounds']} to {after['rounds']} after SIGCONT"
    )


@case(every_kernel=True)
def service(options: Options) -> str:
    """With no more rights than the systemd unit gives it, and every CPU busy, it attaches and is not a real-time task
    then.
    """
    settings = dict(
        line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#")
    )
    check(settings.get("RestrictRealtime", "no") == "no", "a unit that allows real-time tasks", "RestrictRealtime")
    capabilities = settings["CapabilityBoundingSet"].lower().replace("cap_", "").split()
    under = [
        "prlimit",
        f"--rtprio={settings['LimitRTPRIO']}",
        "setpriv",
        "--inh-caps=-all",
        f"--bounding-set=-all,+{',+'.join(capabilities)}",
    ]
    hogs = task.hogs(load.cpus())
    with Scheduler("--model", "off", under=under) as scheduler:
        ran = task.ran_all_ns(hogs)
        time.sleep(WINDOW_S)
        still = [pid for pid in hogs if task.ran_ns(pid) <= ran[pid]]
        check(not still, f"every hog runs in {WINDOW_S:g} s", f"{len(still)} of {len(hogs)} that do not")
        policies = {task.policy(thread) for thread in task.threads(scheduler.process.pid)}
        check(not policies & REAL_TIME, "no real-time thread of the daemon once it is attached", f"policies {policies}")
        warnings = [line for line in scheduler.log().splitlines() if "WARN" in line]
        check(not warnings, "no warning", f"{warnings}")
    task.end(hogs)
    return (
        f"{' '.join(capabilities)} and rtprio {settings['LimitRTPRIO']}: attached in {scheduler.attach_s:.1f} s beside "
        f"{len(hogs)} hogs"
    )


@case(every_kernel=True)
def daemon_killed(options: Options) -> str:
    """SIGKILL: the kernel is back on its own scheduler, and every task goes on."""
    with Scheduler("--model", "off") as scheduler:
        pids = mixed_tasks()
        scheduler.send(signal.SIGKILL)
        took = kernel.await_state("disabled", kernel.DISABLE_S)
        scheduler.process.wait()
        scheduler.process = None
        ran = progress(pids, WINDOW_S)
    starved = [pid for pid in pids if ran[pid] <= 0]
    check(not starved, "every task runs under the kernel's scheduler", f"{len(starved)} of {len(pids)} did not")
    return (
        f"disabled {took:.2f} s after SIGKILL; {len(pids)} tasks go on, least progress {min(ran.values()):.1f} ms in "
        f"{WINDOW_S:g} s"
    )


def mixed_tasks() -> list[int]:
    """Two hogs a CPU, one of them with a nice of 10 and one bound to a CPU, and as many that sleep and wake."""
    cpus = load.cpus()
    hogs = task.hogs(2 * cpus - 2) + task.hogs(1, nice=10) + task.hogs(1, cpus=[0])
    return hogs + [task.spawn(sleeper, name="sleeper") for _ in range(cpus)]


def progress(pids: list[int], seconds: float) -> dict[int, float]:
    """Milliseconds that each of them ran in a time."""
    before = task.ran_all_ns(pids)
    time.sleep(seconds)
    return {pid: (ran - before[pid]) / 1e6 for pid, ran in task.ran_all_ns(pids).items()}
