// SPDX-License-Identifier: GPL-2.0-only
//! Every list scheduler by its name.

use super::cpop::cpop;
use super::heft::heft;
use super::lookahead::lookahead;
use super::peft::peft;
use super::portfolio::portfolio;
use super::{ListScheduler, plain};
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
pub fn parse(text: &str) -> Result<ListScheduler> {
    let spelling: Spelling = text.parse()?;
    let scheduler: ListScheduler = match spelling.name() {
        "random" => {
            spelling.only(&["seed"])?;
            let seed = spelling.integer("seed")?.unwrap_or(1);
            return Ok(Box::new(plain::random(Generator::seed_from_u64(seed))));
        }
        "heft" => Box::new(heft),
        "cpop" => Box::new(cpop),
        "peft" => Box::new(peft),
        "lookahead" => Box::new(lookahead),
        "eft" => Box::new(plain::eft),
        "least_work" => Box::new(plain::least_work),
        "greedy" => Box::new(plain::greedy),
        "round_robin" => Box::new(plain::round_robin),
        "portfolio" => Box::new(portfolio),
        other => bail!(
            "there is no policy '{other}' for a graph; there are {}",
            NAMES.map(|(name, _)| name).join(", ")
        ),
    };
    spelling.only(&[])?;
    Ok(scheduler)
}
