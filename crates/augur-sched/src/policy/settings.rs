// SPDX-License-Identifier: GPL-2.0-only
//! The settings of [`super::Augur`], and the one table that names, bounds, reads and writes them.

use anyhow::{Result, ensure};
use augur_base::spelling::Spelling;

/// What [`super::Augur`] can be told. Written `augur[high=0.2,budget=8]`.
#[derive(Clone, Debug, PartialEq)]
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

struct Key {
    name: &'static str,
    max: f32,
    about: &'static str,
    get: fn(&Settings) -> f32,
    set: fn(&mut Settings, f32),
}

const KEYS: [Key; 6] = [
    Key {
        name: "high",
        max: 1.0,
        about: "a domain gives load away where its imbalance with another is above this, 0 to 1",
        get: |s| s.high,
        set: |s, value| s.high = value,
    },
    Key {
        name: "low",
        max: 1.0,
        about: "and goes on until every imbalance is at most this, 0 to high",
        get: |s| s.low,
        set: |s, value| s.low = value,
    },
    Key {
        name: "floor",
        max: 1e6,
        about: "a domain with less load per capacity, where nobody waits, is left alone; in tasks of nice 0 a CPU",
        get: |s| s.floor,
        set: |s, value| s.floor = value,
    },
    Key {
        name: "cooldown_us",
        max: 1e9,
        about: "a task that moved between domains more recently stays",
        get: |s| s.cooldown_us,
        set: |s, value| s.cooldown_us = value,
    },
    Key {
        name: "budget",
        max: 4096.0,
        about: "most moves a round",
        get: |s| s.budget as f32,
        set: |s, value| s.budget = value as usize,
    },
    Key {
        name: "share",
        max: 1.0,
        about: "once this share of what sets a domain apart has left it, no more leaves in that round, 0 to 1",
        get: |s| s.share,
        set: |s, value| s.share = value,
    },
];

impl Settings {
    /// The names of the arguments.
    pub fn names() -> [&'static str; KEYS.len()] {
        KEYS.each_ref().map(|key| key.name)
    }

    /// Each argument's name, default and meaning.
    pub fn table() -> [(&'static str, f32, &'static str); KEYS.len()] {
        let defaults = Settings::default();
        KEYS.each_ref()
            .map(|key| (key.name, (key.get)(&defaults), key.about))
    }

    /// The defaults with the arguments of `spelling` in their place.
    ///
    /// # Errors
    /// One sentence that names the argument and what it may be.
    pub fn from_spelling(spelling: &Spelling) -> Result<Settings> {
        spelling.only(&Settings::names())?;
        let mut settings = Settings::default();
        for key in &KEYS {
            if let Some(value) = spelling.number(key.name, key.max)? {
                (key.set)(&mut settings, value);
            }
        }
        if let Some(budget) = spelling.integer("budget")? {
            settings.budget = usize::try_from(budget)?;
        }
        let Settings { high, low, .. } = settings;
        ensure!(
            low <= high,
            "policy '{spelling}' has low={low} above high={high}; low must be at most high"
        );
        Ok(settings)
    }

    /// The arguments that differ from the defaults, in the order of the table.
    pub fn spelling(&self, name: &str) -> Spelling {
        let defaults = Settings::default();
        let changed = KEYS.iter().filter(|key| (key.get)(self) != (key.get)(&defaults));
        Spelling::new(name, changed.map(|key| (key.name, (key.get)(self).to_string())))
    }
}
