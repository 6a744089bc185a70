// SPDX-License-Identifier: GPL-2.0-only
//! What a run is measured by.

/// A figure that runs have.
pub struct Figure {
    /// Its name in files; the last word is the unit where it has one.
    pub name: &'static str,
    /// Its heading in tables.
    pub title: &'static str,
    /// Digits behind the point.
    pub digits: usize,
    /// Which of the tables it stands in.
    pub(super) table: usize,
}

const fn figure(name: &'static str, title: &'static str, digits: usize, table: usize) -> Figure {
    Figure {
        name,
        title,
        digits,
        table,
    }
}

/// Every figure, in the order of the tables and of the files.
pub const FIGURES: [Figure; 15] = [
    figure("time_s", "time, s", 1, 0),
    figure("migrations", "migrations", 0, 0),
    figure("wait_s", "run-queue wait, s", 1, 0),
    figure("latency_p50_us", "wakeup p50, µs", 0, 0),
    figure("latency_p99_us", "wakeup p99, µs", 0, 0),
    figure("same_core", "same core", 0, 1),
    figure("same_llc", "same LLC", 0, 1),
    figure("cross_llc", "cross LLC", 0, 1),
    figure("cross_node", "cross node", 0, 1),
    figure("wakeups", "wakeups", 0, 1),
    figure("bpf_ms", "BPF, ms", 0, 2),
    figure("bpf_calls", "BPF calls", 0, 2),
    figure("daemon_percent", "daemon, % of a CPU", 1, 2),
    figure("daemon_cpu_s", "daemon, CPU s", 2, 2),
    figure("daemon_mb", "daemon, MB", 0, 2),
];
