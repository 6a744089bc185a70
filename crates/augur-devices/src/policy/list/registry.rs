// SPDX-License-Identifier: GPL-2.0-only
//! Every list scheduler by its name.

use super::{
    Cpop, Eft, Greedy, Heft, LeastWork, ListScheduler, Lookahead, Peft, Portfolio, Random, RoundRobin,
};
use anyhow::{Result, bail};
use augur_base::random::Generator;
use augur_base::spelling::Spelling;
use rand::SeedableRng;

/// Names, and what they do in one line.
pub const NAMES: [(&str, &str); 10] = [
    ("heft", "by upward rank, each where it ends first, into gaps"),
    ("cpop", "the critical path on one device"),
    ("peft", "by a table of optimistic costs"),
    ("lookahead", "HEFT that tries each task's children, too"),
    ("eft", "in the order of the input, each where it ends first"),
    ("least_work", "each on the device that has the least work"),
    ("greedy", "each on the device that is fastest for it"),
    ("round_robin", "on the devices in turn"),
    ("random", "anywhere: random[seed=1]"),
    ("portfolio", "the best of the above, in turn and random left out"),
];

/// Makes the scheduler that is written `name` or `name[key=value,…]`.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn parse(text: &str) -> Result<Box<dyn ListScheduler>> {
    let spelling: Spelling = text.parse()?;
    if spelling.name() == "random" {
        spelling.only(&["seed"])?;
        let seed = spelling.integer("seed")?.unwrap_or(1);
        return Ok(Box::new(Random::new(
            spelling.to_string(),
            Generator::seed_from_u64(seed),
        )));
    }
    let scheduler: Box<dyn ListScheduler> = match spelling.name() {
        "heft" => Box::new(Heft),
        "cpop" => Box::new(Cpop),
        "peft" => Box::new(Peft),
        "lookahead" => Box::new(Lookahead),
        "eft" => Box::new(Eft),
        "least_work" => Box::new(LeastWork),
        "greedy" => Box::new(Greedy),
        "round_robin" => Box::new(RoundRobin),
        "portfolio" => Box::new(Portfolio),
        other => bail!(
            "there is no policy '{other}' for a graph; there are {}",
            NAMES.map(|(name, _)| name).join(", ")
        ),
    };
    spelling.only(&[])?;
    Ok(scheduler)
}
