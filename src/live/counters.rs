// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel's half counts.

use super::Scheduler;
use super::bpf::intf;
use super::collect::lookup;
use super::stats::Metrics;
use anyhow::Result;
use augur_base::statistics::percentile;

/// A counter of the kernel's half: `enum augur_stat` in bpf/intf.h.
struct Counter {
    /// Its number there.
    index: u32,
    /// The figure that shows it; `Metrics` says what it means.
    figure: fn(&mut Metrics) -> &mut u64,
    /// How many make one of the figure's.
    unit: u64,
}

macro_rules! counters {
    ($($index:ident => $figure:ident $(/ $unit:literal)?,)*) => {
        [$(Counter {
            index: intf::$index,
            figure: |to| &mut to.$figure,
            unit: 1 $(* $unit)?,
        },)*]
    };
}

/// Every counter, so that none is counted for nobody; those of ns are shown in ms.
const COUNTERS: [Counter; intf::augur_stat_AUGUR_NR_STATS as usize] = counters! {
    augur_stat_AUGUR_STAT_WAKEUPS => wakeups,
    augur_stat_AUGUR_STAT_WAKE_PREV_IDLE => wake_prev_idle,
    augur_stat_AUGUR_STAT_WAKE_IDLE_ELSEWHERE => wake_idle_elsewhere,
    augur_stat_AUGUR_STAT_WAKE_PREEMPT => wake_preempt,
    augur_stat_AUGUR_STAT_TICK_PREEMPT => tick_preempt,
    augur_stat_AUGUR_STAT_WAKE_WAIT => wake_wait,
    augur_stat_AUGUR_STAT_FORKS => forks,
    augur_stat_AUGUR_STAT_ARRIVALS => arrivals,
    augur_stat_AUGUR_STAT_QUEUED => queued,
    augur_stat_AUGUR_STAT_KEPT => kept,
    augur_stat_AUGUR_STAT_KICKS => kicks,
    augur_stat_AUGUR_STAT_STEAL_TOO_SOON => steal_too_soon,
    augur_stat_AUGUR_STAT_STEAL_DENIED => steal_denied,
    augur_stat_AUGUR_STAT_RUNS => runs,
    augur_stat_AUGUR_STAT_RUN_NS => run_ms / 1_000_000,
    augur_stat_AUGUR_STAT_WAIT_NS => wait_ms / 1_000_000,
    augur_stat_AUGUR_STAT_WAIT_FORK_NS => wait_fork_ms / 1_000_000,
    augur_stat_AUGUR_STAT_WAIT_SHORT_NS => wait_short_ms / 1_000_000,
    augur_stat_AUGUR_STAT_WAIT_LONG_NS => wait_long_ms / 1_000_000,
    augur_stat_AUGUR_STAT_WAIT_PREEMPTED_NS => wait_preempted_ms / 1_000_000,
    augur_stat_AUGUR_STAT_WAIT_EXPIRED_NS => wait_expired_ms / 1_000_000,
    augur_stat_AUGUR_STAT_RESCUED => rescued,
    augur_stat_AUGUR_STAT_ERRORS => lost_outcomes,
};

/// The counters of a CPU, summed over all.
#[derive(Clone, Debug)]
pub struct Counters {
    stats: Vec<u64>,
    migrations: [[u64; 5]; 4],
    latency: Vec<u64>,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            stats: vec![0; intf::augur_stat_AUGUR_NR_STATS as usize],
            migrations: [[0; 5]; 4],
            latency: vec![0; intf::augur_limits_AUGUR_LAT_BUCKETS as usize],
        }
    }
}

impl Counters {
    /// These and `others` together.
    pub fn plus(mut self, others: &Counters) -> Counters {
        self.stats
            .iter_mut()
            .zip(&others.stats)
            .for_each(|(total, one)| *total += one);
        self.latency
            .iter_mut()
            .zip(&others.latency)
            .for_each(|(total, one)| *total += one);
        for (totals, ones) in self.migrations.iter_mut().zip(others.migrations) {
            totals.iter_mut().zip(ones).for_each(|(total, one)| *total += one);
        }
        self
    }

    /// Reads and sums the kernel's counters.
    ///
    /// # Errors
    /// Where the map cannot be read.
    pub fn read(scheduler: &Scheduler, cpus: impl Iterator<Item = usize>) -> Result<Counters> {
        let mut sum = Counters::default();
        for cpu in cpus {
            let one: intf::augur_cpu = lookup(&scheduler.skel.maps.cpu_ctxs, cpu as u32)?;
            sum = sum.plus(&Counters {
                stats: one.stats.to_vec(),
                migrations: one.migrations,
                latency: one.latency.to_vec(),
            });
        }
        Ok(sum)
    }

    fn stat(&self, which: u32) -> u64 {
        self.stats.get(which as usize).copied().unwrap_or(0)
    }

    fn kind(&self, which: u32) -> u64 {
        self.migrations
            .get(which as usize)
            .map_or(0, |causes| causes.iter().sum())
    }

    fn cause(&self, which: u32) -> u64 {
        self.migrations
            .iter()
            .filter_map(|causes| causes.get(which as usize))
            .sum()
    }

    /// Puts the counters into their places.
    pub fn fill(&self, to: &mut Metrics) {
        to.migrations = self.migrations.iter().flatten().sum();
        to.mig_core = self.kind(intf::augur_kind_AUGUR_KIND_CORE);
        to.mig_llc = self.kind(intf::augur_kind_AUGUR_KIND_LLC);
        to.mig_cross_llc = self.kind(intf::augur_kind_AUGUR_KIND_CROSS_LLC);
        to.mig_cross_node = self.kind(intf::augur_kind_AUGUR_KIND_CROSS_NODE);
        to.mig_wakeup = self.cause(intf::augur_cause_AUGUR_CAUSE_WAKEUP);
        to.mig_steal = self.cause(intf::augur_cause_AUGUR_CAUSE_STEAL);
        to.mig_balance = self.cause(intf::augur_cause_AUGUR_CAUSE_BALANCE);
        to.mig_affinity = self.cause(intf::augur_cause_AUGUR_CAUSE_AFFINITY);
        to.mig_other = self.cause(intf::augur_cause_AUGUR_CAUSE_OTHER);
        for counter in &COUNTERS {
            *(counter.figure)(to) = self.stat(counter.index) / counter.unit;
        }
        to.latency_p50_us = percentile_us(&self.latency, 500);
        to.latency_p90_us = percentile_us(&self.latency, 900);
        to.latency_p99_us = percentile_us(&self.latency, 990);
        to.latency_p999_us = percentile_us(&self.latency, 999);
        to.latency_max_us = percentile_us(&self.latency, 1000);
    }
}

/// The upper end, in microseconds, of a latency bucket (four an octave; see `latency_bucket` in bpf/account.bpf.h).
fn bucket_end_us(bucket: usize) -> f64 {
    let (octave, quarter) = (bucket / 4, bucket % 4);
    let ns = if octave == 0 {
        quarter as f64 + 1.0
    } else {
        2f64.powi(octave as i32) * (5 + quarter) as f64 / 4.0
    };
    ns / 1e3
}

/// A percentile of a histogram: the upper end of the bucket that holds it; 0 where nothing was counted.
fn percentile_us(buckets: &[u64], permille: u64) -> f64 {
    percentile::rank(buckets, permille).map_or(0.0, bucket_end_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in `enum augur_stat`, in order.
    fn in_the_header() -> Vec<&'static str> {
        let header = include_str!("../../bpf/intf.h");
        let (_, rest) = header.split_once("enum augur_stat {").unwrap();
        let (body, _) = rest.split_once("};").unwrap();
        let words = body.split([',', '\n']).map(str::trim);
        words.filter(|word| word.starts_with("AUGUR_STAT_")).collect()
    }

    #[test]
    fn every_counter_of_the_kernels_half_is_one_figure() {
        let names = in_the_header();
        assert_eq!(names.len(), COUNTERS.len());
        for (number, (counter, name)) in COUNTERS.iter().zip(names).enumerate() {
            assert_eq!(counter.index as usize, number, "{name}");
        }
        // Each into a place of its own: what goes in comes out.
        let counters = Counters {
            stats: (1..=COUNTERS.len() as u64)
                .map(|count| count * 1_000_000)
                .collect(),
            ..Counters::default()
        };
        let mut metrics = Metrics::default();
        counters.fill(&mut metrics);
        for counter in &COUNTERS {
            let shown = *(counter.figure)(&mut metrics);
            let counted = (u64::from(counter.index) + 1) * 1_000_000;
            assert_eq!(shown, counted / counter.unit, "{}", counter.index);
        }
    }

    #[test]
    fn quantiles_are_upper_ends_of_buckets() {
        let mut buckets = vec![0; 160];
        // 1000 ns lies in the octave of 512: 512 * (1 + 3/4) = 896 to 1024.
        buckets[9 * 4 + 3] = 99;
        buckets[20 * 4] = 1;
        assert_eq!(percentile_us(&buckets, 500), 1.024);
        assert_eq!(percentile_us(&buckets, 990), 1.024);
        assert_eq!(percentile_us(&buckets, 1000), 1048.576 * 1.25);
        assert_eq!(percentile_us(&[0; 160], 500), 0.0);
    }
}
