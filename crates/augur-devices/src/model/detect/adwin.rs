// SPDX-License-Identifier: GPL-2.0-only
//! ADWIN (Bifet, Gavaldà, "Learning from time-changing data with adaptive windowing", SDM 2007): a window that grows while
//! its mean stays, and loses its oldest part where that differs from the rest by more than chance allows.
//!
//! The window is kept as an exponential histogram (the paper's ADWIN2): buckets of 1, 2, 4, … values, a few of each, so
//! that memory and time grow with the logarithm of its length.

use super::{Detector, Signal};
use std::collections::VecDeque;

/// How many values, their sum, and the sum of their squared deviations from their mean.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    count: f64,
    total: f64,
    squares: f64,
}

impl Summary {
    fn mean(&self) -> f64 {
        self.total / self.count
    }

    /// What sets two parts apart adds to the squares of both (Chan, Golub, LeVeque, 1979).
    fn between(&self, other: &Summary) -> f64 {
        let apart = self.mean() - other.mean();
        self.count * other.count * apart * apart / (self.count + other.count)
    }

    fn plus(&self, other: &Summary) -> Summary {
        let between = if self.count > 0.0 && other.count > 0.0 {
            self.between(other)
        } else {
            0.0
        };
        Summary {
            count: self.count + other.count,
            total: self.total + other.total,
            squares: self.squares + other.squares + between,
        }
    }

    fn less(&self, part: &Summary) -> Summary {
        let mut rest = Summary {
            count: self.count - part.count,
            total: self.total - part.total,
            squares: 0.0,
        };
        if rest.count > 0.0 {
            rest.squares = (self.squares - part.squares - rest.between(part)).max(0.0);
        }
        rest
    }
}

/// The detector. Values should lie within an interval of length 1 or so: the bound is in their unit.
#[derive(Clone, Debug)]
pub struct Adwin {
    /// The chance of a false alarm at one look.
    pub delta: f64,
    /// Looks after every so many values.
    pub clock: u64,
    /// The most buckets of one size.
    pub max_buckets: usize,
    /// Neither part is shorter than this.
    pub min_window_length: f64,
    /// A window up to this long is not looked at.
    pub grace_period: f64,
    /// Buckets of 2^i values, oldest first.
    pub(super) rows: Vec<VecDeque<Summary>>,
    window: Summary,
    observed: u64,
}

impl Default for Adwin {
    fn default() -> Adwin {
        Adwin {
            delta: 0.002,
            clock: 32,
            max_buckets: 5,
            min_window_length: 5.0,
            grace_period: 10.0,
            rows: Vec::new(),
            window: Summary::default(),
            observed: 0,
        }
    }
}

impl Detector for Adwin {
    fn observe(&mut self, value: f64) -> Signal {
        self.insert(value);
        self.observed += 1;
        if !self.observed.is_multiple_of(self.clock) || self.window.count <= self.grace_period {
            return Signal::Quiet;
        }
        let Some(cut) = self.cut() else {
            return Signal::Quiet;
        };
        self.forget_oldest();
        while self.cut().is_some() {
            self.forget_oldest();
        }
        cut
    }
}

impl Adwin {
    /// How many values the window holds.
    pub fn width(&self) -> u64 {
        self.window.count as u64
    }

    fn insert(&mut self, value: f64) {
        let one = Summary {
            count: 1.0,
            total: value,
            squares: 0.0,
        };
        self.window = self.window.plus(&one);
        let mut carried = Some(one);
        let mut size = 0;
        // Two buckets too many of one size become one of the next.
        while let Some(bucket) = carried.take() {
            if self.rows.len() == size {
                self.rows.push(VecDeque::with_capacity(self.max_buckets + 1));
            }
            let row = &mut self.rows[size];
            row.push_back(bucket);
            if row.len() > self.max_buckets
                && let (Some(first), Some(second)) = (row.pop_front(), row.pop_front())
            {
                carried = Some(first.plus(&second));
            }
            size += 1;
        }
    }

    /// Of the cuts whose parts differ too much, the one that explains most of the variance. (The window loses only its oldest bucket at a time, as
    /// in the paper, and may keep some of what is old; the cut says where the new begins.)
    fn cut(&self) -> Option<Signal> {
        let mut old = Summary::default();
        let mut best = (0.0, None);
        for bucket in self.rows.iter().rev().flatten() {
            old.count += bucket.count;
            old.total += bucket.total;
            let young = Summary {
                count: self.window.count - old.count,
                total: self.window.total - old.total,
                squares: 0.0,
            };
            if young.count < self.min_window_length {
                break;
            }
            if old.count < self.min_window_length {
                continue;
            }
            let apart = young.mean() - old.mean();
            let between = old.between(&young);
            if apart.abs() > self.bound(&old, &young) && between > best.0 {
                let since = young.count as u64;
                let rose = apart > 0.0;
                best = (between, Some(Signal::Drift { since, rose }));
            }
        }
        best.1
    }

    /// How far the means of two parts may be apart: the bound of the paper's section 4.1, by the variance of the window; the
    /// shortest parts that there can be count as one value.
    fn bound(&self, old: &Summary, young: &Summary) -> f64 {
        let weight = |part: &Summary| 1.0 / (part.count - self.min_window_length + 1.0);
        let inverse = weight(old) + weight(young);
        let confidence = (2.0 * self.window.count.ln() / self.delta).ln();
        let variance = self.window.squares / self.window.count;
        (2.0 * inverse * variance * confidence).sqrt() + 2.0 / 3.0 * inverse * confidence
    }

    fn forget_oldest(&mut self) {
        while let Some(row) = self.rows.last_mut() {
            if let Some(bucket) = row.pop_front() {
                self.window = self.window.less(&bucket);
                break;
            }
            self.rows.pop();
        }
        while self.rows.last().is_some_and(VecDeque::is_empty) {
            self.rows.pop();
        }
    }
}
