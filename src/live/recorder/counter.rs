// SPDX-License-Identifier: GPL-2.0-only
//! Counting in the kernel alone: no event leaves it.

use super::super::bpf::{RecordSkel, intf};
use super::super::pod;
use super::{ATTACH, open};
use anyhow::{Context, Result};
use augur_base::statistics::percentile;
use augur_base::topology::{ByDistance, Machine};
use libbpf_rs::skel::OpenSkel;
use libbpf_rs::{Link, MapCore, MapFlags, OpenObject};
use serde::Serialize;
use std::mem::MaybeUninit;

/// What was counted, on all CPUs together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// A CPU went from one task to another (`sched_switch`).
    pub switches: u64,
    /// A task was woken (`sched_waking`).
    pub wakeups: u64,
    /// A new task was queued for the first time (`sched_wakeup_new`).
    pub new_tasks: u64,
    /// `sched_process_fork`.
    pub forks: u64,
    /// `sched_process_exec`.
    pub execs: u64,
    /// `sched_process_exit`.
    pub exits: u64,
    /// From queue to queue (`sched_migrate_task`), by how far.
    pub migrations: Migrations,
    /// From wakeup to run, of how many.
    pub latencies: u64,
    /// Their mean.
    pub latency_mean_ns: f64,
    /// Wakeups whose latency is not known, because too many tasks waited at once.
    pub untracked: u64,
    /// How long tasks waited from their wakeup to their run; empty buckets at the ends are left out.
    pub latency: Vec<LatencyBucket>,
}

/// Migrations by how far they went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Migrations {
    /// All of them.
    pub total: u64,
    /// Those whose distance is known.
    #[serde(flatten)]
    pub known: ByDistance,
    /// To or from a CPU that was not there when counting began.
    pub unplaced: u64,
}

/// A range of latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LatencyBucket {
    /// From here on.
    pub from_ns: u64,
    /// Less than this.
    pub below_ns: u64,
    /// How many.
    pub count: u64,
}

impl Counts {
    /// The least power of two, in ns, that `permille` of the latencies are below; 0 where there are none.
    pub fn latency_below_ns(&self, permille: u64) -> u64 {
        let counts: Vec<u64> = self.latency.iter().map(|bucket| bucket.count).collect();
        percentile::rank(&counts, permille).map_or(0, |index| self.latency[index].below_ns)
    }

    fn of(cpus: &[intf::record_counts]) -> Counts {
        let sum = |field: fn(&intf::record_counts) -> u64| cpus.iter().map(field).sum::<u64>();
        let known = ByDistance {
            same_core: sum(|cpu| cpu.migrations[intf::augur_kind_AUGUR_KIND_CORE as usize]),
            same_llc: sum(|cpu| cpu.migrations[intf::augur_kind_AUGUR_KIND_LLC as usize]),
            cross_llc: sum(|cpu| cpu.migrations[intf::augur_kind_AUGUR_KIND_CROSS_LLC as usize]),
            cross_node: sum(|cpu| cpu.migrations[intf::augur_kind_AUGUR_KIND_CROSS_NODE as usize]),
        };
        let unplaced = sum(|cpu| cpu.unplaced);
        let mut buckets = [0u64; intf::record_limits_RECORD_LAT_BUCKETS as usize];
        for cpu in cpus {
            for (total, count) in buckets.iter_mut().zip(cpu.latency) {
                *total += count;
            }
        }
        let latencies: u64 = buckets.iter().sum();
        Counts {
            switches: sum(|cpu| cpu.switches),
            wakeups: sum(|cpu| cpu.wakeups),
            new_tasks: sum(|cpu| cpu.new_tasks),
            forks: sum(|cpu| cpu.forks),
            execs: sum(|cpu| cpu.execs),
            exits: sum(|cpu| cpu.exits),
            migrations: Migrations {
                total: known.total() + unplaced,
                known,
                unplaced,
            },
            latencies,
            latency_mean_ns: sum(|cpu| cpu.latency_sum_ns) as f64 / latencies.max(1) as f64,
            untracked: sum(|cpu| cpu.untracked),
            latency: histogram(&buckets),
        }
    }
}

fn histogram(buckets: &[u64]) -> Vec<LatencyBucket> {
    let first = buckets.iter().position(|&count| count > 0);
    let last = buckets.iter().rposition(|&count| count > 0);
    let (Some(first), Some(last)) = (first, last) else {
        return Vec::new();
    };
    let bucket = |log: usize| LatencyBucket {
        from_ns: if log == 0 { 0 } else { 1 << log },
        below_ns: 2 << log,
        count: buckets[log],
    };
    (first..=last).map(bucket).collect()
}

/// Counts while it lives.
pub struct Counter<'a> {
    skel: RecordSkel<'a>,
    links: Vec<Link>,
}

impl<'a> Counter<'a> {
    /// Loads and attaches the programs that count.
    ///
    /// # Errors
    /// Where the kernel refuses them.
    pub fn attach(object: &'a mut MaybeUninit<OpenObject>, machine: &Machine) -> Result<Counter<'a>> {
        let mut open = open(object)?;
        open.maps.ring.set_autocreate(false)?;
        open.maps.losses.set_autocreate(false)?;
        let rodata = open
            .maps
            .rodata_data
            .as_mut()
            .context("the recorder's BPF program has no settings")?;
        for cpu in &machine.cpus {
            if let Some(place) = rodata.cpu_places.get_mut(cpu.id) {
                // 0 is not known.
                (place.core, place.llc, place.node) =
                    (cpu.core as u32 + 1, cpu.llc as u32 + 1, cpu.node as u32 + 1);
            }
        }
        let progs = &mut open.progs;
        for unused in [
            &mut progs.record_switch,
            &mut progs.record_waking,
            &mut progs.record_wakeup_new,
            &mut progs.record_migrate,
            &mut progs.record_fork,
            &mut progs.record_exec,
            &mut progs.record_exit,
        ] {
            unused.set_autoload(false);
        }
        let skel = open.load().context(
            "the kernel refused the counting programs; `scx_augur doctor` looks for what is in the way",
        )?;
        let progs = &skel.progs;
        let links = [
            progs.count_migrate.attach(),
            progs.count_fork.attach(),
            progs.count_exec.attach(),
            progs.count_exit.attach(),
            progs.count_wakeup_new.attach(),
            progs.count_waking.attach(),
            progs.count_switch.attach(),
        ];
        let links = links.into_iter().collect::<Result<Vec<Link>, _>>();
        Ok(Counter {
            links: links.context(ATTACH)?,
            skel,
        })
    }

    /// Stops, and says what was counted.
    ///
    /// # Errors
    /// Where the counts cannot be read.
    pub fn finish(mut self) -> Result<Counts> {
        self.links.clear();
        let cpus = self
            .skel
            .maps
            .counts
            .lookup_percpu(&0u32.to_ne_bytes(), MapFlags::ANY)
            .context("cannot read the counts")?
            .unwrap_or_default();
        let cpus: Vec<intf::record_counts> =
            cpus.iter().map(|bytes| pod::read(bytes)).collect::<Result<_>>()?;
        Ok(Counts::of(&cpus))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_upper_end_of_their_bucket() {
        let mut cpu = pod::read::<intf::record_counts>(&[0; 4096]).unwrap();
        cpu.latency[3] = 1;
        cpu.latency[10] = 98;
        cpu.latency[20] = 1;
        cpu.latency_sum_ns = 3_000;
        cpu.migrations = [1, 2, 3, 4];
        let counts = Counts::of(&[cpu, cpu]);
        assert_eq!(
            (counts.migrations.total, counts.migrations.known.cross_llc),
            (20, 6)
        );
        assert_eq!((counts.latencies, counts.latency_mean_ns), (200, 30.0));
        assert_eq!(counts.latency.len(), 18);
        assert_eq!((counts.latency[0].from_ns, counts.latency[0].below_ns), (8, 16));
        let of = |permille| counts.latency_below_ns(permille);
        assert_eq!((of(1), of(500), of(990), of(1000)), (16, 2048, 2048, 2 << 20));
        assert_eq!(Counts::of(&[]).latency_below_ns(500), 0);
    }
}
