// SPDX-License-Identifier: GPL-2.0-only
//! Progress on standard error: bars where that is a terminal, a line now and then where it is not.

use super::console::{is_quiet, note};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Steps between two looks at the clock.
const OFTEN: u64 = 1 << 12;

/// Time between two lines where nobody sees bars.
const LINES: Duration = Duration::from_secs(10);

/// Lines where standard error is not a terminal, and not too many of them.
pub struct Lines(Mutex<Instant>);

impl Lines {
    /// The first one is due after a while.
    pub fn new() -> Lines {
        Lines(Mutex::new(Instant::now()))
    }

    /// Writes the line where one is due.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if std::io::stderr().is_terminal() {
            return;
        }
        let Ok(mut last) = self.0.lock() else { return };
        if last.elapsed() >= LINES {
            *last = Instant::now();
            note!("{}", line());
        }
    }
}

/// Where bars are drawn: nowhere where standard error is not a terminal, or nobody wants to see them.
pub fn target() -> ProgressDrawTarget {
    match is_quiet() {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    }
}

/// How far a long piece of work is whose parts take alike.
pub struct Progress {
    bar: ProgressBar,
    what: &'static str,
    lines: Lines,
}

impl Progress {
    /// Nothing of `total` is done yet; `what` there is of it.
    pub fn new(total: u64, what: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), target());
        let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {what}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        let lines = Lines::new();
        Progress { bar, what, lines }
    }

    /// One more is done, the `count`-th of its part.
    pub fn step(&self, count: u64) {
        if count.is_multiple_of(OFTEN) {
            self.add(OFTEN);
        }
    }

    /// One more is done, of few.
    pub fn one(&self) {
        self.add(1);
    }

    fn add(&self, count: u64) {
        self.bar.inc(count);
        self.lines.tell(|| {
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            format!("{done} of {all} {}", self.what)
        });
    }

    /// All is done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How far several runs are that go on side by side, a bar each.
pub struct Runs {
    all: MultiProgress,
    bars: Mutex<BTreeMap<String, ProgressBar>>,
    lines: Lines,
}

impl Runs {
    /// Nothing runs yet.
    pub fn new() -> Runs {
        Runs {
            all: MultiProgress::with_draw_target(target()),
            bars: Mutex::new(BTreeMap::new()),
            lines: Lines::new(),
        }
    }

    /// A run is so far, 1.0 is its end.
    pub fn tell(&self, run: String, share: f64) {
        let Ok(mut bars) = self.bars.lock() else { return };
        if share >= 1.0 {
            if let Some(bar) = bars.remove(&run) {
                bar.finish_and_clear();
            }
            return;
        }
        let bar = bars
            .entry(run)
            .or_insert_with_key(|run| self.all.add(percent_bar(run)));
        let percent = (share * 100.0) as u64;
        bar.set_position(percent);
        self.lines.tell(|| format!("{}: {percent} %", bar.prefix()));
    }

    /// Takes the bars away.
    pub fn end(&self) {
        if let Ok(mut bars) = self.bars.lock() {
            bars.values().for_each(ProgressBar::finish_and_clear);
            bars.clear();
        }
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        self.end();
    }
}

fn percent_bar(run: &str) -> ProgressBar {
    let bar = ProgressBar::new(100).with_prefix(run.to_owned());
    match ProgressStyle::with_template("{prefix:30!} {bar:30} {percent} %, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_bar_until_its_end() {
        let runs = Runs::new();
        runs.tell("augur".into(), 0.5);
        runs.tell("rusty".into(), 0.25);
        runs.tell("augur".into(), 1.0);
        let bars: Vec<_> = runs
            .bars
            .lock()
            .unwrap()
            .iter()
            .map(|(run, bar)| (run.clone(), bar.position()))
            .collect();
        assert_eq!(bars, [("rusty".to_owned(), 25)]);
    }
}
