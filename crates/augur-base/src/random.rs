// SPDX-License-Identifier: GPL-2.0-only
//! Who draws, and times drawn at random, of mean 1: the exponential distribution, and service times for queueing theory.

use anyhow::{Context, Result, bail};
use rand::{Rng, RngExt};
use std::str::FromStr;

/// What draws wherever chance decides: seeded, and the same on every machine.
pub type Generator = rand::rngs::Xoshiro256PlusPlus;

/// How long a service takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Service {
    /// Memoryless.
    Exponential,
    /// Always 1.
    Deterministic,
    /// Two exponentials of balanced means with this squared coefficient of variation, at least 1.
    Hyper(f64),
}

/// A draw of the exponential distribution of mean 1.
pub fn exponential(generator: &mut impl Rng) -> f64 {
    -(1.0 - generator.random::<f64>()).ln()
}

impl Service {
    /// A service time.
    pub fn draw(self, generator: &mut impl Rng) -> f64 {
        match self {
            Service::Exponential => exponential(generator),
            Service::Deterministic => 1.0,
            Service::Hyper(scv) => {
                let p = 0.5 * (1.0 + ((scv - 1.0) / (scv + 1.0)).sqrt());
                let share = if generator.random::<f64>() < p { p } else { 1.0 - p };
                exponential(generator) / (2.0 * share)
            }
        }
    }

    /// The squared coefficient of variation.
    pub fn scv(self) -> f64 {
        match self {
            Service::Exponential => 1.0,
            Service::Deterministic => 0.0,
            Service::Hyper(scv) => scv,
        }
    }
}

impl FromStr for Service {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Service> {
        match text {
            "exponential" => Ok(Service::Exponential),
            "deterministic" => Ok(Service::Deterministic),
            _ => {
                let Some(scv) = text.strip_prefix("hyper:") else {
                    bail!("there is no service '{text}'; there are exponential, deterministic and hyper:SCV");
                };
                let scv = scv.parse::<f64>().ok().filter(|scv| (1.0..=1e6).contains(scv));
                scv.map(Service::Hyper).with_context(|| {
                    format!("service '{text}' needs a squared coefficient of variation from 1 up")
                })
            }
        }
    }
}
