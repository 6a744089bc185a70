// SPDX-License-Identifier: GPL-2.0-only
//! How far several runs are, on one line of a terminal; nothing where standard error is none.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The line is written again after so long.
const OFTEN: Duration = Duration::from_millis(200);

/// So much of a line fits on any terminal.
const WIDTH: usize = 78;

/// The line.
pub struct Progress {
    seen: Mutex<Seen>,
}

struct Seen {
    show: bool,
    /// What is running, and which share of it is done.
    running: BTreeMap<String, f64>,
    done: usize,
    shown: Instant,
}

impl Progress {
    /// A line for the runs of one command.
    pub fn new() -> Progress {
        Progress {
            seen: Mutex::new(Seen {
                show: io::stderr().is_terminal(),
                running: BTreeMap::new(),
                done: 0,
                shown: Instant::now(),
            }),
        }
    }

    /// A run is so far, 1.0 is its end.
    pub fn tell(&self, run: String, share: f64) {
        let Ok(mut seen) = self.seen.lock() else { return };
        if share >= 1.0 {
            seen.running.remove(&run);
            seen.done += 1;
        } else {
            seen.running.insert(run, share);
        }
        if seen.show && seen.shown.elapsed() >= OFTEN {
            seen.shown = Instant::now();
            eprint!("\r{:WIDTH$}", seen.line());
            let _ = io::stderr().flush();
        }
    }

    /// Takes the line away, for good.
    pub fn end(&self) {
        if let Ok(mut seen) = self.seen.lock()
            && std::mem::take(&mut seen.show)
        {
            eprint!("\r{:WIDTH$}\r", "");
        }
    }
}

impl Seen {
    fn line(&self) -> String {
        let running: Vec<String> = self
            .running
            .iter()
            .map(|(run, share)| format!("{run} {:.0} %", share * 100.0))
            .collect();
        let line = format!("{} runs done; {}", self.done, running.join(", "));
        line.chars().take(WIDTH).collect()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_shown_and_what_is_done_is_counted() {
        let progress = Progress::new();
        progress.end();
        progress.tell("augur".into(), 0.5);
        progress.tell("rusty".into(), 0.25);
        progress.tell("augur".into(), 1.0);
        let seen = progress.seen.lock().unwrap();
        assert_eq!(seen.line(), "1 runs done; rusty 25 %");
    }
}
