// SPDX-License-Identifier: GPL-2.0-only
//! Who may steal from whom: the steal gate's answers, as a matrix of domains.

use super::{Judged, Pair};

/// For every ordered pair of domains, whether the idle CPUs of one may take work of the other. Without a word from
/// the gate all may: an idle machine beside a queue is the worse mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    domains: usize,
    /// Row by row: `from * domains + to`.
    allowed: Vec<bool>,
}

impl Permissions {
    /// All allowed.
    pub fn all(domains: usize) -> Permissions {
        Permissions {
            domains,
            allowed: vec![true; domains * domains],
        }
    }

    /// None allowed, within a domain either.
    pub fn none(domains: usize) -> Permissions {
        Permissions {
            domains,
            allowed: vec![false; domains * domains],
        }
    }

    /// What the gate said in a round; allowed where it was not asked. Older answers do not count: they were given for tasks
    /// that waited then.
    pub fn from_verdicts(domains: usize, steals: &[Judged<Pair>]) -> Permissions {
        let mut permissions = Permissions::all(domains);
        for judged in steals.iter().filter(|judged| !judged.accepted) {
            permissions.set(judged.about.from, judged.about.to, false);
        }
        permissions
    }

    fn set(&mut self, from: usize, to: usize, allowed: bool) {
        if from < self.domains && to < self.domains {
            self.allowed[from * self.domains + to] = allowed;
        }
    }

    /// The same with another answer for one pair.
    pub fn with(&self, from: usize, to: usize, allowed: bool) -> Permissions {
        let mut changed = self.clone();
        changed.set(from, to, allowed);
        changed
    }

    /// How many domains the matrix has on each side.
    pub fn domains(&self) -> usize {
        self.domains
    }

    /// Whether idle CPUs of `to` may take work of `from`; `from == to` is stealing within a domain. A domain that the
    /// matrix does not have is allowed.
    pub fn allows(&self, from: usize, to: usize) -> bool {
        from >= self.domains || to >= self.domains || self.allowed[from * self.domains + to]
    }

    /// The matrix row by row, `from * domains + to`, for writing it out at once.
    pub fn as_slice(&self) -> &[bool] {
        &self.allowed
    }
}
