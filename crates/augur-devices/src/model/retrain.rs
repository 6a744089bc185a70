// SPDX-License-Identifier: GPL-2.0-only
//! A forest that is trained again on what came last, in the background, without stopping whoever asks it.
//!
//! What is trained at one round takes effect at the next, never before and never later, however fast the training was: who
//! asks gets the same answers on any machine. Only where a round's training is not done by the next is it waited for.

use super::forest::{Forest, Parameters, Row};
use anyhow::Result;
use std::collections::VecDeque;
use std::thread::JoinHandle;

/// A forest, and the rows that it will be trained on next.
pub struct Retrainer {
    parameters: Parameters,
    window: usize,
    interval: u64,
    rows: VecDeque<(Row, f64)>,
    learned: u64,
    rounds: u64,
    faults: u64,
    forest: Option<Forest>,
    training: Option<JoinHandle<Result<Forest>>>,
}

impl Retrainer {
    /// Trains every `interval` rows on the last `window` of them; 0: never by itself.
    pub fn new(parameters: &Parameters, window: usize, interval: u64) -> Retrainer {
        Retrainer {
            parameters: parameters.clone(),
            window,
            interval,
            rows: VecDeque::with_capacity(window.min(1 << 16)),
            learned: 0,
            rounds: 0,
            faults: 0,
            forest: None,
            training: None,
        }
    }

    /// The forest as it is now.
    pub fn forest(&self) -> Option<&Forest> {
        self.forest.as_ref()
    }

    /// The mean label of the window; nothing where it is empty.
    pub fn mean_label(&self) -> Option<f64> {
        let sum: f64 = self.rows.iter().map(|(_, label)| label).sum();
        (!self.rows.is_empty()).then(|| sum / self.rows.len() as f64)
    }

    /// How many rows the window holds.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How often it was trained, and how often that failed: then the forest before it stays.
    pub fn rounds(&self) -> (u64, u64) {
        (self.rounds, self.faults)
    }

    /// Takes a row into the window, and nothing else.
    pub fn add(&mut self, row: Row, label: f64) {
        if self.rows.len() == self.window {
            self.rows.pop_front();
        }
        self.rows.push_back((row, label));
    }

    /// Has this forest until one of its own has grown.
    pub fn begin_with(&mut self, forest: Forest) {
        self.forest = Some(forest);
    }

    /// Trains on the window, and waits for it.
    ///
    /// # Errors
    /// One sentence where the forest does not grow.
    pub fn train_now(&mut self) -> Result<()> {
        let (rows, labels): (Vec<Row>, Vec<f64>) = self.rows.iter().copied().unzip();
        self.forest = Some(Forest::fit(&rows, &labels, &self.parameters)?);
        Ok(())
    }

    /// Forgets the forest, and all rows but the last `keep`, for the others are no longer true. Where those are enough it
    /// begins to train on them at once, else after an interval; there is no forest until one has taken effect.
    pub fn restart(&mut self, keep: usize) {
        self.settle();
        self.forest = None;
        self.rows.drain(..self.rows.len().saturating_sub(keep));
        self.learned = 0;
        if self.rows.len() as u64 >= self.interval {
            self.begin();
        }
    }

    /// Takes a row into the window; at the end of an interval, the forest of the last round takes effect and the next
    /// one is begun.
    pub fn learn(&mut self, row: Row, label: f64) {
        if self.interval == 0 {
            return;
        }
        self.add(row, label);
        self.learned += 1;
        if self.learned.is_multiple_of(self.interval) {
            self.settle();
            self.begin();
        }
    }

    /// Waits for the training that is under way, if any; its forest takes effect.
    fn settle(&mut self) {
        let Some(training) = self.training.take() else {
            return;
        };
        match training.join() {
            Ok(Ok(forest)) => self.forest = Some(forest),
            _ => self.faults += 1,
        }
    }

    fn begin(&mut self) {
        let (rows, labels): (Vec<Row>, Vec<f64>) = self.rows.iter().copied().unzip();
        let mut parameters = self.parameters.clone();
        self.rounds += 1;
        parameters.seed = parameters.seed.wrapping_add(self.rounds);
        let train = move || Forest::fit(&rows, &labels, &parameters);
        match std::thread::Builder::new()
            .name("retrain".to_owned())
            .spawn(train)
        {
            Ok(training) => self.training = Some(training),
            Err(_) => self.faults += 1,
        }
    }
}

impl Drop for Retrainer {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_effect_at_the_next_one_and_forgets_what_left_the_window() {
        let mut retrainer = Retrainer::new(
            &Parameters {
                trees: 4,
                ..Parameters::default()
            },
            10,
            10,
        );
        let row = |n: u64| Row::of(&[n as f64, 1.0]);
        let says = |retrainer: &Retrainer| retrainer.forest().map(|forest| forest.predict(&row(3)));
        for n in 0..19 {
            retrainer.learn(row(n), if n < 10 { 0.25 } else { 0.75 });
            assert_eq!(says(&retrainer), None, "{n}");
        }
        retrainer.learn(row(19), 0.75);
        assert_eq!(says(&retrainer), Some(0.25));
        (20..29).for_each(|n| retrainer.learn(row(n), 0.5));
        assert_eq!(says(&retrainer), Some(0.25));
        retrainer.learn(row(29), 0.5);
        assert_eq!((says(&retrainer), retrainer.rounds()), (Some(0.75), (3, 0)));
    }
}
