// SPDX-License-Identifier: GPL-2.0-only
//! Which part of a trace is asked for: a span of time, some CPUs, some tasks.

use super::{Event, EventKind, Task};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;

/// A moment, as a user gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// On the trace's own clock.
    At(u64),
    /// After the trace's beginning.
    After(u64),
}

impl Moment {
    /// `12.5` on the trace's clock, `+0.5` after its beginning; in seconds.
    ///
    /// # Errors
    /// One sentence, where it is neither.
    pub fn parse(text: &str) -> Result<Moment> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        fn number(text: &str) -> Option<&str> {
            text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
        }
        let ns = || {
            let whole: u64 = number(whole)?.parse().ok()?;
            let part: u64 = format!("{:0<9}", number(part)?).get(..9)?.parse().ok()?;
            whole.checked_mul(1_000_000_000)?.checked_add(part)
        };
        let ns = ns().with_context(|| {
            format!("`{text}` is not a time; give seconds of the trace's clock (12.5) or after its beginning (+0.5)")
        })?;
        Ok(match digits == text {
            true => Moment::At(ns),
            false => Moment::After(ns),
        })
    }

    fn on(self, start_ns: u64) -> u64 {
        match self {
            Moment::At(ns) => ns,
            Moment::After(ns) => start_ns.saturating_add(ns),
        }
    }
}

/// CPUs, written as `0,2-3`.
///
/// # Errors
/// One sentence, where it is none.
pub fn cpus(text: &str) -> Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    let list = |number: &str| number.trim().parse::<u32>().ok().filter(|&cpu| cpu < 1 << 16);
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = list(first).zip(list(last)).filter(|(first, last)| first <= last);
        let (first, last) =
            range.with_context(|| format!("`{part}` is not a CPU or a range of CPUs such as 2-3"))?;
        found.extend(first..=last);
    }
    Ok(found)
}

/// A task, by its pid or by a pattern of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// This one.
    Pid(i32),
    /// All of such a name: `*`, `?` and `[…]` stand for others.
    Named(glob::Pattern),
}

impl Who {
    /// `1234`, or `kworker*`.
    ///
    /// # Errors
    /// One sentence, where it is neither.
    pub fn parse(text: &str) -> Result<Who> {
        ensure!(
            !text.is_empty(),
            "a task is missing; give a pid or a name such as kworker*"
        );
        if let Ok(pid) = text.parse() {
            return Ok(Who::Pid(pid));
        }
        glob::Pattern::new(text)
            .map(Who::Named)
            .map_err(|err| anyhow::anyhow!("`{text}` is not a pattern of names: {}", err.msg))
    }

    /// Whether that is the task.
    pub fn is(&self, task: &Task) -> bool {
        match self {
            Who::Pid(pid) => *pid == task.pid,
            Who::Named(pattern) => pattern.matches(&task.comm.text()),
        }
    }
}

/// The part that is asked for. The default is all.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// From when.
    pub from: Option<Moment>,
    /// Until when.
    pub to: Option<Moment>,
    /// On which CPUs.
    pub cpus: Option<BTreeSet<u32>>,
    /// Which tasks; empty for all.
    pub tasks: Vec<Who>,
    start_ns: u64,
}

impl Scope {
    /// Now it is known when the trace begins.
    pub fn starts(&mut self, start_ns: u64) {
        self.start_ns = start_ns;
    }

    /// The span of time.
    pub fn span_ns(&self) -> (u64, u64) {
        let on = |moment: Option<Moment>| moment.map(|moment| moment.on(self.start_ns));
        (on(self.from).unwrap_or(0), on(self.to).unwrap_or(u64::MAX))
    }

    /// Whether everything is asked for.
    pub fn is_all(&self) -> bool {
        self.from.is_none() && self.to.is_none() && self.cpus.is_none() && self.tasks.is_empty()
    }

    /// Whether a CPU is asked for.
    pub fn has_cpu(&self, cpu: u32) -> bool {
        self.cpus.as_ref().is_none_or(|cpus| cpus.contains(&cpu))
    }

    /// Whether a task is.
    pub fn has_task(&self, task: &Task) -> bool {
        self.tasks.is_empty() || self.tasks.iter().any(|who| who.is(task))
    }

    /// Whether what happens there and then is.
    pub fn holds(&self, cpu: u32, time_ns: u64) -> bool {
        let (from_ns, to_ns) = self.span_ns();
        (from_ns..=to_ns).contains(&time_ns) && self.has_cpu(cpu)
    }

    /// How much of a CPU's time between two moments is.
    pub fn share_ns(&self, cpu: u32, since_ns: u64, until_ns: u64) -> u64 {
        let (from_ns, to_ns) = self.span_ns();
        match self.has_cpu(cpu) {
            true => until_ns.min(to_ns).saturating_sub(since_ns.max(from_ns)),
            false => 0,
        }
    }

    /// What an event tells of the tasks that are asked for: a CPU that runs another idles.
    pub fn narrow(&self, event: Event) -> Option<Event> {
        let (from_ns, to_ns) = self.span_ns();
        if !self.has_cpu(event.cpu) || !(from_ns..=to_ns).contains(&event.time_ns) {
            return None;
        }
        if self.tasks.is_empty() {
            return Some(event);
        }
        let idle = |task: Task| match self.has_task(&task) {
            true => task,
            false => Task {
                pid: 0,
                comm: "swapper".into(),
                prio: 120,
            },
        };
        let kind = match event.kind {
            EventKind::Switch {
                prev,
                prev_state,
                next,
            } => EventKind::Switch {
                prev: idle(prev),
                prev_state,
                next: idle(next),
            },
            kind => kind,
        };
        let kept = match &kind {
            EventKind::Switch { .. } | EventKind::Lost { .. } => true,
            EventKind::Fork { parent, child } => self.has_task(parent) && self.has_task(child),
            other => other.task().is_none_or(|task| self.has_task(task)),
        };
        kept.then_some(Event { kind, ..event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_as_it_is_written() {
        assert_eq!(Moment::parse("12.5").unwrap(), Moment::At(12_500_000_000));
        assert_eq!(Moment::parse("+0.000001").unwrap(), Moment::After(1000));
        for wrong in ["", "x", "-1", "1e3", "1.2.3", "+", "99999999999999999999"] {
            assert!(Moment::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(cpus("0,2-3").unwrap(), BTreeSet::from([0, 2, 3]));
        for wrong in ["", "x", "3-2", "0,,1", "0-99999999"] {
            assert!(cpus(wrong).is_err(), "{wrong}");
        }
        let task = |pid, comm: &str| Task {
            pid,
            comm: comm.into(),
            prio: 120,
        };
        let worker = task(7, "kworker/0:1");
        assert!(Who::parse("kworker*").unwrap().is(&worker) && Who::parse("7").unwrap().is(&worker));
        assert!(!Who::parse("worker*").unwrap().is(&worker) && !Who::parse("8").unwrap().is(&worker));
        assert!(Who::parse("[").is_err() && Who::parse("").is_err());
    }

    #[test]
    fn time_is_cut_to_what_is_asked_for() {
        let mut scope = Scope {
            from: Some(Moment::After(10)),
            to: Some(Moment::At(130)),
            cpus: Some(BTreeSet::from([1])),
            ..Scope::default()
        };
        scope.starts(100);
        assert_eq!(scope.span_ns(), (110, 130));
        assert_eq!([scope.share_ns(1, 0, 120), scope.share_ns(1, 120, 999)], [10, 10]);
        assert_eq!([scope.share_ns(1, 0, 50), scope.share_ns(0, 0, 120)], [0, 0]);
        assert!(scope.holds(1, 110) && !scope.holds(1, 109) && !scope.holds(0, 120));
    }
}
