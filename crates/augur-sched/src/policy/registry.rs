// SPDX-License-Identifier: GPL-2.0-only
//! Every policy by its name: the one table that a new policy is entered in.

use super::{Augur, Never, Policy, Random, Settings};
use anyhow::{Result, bail};
use augur_base::spelling::Spelling;

type Make = fn(&Spelling) -> Result<Box<dyn Policy>>;

const POLICIES: [(&str, &str, Make); 3] = [
    ("augur", "this project's heuristic", |spelling| {
        Ok(Box::new(Augur::new(Settings::from_spelling(spelling, &[])?)))
    }),
    ("never", "names no moves: a control", |spelling| {
        spelling.only(&[]).map(|()| Box::new(Never) as Box<dyn Policy>)
    }),
    (
        "random",
        "moves at random: a control; random[seed=0,budget=8]",
        |spelling| Ok(Box::new(Random::from_spelling(spelling, 0)?)),
    ),
];

/// The names of all policies, for help texts.
pub fn names() -> impl Iterator<Item = &'static str> {
    described().map(|(name, _)| name)
}

/// Names, and what each is.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    POLICIES.iter().map(|(name, what, _)| (*name, *what))
}

/// Makes the policy that is written `name` or `name[key=value,…]`, such as `augur[budget=8]`.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn parse(text: &str) -> Result<Box<dyn Policy>> {
    let spelling: Spelling = text.parse()?;
    match POLICIES.iter().find(|(name, _, _)| *name == spelling.name()) {
        Some((_, _, make)) => make(&spelling),
        None => bail!(
            "there is no policy '{}'; there are {}",
            spelling.name(),
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}
