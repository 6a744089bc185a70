// SPDX-License-Identifier: GPL-2.0-only
//! `/proc/schedstat`: how long tasks waited for a CPU.

/// Where the waits stand among the fields of a `cpu` line, its name being the first: `run_delay`, in ns, the same in
/// versions 15 to 17 (Documentation/scheduler/sched-stats.rst).
const RUN_DELAY: usize = 8;

/// All waits of all tasks on all CPUs since boot, in ns. `None` where the text has no such line.
pub fn wait_ns(text: &str) -> Option<u64> {
    let cpus = text.lines().filter(|line| {
        line.strip_prefix("cpu")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let waits: Option<Vec<u64>> = cpus
        .map(|line| line.split_whitespace().nth(RUN_DELAY)?.parse().ok())
        .collect();
    waits
        .filter(|waits| !waits.is_empty())
        .map(|waits| waits.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_6_18_with_two_caches() {
        let text = include_str!("../../tests/bench/schedstat");
        // The four cpu lines' ninth fields, added by hand.
        let sum = 3_164_756_103 + 3_950_360_478 + 5_303_349_683 + 3_607_872_713;
        assert_eq!(wait_ns(text), Some(sum));
    }

    #[test]
    fn what_is_no_schedstat_has_no_wait() {
        assert_eq!(wait_ns("version 17\ntimestamp 1\n"), None);
        assert_eq!(wait_ns("cpu0 1 2 3\n"), None);
        assert_eq!(wait_ns("cpu0 0 0 0 0 0 0 1 2 3\ncpu1 0 0 0 0 0 0 1 -2 3\n"), None);
    }
}
