// SPDX-License-Identifier: GPL-2.0-only
//! What was seen while a program ran: migrations, waits, idleness beside queues. Raw figures; `report` makes sense of
//! them.

use crate::policy::cpu::Cause;
use augur_base::spool::Spool;
use augur_base::topology::{ByDistance, Distance};
use serde::Serialize;

/// Kinds of migrations: same core, same LLC, cross LLC, cross node.
pub(super) const KINDS: usize = 4;

/// Migrations by kind and by cause (in the order of [`Cause::ALL`]).
pub(super) type Migrations = [[u64; Cause::ALL.len()]; KINDS];

/// Migrations by cause, as [`Cause`] has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Causes {
    /// Placed there when it woke up.
    pub wakeup: u64,
    /// Taken by a CPU that ran dry.
    pub steal: u64,
    /// Moved by a balancer.
    pub balance: u64,
    /// Its affinity left no choice.
    pub affinity: u64,
    /// Anything else.
    pub other: u64,
}

/// What a run left behind. All times in ns of simulated time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// From the start of time to the end of the last burst.
    pub makespan_ns: u64,
    /// Bursts that ended.
    pub bursts: u64,
    /// By kind and cause.
    pub migrations: Migrations,
    /// Migrations that undid the one before.
    pub ping_pongs: u64,
    /// From each wakeup to the first run after it.
    pub latencies_ns: Spool<u64>,
    /// Every wait for a CPU, also after an interruption.
    pub waits_ns: Spool<u64>,
    /// CPU time that idled while tasks waited that could have moved.
    pub idle_while_overloaded_ns: u64,
    /// Time that tasks spent on filling caches again, and switches where they cost something.
    pub overhead_ns: u64,
    /// Integral over time of the variance, over CPUs, of how many tasks each has.
    variance_ns: f64,
    at_ns: u64,
    idle: u64,
    waiting: u64,
    cpus: f64,
    tasks: f64,
    squares: f64,
}

impl Ledger {
    /// An empty ledger of a machine of `cpus`, all of which idle.
    pub fn new(cpus: usize) -> Ledger {
        Ledger {
            idle: cpus as u64,
            cpus: cpus as f64,
            ..Ledger::default()
        }
    }

    /// A ledger that goes on from this one, without the waits so far.
    pub fn branch(&self) -> Ledger {
        Ledger {
            latencies_ns: Spool::default(),
            waits_ns: Spool::default(),
            ..*self
        }
    }

    /// Brings the integrals up to `now_ns`.
    pub fn advance(&mut self, now_ns: u64) {
        let passed = now_ns - self.at_ns;
        if passed == 0 {
            return;
        }
        self.at_ns = now_ns;
        self.idle_while_overloaded_ns += passed * self.idle.min(self.waiting);
        let mean = self.tasks / self.cpus;
        self.variance_ns += passed as f64 * (self.squares / self.cpus - mean * mean);
    }

    /// A CPU stops (`true`) or begins to idle.
    pub fn busy(&mut self, now_ns: u64, busy: bool) {
        self.advance(now_ns);
        if busy {
            self.idle -= 1;
        } else {
            self.idle += 1;
        }
    }

    /// A task that could also run elsewhere begins to wait (`true`), or ends.
    pub fn waits(&mut self, now_ns: u64, waits: bool) {
        self.advance(now_ns);
        if waits {
            self.waiting += 1;
        } else {
            self.waiting -= 1;
        }
    }

    /// A CPU that had `before` tasks has `after` now.
    pub fn counts(&mut self, now_ns: u64, before: u32, after: u32) {
        self.advance(now_ns);
        let (before, after) = (f64::from(before), f64::from(after));
        self.tasks += after - before;
        self.squares += after * after - before * before;
    }

    /// A task ran on another CPU than before.
    pub fn migrated(&mut self, distance: Distance, cause: Cause) {
        let kind = usize::from(distance.ordinal().clamp(1, KINDS as u8)) - 1;
        self.migrations[kind][cause as usize] += 1;
    }

    /// How unequally the tasks were spread: the standard deviation, over CPUs, of how many tasks each had, as the root
    /// of its mean square over time.
    pub fn imbalance(&self) -> f64 {
        if self.at_ns == 0 {
            0.0
        } else {
            (self.variance_ns / self.at_ns as f64).max(0.0).sqrt()
        }
    }

    /// All migrations.
    pub fn migrations_total(&self) -> u64 {
        self.migrations.iter().flatten().sum()
    }

    /// Migrations of each kind.
    pub fn by_kind(&self) -> ByDistance {
        self.migrations.map(|causes| causes.iter().sum()).into()
    }

    /// Migrations for each cause.
    pub fn by_cause(&self) -> Causes {
        let sum = |cause: Cause| self.migrations.iter().map(|causes| causes[cause as usize]).sum();
        Causes {
            wakeup: sum(Cause::Wakeup),
            steal: sum(Cause::Steal),
            balance: sum(Cause::Balance),
            affinity: sum(Cause::Affinity),
            other: sum(Cause::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_beside_a_queue_counts_once_for_each_pair() {
        let mut ledger = Ledger::new(2);
        ledger.waits(10, true);
        ledger.waits(20, true);
        ledger.waits(30, true);
        ledger.busy(40, true);
        ledger.advance(50);
        // One waits for 10, two for 10, three beside two idle CPUs for 10, three beside one for 10.
        assert_eq!(ledger.idle_while_overloaded_ns, 10 + 20 + 20 + 10);
    }

    #[test]
    fn two_tasks_on_one_of_two_cpus_deviate_by_one() {
        let mut ledger = Ledger::new(2);
        ledger.counts(0, 0, 1);
        ledger.counts(0, 1, 2);
        ledger.advance(100);
        assert!((ledger.imbalance() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn migrations_are_counted_by_kind_and_by_cause() {
        let mut ledger = Ledger::new(2);
        ledger.migrated(Distance::Core, Cause::Steal);
        ledger.migrated(Distance::Remote, Cause::Steal);
        ledger.migrated(Distance::Node, Cause::Balance);
        assert_eq!(ledger.by_kind(), [1, 0, 1, 1].into());
        let causes = ledger.by_cause();
        assert_eq!((causes.steal, causes.balance, causes.wakeup), (2, 1, 0));
        assert_eq!(ledger.migrations_total(), 3);
    }
}
