// SPDX-License-Identifier: GPL-2.0-only
//! The settings of [`super::Augur`], and the one table that names, bounds, reads and writes them.

use anyhow::{Result, ensure};
use augur_base::bounds::{ANY, Setting};
use augur_base::spelling::Spelling;
use serde::{Deserialize, Serialize};

/// What [`super::Augur`] can be told. Written `augur[high=0.2,budget=8]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Settings {
    /// A domain starts to give load away when its imbalance with another is above this: the gap of their loads, as a
    /// share of its own load (of one full CPU's, while it is not full). 0 to 1.
    pub high: f32,
    /// It goes on, over the rounds, until every imbalance is at most this. 0 to 1, at most `high`.
    pub low: f32,
    /// A domain with less load per capacity, where nobody waits, is left alone. In nice-0 tasks a CPU.
    pub floor: f32,
    /// A task that moved between domains more recently than this stays. In µs.
    pub cooldown_us: f32,
    /// Most moves a round.
    pub budget: usize,
    /// Once this share of the load that sets a domain apart from the least loaded one has left it, no more leaves in
    /// that round. Lower it to damp. 0 to 1.
    pub share: f32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            high: 0.15,
            low: 0.05,
            floor: 0.5,
            cooldown_us: 200_000.0,
            budget: 32,
            share: 1.0,
        }
    }
}

/// The arguments, in this order: name, most, meaning.
const KEYS: [(&str, f64, &str); 6] = [
    (
        "high",
        1.0,
        "a domain gives load away where its imbalance with another is above this, 0 to 1",
    ),
    (
        "low",
        1.0,
        "and goes on until every imbalance is at most this, 0 to high",
    ),
    (
        "floor",
        1e6,
        "a domain with less load per capacity, where nobody waits, is left alone; in tasks of nice 0 a CPU",
    ),
    (
        "cooldown_us",
        1e9,
        "a task that moved between domains more recently stays",
    ),
    ("budget", 4096.0, "most moves a round"),
    (
        "share",
        1.0,
        "once this share of what sets a domain apart has left it, no more leaves in that round, 0 to 1",
    ),
];

impl Settings {
    /// The names of the arguments.
    pub fn names() -> [&'static str; KEYS.len()] {
        KEYS.map(|(name, ..)| name)
    }

    /// In the order of the arguments.
    fn values(&self) -> [f32; KEYS.len()] {
        let budget = self.budget as f32;
        [
            self.high,
            self.low,
            self.floor,
            self.cooldown_us,
            budget,
            self.share,
        ]
    }

    /// Each argument's name, default and meaning.
    pub fn table() -> impl Iterator<Item = (&'static str, f32, &'static str)> {
        let defaults = Settings::default().values();
        KEYS.into_iter()
            .zip(defaults)
            .map(|((name, _, about), default)| (name, default, about))
    }

    /// The defaults with the arguments of `spelling` in their place; those among `others` are left alone.
    ///
    /// # Errors
    /// One sentence that names the argument and what it may be.
    pub fn from_spelling(spelling: &Spelling, others: &[&str]) -> Result<Settings> {
        let fields = KEYS.map(|(name, most, _)| (name, format!("/{name}"), 0.0..=most));
        let mut keys: Vec<Setting<'_>> = Vec::new();
        keys.extend(
            fields
                .iter()
                .map(|(name, field, bounds)| (*name, field.as_str(), bounds.clone())),
        );
        keys.extend(others.iter().map(|&name| (name, "/", ANY)));
        let settings = spelling.over(&Settings::default(), &keys)?;
        let Settings { high, low, .. } = settings;
        ensure!(
            low <= high,
            "policy '{spelling}' has low={low} above high={high}; low must be at most high"
        );
        Ok(settings)
    }

    /// The arguments that differ from the defaults, in the order of the table.
    pub fn spelling(&self, name: &str) -> Spelling {
        let all = Settings::table().zip(self.values());
        let changed = all.filter(|((_, default, _), value)| default != value);
        Spelling::new(name, changed.map(|((name, ..), value)| (name, value.to_string())))
    }
}
