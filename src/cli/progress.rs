// SPDX-License-Identifier: GPL-2.0-only
//! Progress bars on standard error, where that is a terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Steps between two looks at the clock.
const OFTEN: u64 = 1 << 12;

/// How far a long piece of work is.
pub struct Progress(ProgressBar);

impl Progress {
    /// Nothing of `total` is done yet; `what` there is of it.
    pub fn new(total: u64, what: &'static str) -> Progress {
        // Draws nothing where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {what}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Progress(bar)
    }

    /// One more is done, the `count`-th of its part.
    pub fn step(&self, count: u64) {
        if count.is_multiple_of(OFTEN) {
            self.0.inc(OFTEN);
        }
    }

    /// One more is done, of few.
    pub fn one(&self) {
        self.0.inc(1);
    }

    /// All is done.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// How far several runs are that go on side by side, a bar each.
pub struct Runs {
    all: MultiProgress,
    bars: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Runs {
    /// Nothing runs yet.
    pub fn new() -> Runs {
        Runs {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            bars: Mutex::new(BTreeMap::new()),
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
        bar.set_position((share * 100.0) as u64);
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
