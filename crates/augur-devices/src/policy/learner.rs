// SPDX-License-Identifier: GPL-2.0-only
//! A policy that learns while it places, in episodes. All that it draws at random depends on its seed and the episode's
//! number, so that a training that was broken off between two episodes goes on as if it had not been.

use super::DevicePolicy;
use anyhow::Result;
use augur_base::random::Generator;
use rand::SeedableRng;

/// What an episode came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Lesson {
    /// Decisions so far, of all episodes.
    pub steps: u64,
    /// Mean reward of the episode's decisions.
    pub reward: f64,
    /// Mean loss of the episode's steps of training; 0 where there were none.
    pub loss: f64,
    /// The share of random decisions at the end.
    pub epsilon: f64,
}

/// A policy that learns.
pub trait Learner: DevicePolicy {
    /// An episode begins: a machine that idles.
    fn begin(&mut self, episode: u64);

    /// An episode ended.
    ///
    /// # Errors
    /// One sentence where training failed in it.
    fn end(&mut self) -> Result<Lesson>;

    /// All that is needed to go on with the next episode.
    ///
    /// # Errors
    /// One sentence where TensorFlow fails.
    fn checkpoint(&mut self) -> Result<Vec<u8>>;

    /// What was learned, for those who use it.
    ///
    /// # Errors
    /// One sentence where TensorFlow fails.
    fn trained(&mut self) -> Result<Vec<u8>>;
}

/// The generator of an episode.
pub fn generator(seed: u64, episode: u64) -> Generator {
    // Neighbouring numbers give generators that have nothing in common: the seeding mixes.
    Generator::seed_from_u64(seed ^ episode.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Sums of an episode.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    reward: f64,
    decisions: u64,
    loss: f64,
    trainings: u64,
}

impl Sums {
    /// A decision brought this.
    pub fn reward(&mut self, reward: f64) {
        self.reward += reward;
        self.decisions += 1;
    }

    /// A step of training had this loss.
    pub fn loss(&mut self, loss: f32) {
        self.loss += f64::from(loss);
        self.trainings += 1;
    }

    /// The means.
    pub fn lesson(&self, steps: u64, epsilon: f64) -> Lesson {
        Lesson {
            steps,
            reward: self.reward / self.decisions.max(1) as f64,
            loss: self.loss / self.trainings.max(1) as f64,
            epsilon,
        }
    }
}
