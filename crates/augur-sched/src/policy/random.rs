// SPDX-License-Identifier: GPL-2.0-only
//! A control: moves drawn at random among those that are allowed.

use super::{Candidate, Policy, Snapshot};
use anyhow::Result;
use augur_base::random::Generator;
use augur_base::spelling::Spelling;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// The most moves a round, unless told otherwise.
const BUDGET: u64 = 8;

/// Proposes up to a budget of distinct tasks, each for a random domain that its affinity allows.
#[derive(Clone, Debug)]
pub struct Random {
    generator: Generator,
    budget: usize,
    spelling: Spelling,
}

impl Random {
    /// Reads `random[seed=…,budget=…]`, whole numbers; without them it is this seed, and 8.
    ///
    /// # Errors
    /// One sentence that names the argument that is wrong.
    pub fn from_spelling(spelling: &Spelling, seed: u64) -> Result<Random> {
        spelling.only(&["seed", "budget"])?;
        let seed = spelling.integer("seed")?.unwrap_or(seed);
        Ok(Random {
            generator: Generator::seed_from_u64(seed),
            budget: usize::try_from(spelling.integer("budget")?.unwrap_or(BUDGET))?,
            spelling: spelling.clone(),
        })
    }
}

impl Policy for Random {
    fn name(&self) -> String {
        self.spelling.to_string()
    }

    fn decide(&mut self, snapshot: &Snapshot, candidates: &mut Vec<Candidate>) {
        candidates.clear();
        let domains = snapshot.domains.len();
        let mut order: Vec<usize> = (0..snapshot.tasks.len()).collect();
        order.shuffle(&mut self.generator);
        for task_index in order {
            if candidates.len() == self.budget {
                break;
            }
            let task = &snapshot.tasks[task_index];
            let allowed: Vec<usize> = (0..domains).filter(|&to| task.may_move_to(to)).collect();
            if task.domain < domains && !allowed.is_empty() {
                let to = allowed[self.generator.random_range(0..allowed.len())];
                candidates.push(Candidate {
                    task: task.id,
                    task_index,
                    from: task.domain,
                    to,
                });
            }
        }
    }
}
