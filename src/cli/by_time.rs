// SPDX-License-Identifier: GPL-2.0-only
//! How far runs are that take very different times for the same number of tasks: by time, not by count. A policy that learns
//! takes a thousand times what a rule takes.

use super::progress::{Lines, target};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tasks between two looks at the clock.
const OFTEN: u64 = 1 << 8;
/// Of a bar.
const LENGTH: u64 = 1000;

/// How far several runs of the same number of tasks are.
pub struct ByTime {
    bar: ProgressBar,
    lines: Lines,
    course: Mutex<Course>,
}

/// What is known of all runs.
struct Course {
    known: BTreeMap<String, Policy>,
    running: BTreeMap<(String, u64), (Instant, u64)>,
    policies: usize,
    seeds: u64,
    tasks: u64,
    threads: usize,
}

/// What is known of all runs of a policy.
#[derive(Default)]
struct Policy {
    done: u64,
    busy: Duration,
}

impl ByTime {
    /// So many policies with so many seeds and tasks each, on so many threads; nothing is done yet.
    pub fn new(policies: usize, seeds: usize, tasks: u64, threads: usize) -> ByTime {
        let bar = ProgressBar::with_draw_target(Some(LENGTH), target());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg}") {
            bar.set_style(style);
        }
        ByTime {
            bar,
            lines: Lines::new(),
            course: Mutex::new(Course {
                known: BTreeMap::new(),
                running: BTreeMap::new(),
                policies,
                seeds: seeds as u64,
                tasks,
                threads: threads.clamp(1, (policies * seeds).max(1)),
            }),
        }
    }

    /// One more task of a run is done, its `count`-th.
    pub fn step(&self, policy: &str, seed: u64, count: u64) {
        if count != 1 && !count.is_multiple_of(OFTEN) {
            return;
        }
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        course.step(policy, seed, count, Instant::now());
        let (share, left) = course.left();
        drop(course);
        let text = || format!("{:.0} %, {left}", share * 100.0);
        self.bar.set_position((share * LENGTH as f64) as u64);
        self.bar.set_message(text());
        self.lines.tell(text);
    }

    /// All is done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Course {
    fn step(&mut self, name: &str, seed: u64, count: u64, now: Instant) {
        let policy = self.known.entry(name.to_owned()).or_default();
        let run = self
            .running
            .entry((name.to_owned(), seed))
            .or_insert((now, count));
        policy.done += count - run.1;
        policy.busy += now.saturating_duration_since(run.0);
        *run = (now, count);
    }

    /// The share of the time that is over, and what can be said of the rest.
    fn left(&self) -> (f64, String) {
        let (mut spent_s, mut left_s) = (0.0, 0.0);
        for policy in self.known.values().filter(|policy| policy.done > 0) {
            let busy_s = policy.busy.as_secs_f64();
            let open = (self.seeds * self.tasks).saturating_sub(policy.done);
            spent_s += busy_s;
            left_s += open as f64 * busy_s / policy.done as f64;
        }
        // Of policies that did not begin yet nothing is known.
        let begun = self.known.len() as f64 / self.policies as f64;
        let about = if begun < 1.0 { "at least" } else { "about" };
        let share = begun * spent_s / (spent_s + left_s).max(1e-9);
        let left_s = left_s / self.threads as f64;
        (share.clamp(0.0, 1.0), format!("{about} {left_s:.0} s left"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_policy_counts_for_what_it_takes() {
        let mut course = Course {
            known: BTreeMap::new(),
            running: BTreeMap::new(),
            policies: 2,
            seeds: 1,
            tasks: 1000,
            threads: 1,
        };
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        // All tasks of a rule in 1 s, then a tenth of a learner's in 9 s.
        course.step("rule", 1, 0, start);
        course.step("rule", 1, 1000, at(1));
        assert_eq!(course.left(), (0.5, "at least 0 s left".to_owned()));
        course.step("learner", 1, 0, at(1));
        course.step("learner", 1, 100, at(10));
        let (share, left) = course.left();
        assert_eq!(left, "about 81 s left");
        assert!((share - 10.0 / 91.0).abs() < 1e-9, "{share}");
    }
}
