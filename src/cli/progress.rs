// SPDX-License-Identifier: GPL-2.0-only
//! A progress bar on standard error, where that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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

    /// All is done.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
