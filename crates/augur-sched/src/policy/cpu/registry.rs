// SPDX-License-Identifier: GPL-2.0-only
//! Everything that a replay can be run under, by its name: the one table that a new one is entered in.

use super::Discipline;
use super::augur::{Augur, Tuning};
use super::clairvoyant::{Clairvoyant, Order};
use super::eevdf::EevdfLike;
use super::fcfs::Fcfs;
use super::least_loaded::LeastLoaded;
use super::power_of_d::PowerOfD;
use super::priority::Priority;
use super::rusty::Rusty;
use crate::policy::{self, Never, Policy, Random, Settings};
use anyhow::{Result, bail, ensure};
use augur_base::random::Generator;
use augur_base::spelling::Spelling;
pub use augur_base::spelling::current;
use rand::SeedableRng;
use std::ops::RangeInclusive;

/// Time between the live daemon's rounds.
const INTERVAL_NS: u64 = 100_000_000;

/// A run-queue policy, and who balances beside it.
pub struct Scheme {
    /// How it is written.
    pub name: String,
    /// Answers at every step.
    pub discipline: Box<dyn Discipline>,
    /// Names moves between domains, round after round.
    pub policy: Option<Box<dyn Policy>>,
    /// Time between rounds.
    pub interval_ns: u64,
    /// Nobody steals, within a domain either.
    pub forbids_steals: bool,
    /// It is told how long each burst will take, and when its task wakes up again.
    pub clairvoyant: bool,
}

/// What can stand behind a name.
pub enum Choice {
    /// What really happened.
    Recorded,
    /// The best of all that is found with the future known.
    Clairvoyant,
    /// `augur`, its moves and its stealing gated by the model in a directory.
    Model {
        /// The model's directory; nothing: the usual one.
        directory: Option<String>,
        /// What runs it: `twin` or `tensorflow`; nothing: whichever the model has.
        engine: Option<String>,
        /// What is gated.
        scheme: Box<Scheme>,
    },
    /// Anything else.
    Scheme(Box<Scheme>),
}

/// Names, and what each is, for help texts.
pub const NAMES: [(&str, &str); 16] = [
    ("recorded", "what really happened"),
    ("eevdf-like", "a model of the kernel's own scheduler; no claim"),
    ("rusty", "scx_rusty's heuristic, with moves that are carried out"),
    (
        "augur",
        "this project's heuristic; takes the keys of `run --policy` and of its tuning",
    ),
    (
        "model",
        "augur, gated by the model in dir=DIR, else by the usual one; engine=twin or engine=tensorflow",
    ),
    (
        "never",
        "names no moves, as of `run --policy`; never[steal=0]: and nothing is stolen either",
    ),
    (
        "random",
        "augur's placement and stealing, and random moves between domains",
    ),
    ("least-loaded", "every wakeup to the least loaded CPU"),
    ("fcfs", "one queue for all CPUs, nobody is interrupted"),
    ("fifo", "another name of fcfs"),
    (
        "priority",
        "one queue for all CPUs, greater weight first; priority[preempt=0] interrupts nobody",
    ),
    (
        "power_of_d",
        "every wakeup to the CPU with the fewest tasks of d drawn ones: power_of_d[d=2]",
    ),
    ("rr", "the same with slices: rr[slice_us=3000]"),
    ("sjf", "shortest burst first; knows the future"),
    ("srtf", "shortest remaining burst first; knows the future"),
    (
        "clairvoyant",
        "the best found by all of these and by list scheduling that knows the future; no bound",
    ),
];

/// Reads `name` or `name[key=value,…]`. What is random draws from `seed`.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn parse(text: &str, seed: u64) -> Result<Choice> {
    let spelling: Spelling = current(text.trim()).parse()?;
    let bare = |choice: Choice| spelling.only(&[]).map(|()| choice);
    let plain = |discipline: Box<dyn Discipline>| Choice::Scheme(Box::new(Scheme::of(text, discipline)));
    let one = |key: &str, default: u64, bounds: RangeInclusive<u64>| {
        spelling
            .only(&[key])
            .and_then(|()| spelling.whole(key, default, bounds))
    };
    match spelling.name() {
        "recorded" => bare(Choice::Recorded),
        "clairvoyant" => bare(Choice::Clairvoyant),
        "augur" => Ok(Choice::Scheme(Box::new(augur(&spelling, &[])?))),
        "model" => model(&spelling),
        "never" => Ok(Choice::Scheme(Box::new(never(&spelling)?))),
        "random" => Ok(Choice::Scheme(Box::new(random(&spelling, seed)?))),
        "rusty" => bare(Choice::Scheme(Box::new(rusty()))),
        "eevdf-like" => bare(plain(Box::<EevdfLike>::default())),
        "least-loaded" => bare(plain(Box::<LeastLoaded>::default())),
        "fcfs" | "fifo" => bare(plain(Box::<Fcfs>::default())),
        "priority" => Ok(plain(Box::new(Priority::new(one("preempt", 1, 0..=1)? == 1)))),
        "power_of_d" => {
            let d = one("d", 2, 1..=64)? as usize;
            Ok(plain(Box::new(PowerOfD::new(d, Generator::seed_from_u64(seed)))))
        }
        "rr" => {
            let slice_us = one("slice_us", 3_000, 1..=u64::MAX)?;
            Ok(plain(Box::new(Fcfs::round_robin(slice_us.saturating_mul(1_000)))))
        }
        "sjf" => bare(Choice::Scheme(Box::new(clairvoyant(Order::Shortest)))),
        "srtf" => bare(Choice::Scheme(Box::new(clairvoyant(Order::ShortestRemaining)))),
        "critical-path" => bare(Choice::Scheme(Box::new(clairvoyant(Order::CriticalPath)))),
        other => bail!(
            "there is no policy '{other}' to replay under; there are {}",
            NAMES.map(|(name, _)| name).join(", ")
        ),
    }
}

impl Scheme {
    fn of(name: &str, discipline: Box<dyn Discipline>) -> Scheme {
        Scheme {
            name: name.to_owned(),
            discipline,
            policy: None,
            interval_ns: INTERVAL_NS,
            forbids_steals: false,
            clairvoyant: false,
        }
    }

    /// The twin of the kernel's half, tuned as it is spelled.
    fn tuned(spelling: &Spelling) -> Result<Scheme> {
        let name = spelling.to_string();
        let discipline = Augur::new(name.clone(), Tuning::from_spelling(spelling)?);
        Ok(Scheme::of(&name, Box::new(discipline)))
    }
}

/// The heuristic; `others` are keys that are not its own.
fn augur(spelling: &Spelling, others: &[&str]) -> Result<Scheme> {
    let others = [&Tuning::names(), others].concat();
    let policy = policy::Augur::new(Settings::from_spelling(spelling, &others)?);
    Ok(Scheme {
        policy: Some(Box::new(policy)),
        ..Scheme::tuned(spelling)?
    })
}

fn model(spelling: &Spelling) -> Result<Choice> {
    let engine = spelling.text("engine");
    ensure!(
        engine.is_none_or(|engine| ["twin", "tensorflow"].contains(&engine)),
        "policy '{spelling}' needs engine=twin or engine=tensorflow"
    );
    Ok(Choice::Model {
        directory: spelling.text("dir").map(str::to_owned),
        engine: engine.map(str::to_owned),
        scheme: Box::new(augur(spelling, &["dir", "engine"])?),
    })
}

fn never(spelling: &Spelling) -> Result<Scheme> {
    spelling.only(&[&Tuning::names(), &["steal"][..]].concat())?;
    Ok(Scheme {
        policy: Some(Box::new(Never)),
        forbids_steals: spelling.whole("steal", 1, 0..=1)? == 0,
        ..Scheme::tuned(spelling)?
    })
}

fn random(spelling: &Spelling, seed: u64) -> Result<Scheme> {
    let name = spelling.to_string();
    Ok(Scheme {
        policy: Some(Box::new(Random::from_spelling(spelling, seed)?)),
        ..Scheme::of(&name, Box::new(Augur::new(name.clone(), Tuning::default())))
    })
}

fn rusty() -> Scheme {
    Scheme {
        policy: Some(Box::new(policy::rusty::Rusty)),
        interval_ns: policy::rusty::INTERVAL_NS,
        ..Scheme::of("rusty", Box::new(Rusty::default()))
    }
}

/// List scheduling that knows the future.
pub fn clairvoyant(order: Order) -> Scheme {
    let discipline = Clairvoyant::new(order);
    Scheme {
        clairvoyant: true,
        ..Scheme::of(&discipline.name(), Box::new(discipline))
    }
}
