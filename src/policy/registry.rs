// SPDX-License-Identifier: GPL-2.0-only
//! Every policy by its name: the one table that a new policy is entered in.

use super::spelling::Spelling;
use super::{Augur, Never, Policy, Random, Settings};
use anyhow::{Result, bail};

type Make = fn(&Spelling) -> Result<Box<dyn Policy>>;

const POLICIES: [(&str, Make); 3] = [
    ("augur", |spelling| {
        Ok(Box::new(Augur::new(Settings::from_spelling(spelling)?)))
    }),
    ("never", |spelling| {
        spelling.only(&[]).map(|()| Box::new(Never) as Box<dyn Policy>)
    }),
    ("random", |spelling| {
        Ok(Box::new(Random::from_spelling(spelling)?))
    }),
];

/// The names of all policies, for help texts.
pub fn names() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().map(|(name, _)| *name)
}

/// Makes the policy that is written `name` or `name[key=value,…]`, such as `augur[budget=8]`.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn parse(text: &str) -> Result<Box<dyn Policy>> {
    let spelling: Spelling = text.parse()?;
    match POLICIES.iter().find(|(name, _)| *name == spelling.name()) {
        Some((_, make)) => make(&spelling),
        None => bail!(
            "there is no policy '{}'; there are {}",
            spelling.name(),
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}
