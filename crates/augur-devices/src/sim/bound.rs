// SPDX-License-Identifier: GPL-2.0-only
//! What no policy can be better than, on the same tasks and devices, whatever it knows.
//!
//! Two relaxations, both of the whole run, and each figure is the larger one of the two:
//!
//! * *Alone*: each task begins as soon as it has come and those that it waits for are done, and takes as long as it takes where
//!   it is done first, split or not, on devices that have nothing else to do.
//! * *Pooled*: each device's time has a price, all together 1, and a task costs what it costs where it is cheapest. All devices
//!   together are then one machine which does one unit of cost a second. What is least there, with the shortest rest first and
//!   interruptions free (Schrage, Operations Research 16(3), 1968), no real schedule can be below. That holds for any prices.

use super::Options;
use super::run::Source;
use crate::policy::{Fleet, Placement, clairvoyant};
use crate::workload::{Batch, Work};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Prices are found on so many tasks.
const PRICED_TASKS: usize = 2_000;
/// Prices of a CPU's time beside a GPU's that are tried: powers of two, in quarters of an octave.
const OCTAVES: i32 = 4;
const STEPS: i32 = 4;
/// Times in floating point may be wrong by this share of themselves.
const ROUNDING: f64 = 1e-12;

/// No policy is better than this.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bound {
    /// When the last task is done, at the earliest.
    pub makespan_ns: u64,
    /// From arrival until done, on average, at least.
    pub completion_mean_ns: f64,
}

/// The bound of all policies on these tasks. Memory is needed for the tasks that the pooled machine has not done.
pub fn bound(options: &Options) -> Bound {
    let fleet = Fleet::new(options.devices.clone(), options.physics.clone());
    let drifted = Fleet::new(
        options.workload.drift.devices(&options.devices),
        options.physics.clone(),
    );
    let prices = prices(options, &fleet);
    let mut pool = Pool::default();
    let (mut count, mut last_ns, mut alone_ns, mut arrivals_ns) = (0u64, 0u64, 0u128, 0u128);
    let mut source = Source::of(options);
    let (mut batch, mut places) = (Batch::default(), Vec::new());
    // When each task is done at the earliest, by number; only listed ones wait for others than those of their batch.
    let mut ends: Vec<u64> = Vec::new();
    while source.next(&mut batch) {
        let first = batch.tasks.first().map_or(0, |task| task.number);
        let is_on = options.workload.drift.is_on(first);
        places.clear();
        for (at, ((task, work), parents)) in (batch.tasks.iter().zip(&batch.works))
            .zip(&batch.parents)
            .enumerate()
        {
            let earlier = batch
                .earlier
                .iter()
                .filter(|(place, _)| usize::from(*place) == at);
            let earlier = earlier.filter_map(|(_, number)| ends.get(*number as usize).copied());
            let waited = parents
                .as_slice()
                .iter()
                .map(|&parent| places[usize::from(parent)]);
            let ready_ns = waited.chain(earlier).fold(batch.arrival_ns, u64::max);
            let waits = ready_ns > batch.arrival_ns;
            let least = |of: &dyn Fn(&Fleet) -> u64| match (is_on, waits) {
                _ if options.workload.drift.at.is_empty() => of(&fleet),
                (false, false) => of(&fleet),
                (true, false) => of(&drifted),
                // Who waits for others is placed when they are done, and devices may be others by then.
                (_, true) => of(&fleet).min(of(&drifted)),
            };
            let end_ns = ready_ns + least(&|fleet| alone(fleet, work));
            pool.later(ready_ns, least(&|fleet| cost(fleet, work, &prices)));
            places.push(end_ns);
            last_ns = last_ns.max(end_ns);
            alone_ns += u128::from(end_ns.saturating_sub(task.arrival_ns));
            arrivals_ns += u128::from(task.arrival_ns);
            count += 1;
        }
        if options.listed.is_some() {
            ends.extend(&places);
        }
        // Nothing that is still to come is ready before this.
        pool.until(batch.arrival_ns);
    }
    pool.until(u64::MAX);
    let pooled_ns = pool.ends_ns.saturating_sub(arrivals_ns);
    Bound {
        makespan_ns: last_ns.max(pool.now_ns),
        completion_mean_ns: alone_ns.max(pooled_ns) as f64 / count.max(1) as f64,
    }
}

/// What a task takes at least on devices that have nothing else to do. No time at all is taken by nothing.
fn alone(idle: &Fleet, work: &Work) -> u64 {
    let (_, seconds) = clairvoyant::best(idle, work, None);
    whole(seconds * 1e9 * (1.0 - ROUNDING)).max(1)
}

/// What a task costs at least. A split costs no less than the cheaper one of its two devices, alone.
fn cost(fleet: &Fleet, work: &Work, prices: &[f64]) -> u64 {
    let costs = (0..fleet.len())
        .filter(|&device| fleet.fits(work, Placement::One(device)))
        .map(|device| work.alone_s(fleet.device(device)) * prices[device]);
    let least = costs.fold(f64::INFINITY, f64::min);
    // Times are whole ns: a part may take half of one less.
    match least.is_finite() {
        true => whole(least * 1e9 * (1.0 - ROUNDING) - 1.0),
        false => 0,
    }
}

fn whole(ns: f64) -> u64 {
    ns.clamp(0.0, (u64::MAX / 4) as f64) as u64
}

/// The prices at which the first tasks cost most.
fn prices(options: &Options, fleet: &Fleet) -> Vec<f64> {
    let mut source = Source::of(options);
    let (mut batch, mut works) = (Batch::default(), Vec::new());
    while works.len() < PRICED_TASKS && source.next(&mut batch) {
        works.extend_from_slice(&batch.works);
    }
    let at = |step: i32| {
        let cpu = f64::from(step).exp2().powf(1.0 / f64::from(STEPS));
        let of = |device: usize| match device < fleet.cpus().end {
            true => cpu * fleet.device(device).speed,
            false => fleet.device(device).speed,
        };
        let prices: Vec<f64> = (0..fleet.len()).map(of).collect();
        let all: f64 = prices.iter().sum();
        prices.into_iter().map(|price| price / all).collect::<Vec<f64>>()
    };
    let sum = |prices: &Vec<f64>| -> u128 {
        works
            .iter()
            .map(|work| u128::from(cost(fleet, work, prices)))
            .sum()
    };
    let all = (-OCTAVES * STEPS..=OCTAVES * STEPS).map(at);
    all.max_by_key(sum).unwrap_or_default()
}

/// One machine that always does what has the least left.
#[derive(Default)]
struct Pool {
    now_ns: u64,
    /// Tasks that are not yet ready: from when on they are, and what they cost.
    later: BinaryHeap<Reverse<(u64, u64)>>,
    /// What is left of those that are.
    left: BinaryHeap<Reverse<u64>>,
    /// The ends of all that are done, together.
    ends_ns: u128,
}

impl Pool {
    fn later(&mut self, ready_ns: u64, cost_ns: u64) {
        self.later.push(Reverse((ready_ns, cost_ns)));
    }

    /// Goes on until then, and takes in who is ready by then.
    fn until(&mut self, until_ns: u64) {
        while let Some(&Reverse((ready_ns, cost_ns))) = self.later.peek() {
            if ready_ns > until_ns {
                break;
            }
            self.later.pop();
            self.work(ready_ns);
            self.left.push(Reverse(cost_ns));
        }
        if until_ns == u64::MAX {
            self.work(u64::MAX);
        }
    }

    fn work(&mut self, until_ns: u64) {
        while let Some(Reverse(left_ns)) = self.left.pop() {
            let end_ns = self.now_ns.saturating_add(left_ns);
            if end_ns > until_ns {
                self.left.push(Reverse(end_ns - until_ns));
                break;
            }
            self.now_ns = end_ns;
            self.ends_ns += u128::from(end_ns);
        }
        if until_ns < u64::MAX {
            self.now_ns = self.now_ns.max(until_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pooled_machine_interrupts_for_what_is_shorter() {
        // 10 from 0 on, 3 from 2 on, 1 from 3 on: 1 ends at 4, 3 at 6, 10 at 14.
        let mut pool = Pool::default();
        for (ready_ns, cost_ns) in [(0, 10), (3, 1), (2, 3)] {
            pool.later(ready_ns, cost_ns);
        }
        pool.until(2);
        pool.until(u64::MAX);
        assert_eq!((pool.now_ns, pool.ends_ns), (14, 4 + 6 + 14));
    }
}
