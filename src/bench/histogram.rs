// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel's `hist` triggers counted (Documentation/trace/histogram.rst), as text and as numbers.

use augur_base::statistics::percentile;
use augur_base::topology::{ByDistance, Machine};
use std::collections::BTreeMap;

/// A histogram: how often each combination of keys was hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Keys in the order in which the trigger names them, and hits.
    pub rows: BTreeMap<Vec<u64>, u64>,
    /// Hits that found the table full.
    pub dropped: u64,
}

impl Histogram {
    /// Reads a trigger's `hist` file. Lines that are no rows are none.
    pub fn parse(text: &str) -> Histogram {
        let rows = text.lines().filter_map(row).collect();
        let dropped = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Dropped:")?.trim().parse().ok());
        Histogram {
            rows,
            dropped: dropped.unwrap_or(0),
        }
    }

    /// Migrations by kind, from rows of (CPU before, CPU after). A task that was placed where it was did not migrate.
    pub fn migrations(&self, machine: &Machine) -> ByDistance {
        let mut kinds = ByDistance::default();
        for (keys, &hits) in &self.rows {
            if let &[from, to] = keys.as_slice()
                && from != to
            {
                kinds.add(machine.distance(from as usize, to as usize), hits);
            }
        }
        kinds
    }

    /// How many values were counted, from rows of one key.
    pub fn count(&self) -> u64 {
        self.rows.values().sum()
    }

    /// The value that at least so many permille of all do not exceed (nearest rank), from rows of one key.
    pub fn permille(&self, permille: u64) -> Option<u64> {
        let (keys, _) = self
            .rows
            .iter()
            .nth(percentile::rank(self.rows.values(), permille)?)?;
        keys.first().copied()
    }
}

/// `{ orig_cpu:          1, dest_cpu:          3 } hitcount:         42`
fn row(line: &str) -> Option<(Vec<u64>, u64)> {
    let (keys, rest) = line.strip_prefix("{ ")?.split_once(" } hitcount:")?;
    let keys: Option<Vec<u64>> = keys
        .split(',')
        .map(|key| key.split_once(':')?.1.trim().parse().ok())
        .collect();
    Some((keys?, rest.split_whitespace().next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIGRATIONS: &str = include_str!("../../tests/bench/migrations.hist");
    const LATENCIES: &str = include_str!("../../tests/bench/latencies.hist");

    #[test]
    fn the_rows_add_up_to_the_kernels_own_totals() {
        // The latencies' own total is 30: three more came while the kernel wrote its rows.
        for (text, hits, entries) in [(MIGRATIONS, 1032, 12), (LATENCIES, 27, 27)] {
            let histogram = Histogram::parse(text);
            assert_eq!(
                (histogram.count(), histogram.rows.len(), histogram.dropped),
                (hits, entries, 0)
            );
        }
    }

    #[test]
    fn kinds_follow_the_machine() {
        let histogram = Histogram::parse(MIGRATIONS);
        let two_caches = histogram.migrations(&Machine::from_spec("1x2x2x1").unwrap());
        // 0-1 and 2-3 share a cache: 118 + 122 + 182 + 189.
        assert_eq!((two_caches.same_llc, two_caches.cross_llc), (611, 1032 - 611));
        let siblings = histogram.migrations(&Machine::from_spec("2x1x1x2").unwrap());
        assert_eq!((siblings.same_core, siblings.cross_node), (611, 1032 - 611));
    }

    #[test]
    fn a_task_that_stays_did_not_migrate() {
        let text = "{ orig_cpu: 1, dest_cpu: 1 } hitcount: 7\n{ orig_cpu: 9, dest_cpu: 9 } hitcount: 7\n";
        let kinds = Histogram::parse(text).migrations(&Machine::from_spec("4").unwrap());
        assert_eq!(kinds, ByDistance::default());
    }

    #[test]
    fn percentiles_by_nearest_rank() {
        let text = "{ wait_us: 30 } hitcount: 1\n{ wait_us: 10 } hitcount: 98\n{ wait_us: 20 } hitcount: 1\n";
        let histogram = Histogram::parse(&format!("# x\n{text}\nTotals:\n    Dropped: 4\n"));
        let found = [500, 980, 990, 999].map(|permille| histogram.permille(permille));
        assert_eq!(found, [Some(10), Some(10), Some(20), Some(30)]);
        assert_eq!(histogram.dropped, 4);
        assert_eq!(Histogram::default().permille(500), None);
    }
}
