# SPDX-License-Identifier: GPL-2.0-only
"""What the scheduler and the training agree on."""

CONTRACT_VERSION = 1
# The same list, in the same order, as crates/augur-sched/src/model/contract.rs; a test compares them.
FEATURES = [
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
]
# Spans of microseconds and rates cover many decades: the network sees their logarithm.
LOG1P = ["avg_run_us", "avg_sleep_us", "since_run_us", "wakeups_hz", "last_migration_us"]
# The columns of a decision log, as crates/augur-sched/src/model/log.rs has them; a test compares them.
LOG_COLUMNS = [
    "at_ns",
    "kind",
    "pid",
    "start_ns",
    "comm",
    "from",
    "to",
    *FEATURES,
    "score",
    "decision",
    "status",
    "reason",
    "wait_ns",
    "run_ns",
    "window_ns",
    "migrations",
    "seen_domain",
    "cold",
]
# Which outcome of a decision means that the task moved, and which that it stayed. The others (refused, expired)
# say that the move could not be made: such a row is in neither arm.
MOVED = ["applied", "permitted"]
STAYED = ["stayed", "denied"]
# Normalised features are cut to this range, so that an outlier cannot push the network where it never was.
CLIP = 8.0
SIGNATURE = {"name": "serving_default", "input": "features", "output": "score"}
