// SPDX-License-Identifier: GPL-2.0-only
//! What drift did to policies: when it was noticed, what was noticed without one, and when they were as good as before.

use augur_base::table;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A policy is as good as before where it is behind the clairvoyant by at most this much more than it was.
const AS_BEFORE: f64 = 0.05;
/// Windows that the table shows before a shift, and from it on.
const SHOWN: [usize; 2] = [2, 8];

/// All runs with drift.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// The tasks at which all changed, and changed back, in turn.
    pub at: Vec<u64>,
    /// Windows are of so many tasks.
    pub window_tasks: u64,
    /// One for each policy.
    pub policies: Vec<Summary>,
    /// One for each policy and seed.
    pub runs: Vec<Course>,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Course {
    /// The policy, as it is written.
    pub policy: String,
    /// Its seed.
    pub seed: u64,
    /// One for each change.
    pub shifts: Vec<Shift>,
    /// Drifts that it noticed where there was none, or once more after it had noticed one; nothing: it does not look.
    pub false_alarms: Option<u64>,
    /// What it noticed and did, in order.
    pub events: Vec<Event>,
    /// Tasks by their numbers, so many together.
    pub windows: Vec<Window>,
}

/// Something that a policy noticed or did.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Event {
    /// The task that had just been done.
    pub task: u64,
    /// When it had come.
    pub arrival_ns: u64,
    /// `drift`, `fell_back`, `retrained`, `came_back`.
    pub event: Cow<'static, str>,
    /// Drift: of which feature, or of the `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'static, str>>,
    /// Drift: who says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<Cow<'static, str>>,
    /// Fallback: to which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Cow<'static, str>>,
    /// Training: on so many tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// Tasks that came one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Window {
    /// The number of the first one.
    pub from_task: u64,
    /// How many were done.
    pub tasks: u64,
    /// From arrival until done, on average.
    pub completion_mean_ns: f64,
}

/// What a change did. What is settled is the second half of the time before it, and of that after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Shift {
    /// The first task of the new kind.
    pub at_task: u64,
    /// When it came.
    pub at_ns: u64,
    /// The policy noticed after so many tasks.
    pub detected_after_tasks: Option<u64>,
    /// After so long.
    pub detected_after_ns: Option<u64>,
    /// Its model decided again after so many tasks.
    pub came_back_after_tasks: Option<u64>,
    /// It was as little behind the clairvoyant as before, up to a twentieth, after so many tasks; nothing: never, or there is no
    /// clairvoyant beside it.
    pub recovered_after_tasks: Option<u64>,
    /// How well it did before, at first and after.
    #[serde(flatten)]
    pub levels: Levels,
}

/// How well a policy did before a change, right after it, and once it had settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Levels {
    /// Mean completion, settled before.
    pub before_mean_ns: Option<f64>,
    /// Of the first window.
    pub first_mean_ns: Option<f64>,
    /// Settled after.
    pub after_mean_ns: Option<f64>,
    /// How much longer than under the clairvoyant with the same tasks, as a share of that, settled before.
    pub before_excess: Option<f64>,
    /// In the first window.
    pub first_excess: Option<f64>,
    /// Settled after.
    pub after_excess: Option<f64>,
}

/// A policy over all seeds and changes; means of those that there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// The policy.
    pub policy: String,
    /// Changes in all runs.
    pub shifts: u64,
    /// Those that it noticed.
    pub detected: u64,
    /// Those after which it was as good as before.
    pub recovered: u64,
    /// In all runs; nothing: it does not look.
    pub false_alarms: Option<u64>,
    /// Until it noticed.
    pub detected_after_tasks: Option<f64>,
    /// Until its model decided again.
    pub came_back_after_tasks: Option<f64>,
    /// Until it was as good as before.
    pub recovered_after_tasks: Option<f64>,
    /// How well it did before, at first and after.
    #[serde(flatten)]
    pub levels: Levels,
}

impl Drift {
    /// The report of these runs, policy by policy. Each has its events, its windows and, for each change, its `at_task` and
    /// `at_ns`; `watching` says whether it looks for drift. `clairvoyant` is the policy that the others are measured by.
    pub fn new(at: Vec<u64>, window_tasks: u64, mut runs: Vec<Course>, clairvoyant: Option<&str>) -> Drift {
        let told = runs.iter().filter(|run| Some(run.policy.as_str()) == clairvoyant);
        let bounds: Vec<_> = told.map(|run| (run.seed, run.windows.clone())).collect();
        for run in &mut runs {
            let bound = bounds.iter().find(|(seed, _)| *seed == run.seed);
            run.judge(window_tasks, bound.map(|(_, windows)| windows.as_slice()));
        }
        let policies = runs
            .chunk_by(|a, b| a.policy == b.policy)
            .map(Summary::of)
            .collect();
        Drift {
            at,
            window_tasks,
            policies,
            runs,
        }
    }
}

impl Course {
    fn judge(&mut self, window_tasks: u64, bound: Option<&[Window]>) {
        let starts: Vec<u64> = self.shifts.iter().map(|shift| shift.at_task).collect();
        let drifts = |from: u64, to: u64| {
            let all = self.events.iter().filter(|event| event.event == "drift");
            all.filter(move |event| (from..to).contains(&event.task)).count() as u64
        };
        if self.false_alarms.is_some() {
            let mut ends = starts.iter().skip(1).copied().chain([u64::MAX]);
            let behind: u64 = starts
                .iter()
                .filter_map(|&start| Some(drifts(start, ends.next()?).saturating_sub(1)))
                .sum();
            self.false_alarms = Some(behind + drifts(0, starts.first().copied().unwrap_or(u64::MAX)));
        }
        let course = self.clone();
        for (number, shift) in self.shifts.iter_mut().enumerate() {
            let from = number.checked_sub(1).map_or(0, |before| starts[before]);
            let to = starts.get(number + 1).copied().unwrap_or(u64::MAX);
            shift.notice(&course.events, to);
            shift.measure(&course.windows, bound, window_tasks, [from, to]);
        }
    }
}

impl Shift {
    fn notice(&mut self, events: &[Event], to: u64) {
        let first = |what: &str, from: u64| {
            let mut all = events.iter();
            all.find(|event| event.event == what && (from..to).contains(&event.task))
        };
        let Some(drift) = first("drift", self.at_task) else {
            return;
        };
        self.detected_after_tasks = Some(drift.task - self.at_task);
        self.detected_after_ns = Some(drift.arrival_ns.saturating_sub(self.at_ns));
        self.came_back_after_tasks = first("came_back", drift.task).map(|event| event.task - self.at_task);
    }

    fn measure(
        &mut self,
        windows: &[Window],
        bound: Option<&[Window]>,
        window_tasks: u64,
        [from, to]: [u64; 2],
    ) {
        let at = self.at_task;
        let last = windows.last().map_or(0, |window| window.from_task + window_tasks);
        let to = to.min(last);
        let spans = [
            [from + (at - from) / 2, at],
            [at, at.next_multiple_of(window_tasks) + window_tasks],
            [at + to.saturating_sub(at) / 2, to],
        ];
        let [before, first, after] = spans.map(|span| mean(windows, span, window_tasks));
        let levels = &mut self.levels;
        (levels.before_mean_ns, levels.first_mean_ns, levels.after_mean_ns) = (before, first, after);
        let Some(bound) = bound else { return };
        let excess = |span: [u64; 2]| {
            let clairvoyant = mean(bound, span, window_tasks)?;
            Some(mean(windows, span, window_tasks)? / clairvoyant - 1.0)
        };
        let [before, first, after] = spans.map(excess);
        (levels.before_excess, levels.first_excess, levels.after_excess) = (before, first, after);
        let Some(before) = before else { return };
        let behind = windows
            .iter()
            .filter(|window| (at..to).contains(&window.from_task));
        self.recovered_after_tasks = behind
            .filter(|window| {
                let span = [window.from_task, window.from_task + window_tasks];
                excess(span).is_some_and(|excess| excess <= before + AS_BEFORE)
            })
            .map(|window| window.from_task - at)
            .next();
    }
}

/// Mean completion in the windows that lie within a span of tasks.
fn mean(windows: &[Window], [from, to]: [u64; 2], window_tasks: u64) -> Option<f64> {
    let within = windows
        .iter()
        .filter(|window| window.from_task >= from && window.from_task + window_tasks <= to);
    let (tasks, sum) = within.fold((0, 0.0), |(tasks, sum), window| {
        let here = window.completion_mean_ns * window.tasks as f64;
        (tasks + window.tasks, sum + here)
    });
    (tasks > 0).then(|| sum / tasks as f64)
}

impl Summary {
    fn of(runs: &[Course]) -> Summary {
        let shifts = || runs.iter().flat_map(|run| &run.shifts);
        let over = |of: fn(&Shift) -> Option<f64>| {
            let values: Vec<f64> = shifts().filter_map(of).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let count = |of: fn(&Shift) -> Option<u64>| shifts().filter_map(of).count() as u64;
        Summary {
            policy: runs.first().map(|run| run.policy.clone()).unwrap_or_default(),
            shifts: shifts().count() as u64,
            detected: count(|shift| shift.detected_after_tasks),
            recovered: count(|shift| shift.recovered_after_tasks),
            false_alarms: runs.iter().map(|run| run.false_alarms).sum(),
            detected_after_tasks: over(|shift| Some(shift.detected_after_tasks? as f64)),
            came_back_after_tasks: over(|shift| Some(shift.came_back_after_tasks? as f64)),
            recovered_after_tasks: over(|shift| Some(shift.recovered_after_tasks? as f64)),
            levels: Levels {
                before_mean_ns: over(|shift| shift.levels.before_mean_ns),
                first_mean_ns: over(|shift| shift.levels.first_mean_ns),
                after_mean_ns: over(|shift| shift.levels.after_mean_ns),
                before_excess: over(|shift| shift.levels.before_excess),
                first_excess: over(|shift| shift.levels.first_excess),
                after_excess: over(|shift| shift.levels.after_excess),
            },
        }
    }

    /// The policy as a row of text, each cell with its head.
    fn row(&self) -> [(&'static str, String); 7] {
        let text = |value: Option<f64>, text: fn(f64) -> String| value.map_or("-".to_owned(), text);
        let time = |value: Option<f64>, excess: Option<f64>| match excess {
            None => text(value, table::time),
            Some(excess) => format!("{} ({:+.1} %)", text(value, table::time), excess * 100.0),
        };
        let tasks = |value: Option<f64>| text(value, |tasks| format!("{tasks:.0}"));
        let of = |count: u64, value: Option<f64>| match count {
            _ if count == self.shifts => tasks(value),
            0 => "-".to_owned(),
            _ => format!("{} ({count} of {})", tasks(value), self.shifts),
        };
        let levels = &self.levels;
        [
            ("before", time(levels.before_mean_ns, levels.before_excess)),
            ("first", time(levels.first_mean_ns, levels.first_excess)),
            ("after", time(levels.after_mean_ns, levels.after_excess)),
            ("noticed", of(self.detected, self.detected_after_tasks)),
            ("back", tasks(self.came_back_after_tasks)),
            ("recovered", of(self.recovered, self.recovered_after_tasks)),
            (
                "false alarms",
                self.false_alarms
                    .map_or("-".to_owned(), |count| count.to_string()),
            ),
        ]
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: Vec<String> = self.at.iter().map(u64::to_string).collect();
        let at = match at.is_empty() {
            true => "no drift".to_owned(),
            false => format!("drift at task {}", at.join(", ")),
        };
        writeln!(
            f,
            "{at}; mean completion (and how far behind `clairvoyant`) settled before, in the first {} tasks, settled after; \
             tasks until it was noticed, until the model decided again, until as near to `clairvoyant` as before",
            self.window_tasks
        )?;
        let heads = Summary::default().row().map(|(head, _)| head);
        let rows = self
            .policies
            .iter()
            .map(|policy| table::row(policy.policy.clone(), policy.row().map(|(_, cell)| cell)));
        table::write(f, &table::with("policy", heads, rows))?;
        let Some(&at) = self.at.first() else {
            return Ok(());
        };
        writeln!(f, "\nmean completion, {} tasks a line", self.window_tasks)?;
        table::write(f, &self.timeline(at))
    }
}

impl Drift {
    /// Windows around a change, a line each, over the seeds.
    fn timeline(&self, at: u64) -> Vec<Vec<String>> {
        let names = self.policies.iter().map(|policy| &policy.policy);
        let mut rows = table::with("from task", names, []);
        let first = (at / self.window_tasks).saturating_sub(SHOWN[0] as u64);
        for number in (first..).take(SHOWN[0] + SHOWN[1]) {
            let from = number * self.window_tasks;
            let cell = |policy: &Summary| {
                let runs = self.runs.iter().filter(|run| run.policy == policy.policy);
                let windows: Vec<f64> = runs
                    .filter_map(|run| run.windows.get(usize::try_from(number).ok()?))
                    .map(|window| window.completion_mean_ns)
                    .collect();
                (!windows.is_empty()).then(|| table::time(windows.iter().sum::<f64>() / windows.len() as f64))
            };
            let cells: Option<Vec<String>> = self.policies.iter().map(cell).collect();
            let Some(cells) = cells else { break };
            rows.push(table::row(from.to_string(), cells));
        }
        rows
    }
}
