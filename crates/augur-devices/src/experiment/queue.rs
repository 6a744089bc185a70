// SPDX-License-Identifier: GPL-2.0-only
//! Identical servers with a queue each, decided at arrival, beside what queueing theory says.

use crate::report::queue::Outcome;
use crate::sim::station::{Routing, Station};
use crate::workload::service::exponential;
use crate::workload::{Antithetic, Service};
use anyhow::{Context, Result, bail};
use augur_base::random::Generator;
use augur_base::spelling::Spelling;
use augur_base::statistics::queueing;
use hdrhistogram::Histogram;
use rand::SeedableRng;

/// The mean service, in ns.
const MEAN_NS: f64 = 1e9;
/// Percentiles are exact to so many digits.
const DIGITS: u8 = 3;
/// Makes the policy's draws others than those of the jobs.
const ROUTING: u64 = 0x5851_f42d_4c95_7f2d;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Servers.
    pub servers: usize,
    /// Of each, below 1.
    pub load: f64,
    /// Of a mean of 1.
    pub service: Service,
    /// How many come.
    pub jobs: u64,
    /// Of all draws.
    pub seed: u64,
}

/// Names, and what each is.
pub const NAMES: [(&str, &str); 5] = [
    ("random", "to a server drawn at random"),
    ("round_robin", "to the servers in turn"),
    ("least_work", "to the server with the least work left"),
    ("fifo", "another name of least_work"),
    (
        "power_of_d",
        "to the server with the fewest jobs of d drawn ones: power_of_d[d=2]",
    ),
];

/// The policy that is written `name` or `name[key=value]`.
///
/// # Errors
/// One sentence that names those that there are.
pub fn policy(text: &str) -> Result<Routing> {
    let spelling: Spelling = text.parse()?;
    let routing = match spelling.name() {
        "random" => Routing::Random,
        "round_robin" => Routing::RoundRobin,
        // Whoever goes where it begins first goes as from one queue for all.
        "least_work" | "fifo" => Routing::LeastWork,
        "power_of_d" => {
            spelling.only(&["d"])?;
            return Ok(Routing::PowerOfD(spelling.whole("d", 2, 1..=64)? as usize));
        }
        other => bail!(
            "there is no policy '{other}' for a queue; there are {}",
            NAMES.map(|(name, _)| name).join(", ")
        ),
    };
    spelling.only(&[])?;
    Ok(routing)
}

/// Runs the plan under one policy; the second half of the jobs mirrors the first, so that means scatter less. With memory for the jobs that are there only; tells `progress` how many have left.
///
/// # Errors
/// One sentence: a policy that is not there.
pub fn run(plan: &Plan, name: &str, mut progress: impl FnMut(u64)) -> Result<Outcome> {
    let routing = policy(name)?;
    let mut station = Station::new(
        plan.servers,
        routing,
        Generator::seed_from_u64(plan.seed ^ ROUTING),
    );
    let seeded = || Generator::seed_from_u64(plan.seed);
    let mut draws = Antithetic::plain(seeded());
    let rate = plan.load * plan.servers as f64;
    let jobs = (0..plan.jobs).map(|number| {
        if number == plan.jobs.div_ceil(2) {
            draws = Antithetic::mirrored(seeded());
        }
        let after = exponential(&mut draws) / rate;
        let service = plan.service.draw(&mut draws);
        ((after * MEAN_NS) as u64, ((service * MEAN_NS) as u64).max(1))
    });
    let histogram = || Histogram::<u64>::new(DIGITS).context("the percentiles cannot be counted");
    let (mut sojourns, mut waits) = (histogram()?, histogram()?);
    let (mut sojourn, mut wait, mut left) = (0u128, 0u128, 0u64);
    station.run(jobs, |job| {
        let _ = sojourns.record(job.sojourn_ns());
        let _ = waits.record(job.wait_ns);
        sojourn += u128::from(job.sojourn_ns());
        wait += u128::from(job.wait_ns);
        left += 1;
        progress(left);
    });
    let mean = |sum: u128| sum as f64 / left.max(1) as f64 / MEAN_NS;
    let percentile = |histogram: &Histogram<u64>, q: f64| {
        histogram.value_at_quantile(q).min(histogram.max()) as f64 / MEAN_NS
    };
    let theory = theory(plan, routing);
    Ok(Outcome {
        policy: name.to_owned(),
        mean_sojourn: mean(sojourn),
        mean_wait: mean(wait),
        p95_sojourn: percentile(&sojourns, 0.95),
        p99_sojourn: percentile(&sojourns, 0.99),
        closed_form: theory.map(|(_, wait)| wait + 1.0),
        theory: theory.map_or("-", |(name, _)| name),
        p95_wait: percentile(&waits, 0.95),
        p99_wait: percentile(&waits, 0.99),
    })
}

/// The mean wait, where it is known exactly.
fn theory(plan: &Plan, routing: Routing) -> Option<(&'static str, f64)> {
    let (servers, load) = (plan.servers, plan.load);
    let memoryless = plan.service.scv() == 1.0;
    let single = match plan.service {
        Service::Exponential => "M/M/1",
        Service::Deterministic => "M/D/1",
        Service::Hyper(_) => "M/H2/1",
    };
    let alone = Some((single, queueing::m_g_1_wait(load, plan.service.scv())));
    match routing {
        _ if servers == 1 => alone,
        // A random choice makes Poisson streams of a Poisson stream.
        Routing::Random => alone,
        Routing::PowerOfD(1) => alone,
        Routing::PowerOfD(d) => {
            memoryless.then(|| ("supermarket, c → ∞", queueing::supermarket_wait(d, load)))
        }
        // Every c-th of a Poisson stream.
        Routing::RoundRobin => memoryless.then(|| ("E_c/M/1", queueing::e_c_m_1_wait(servers, load))),
        // Whoever goes where the least work is left starts when the first server gets free, as in one queue for all.
        Routing::LeastWork | Routing::Shared => {
            memoryless.then(|| ("M/M/c", queueing::m_m_c_wait(servers, load)))
        }
    }
}
