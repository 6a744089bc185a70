// SPDX-License-Identifier: GPL-2.0-only
//! Units of work on several threads.

use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does units on so many threads; results in the units' order. After a failure none is begun any more.
///
/// # Errors
/// The failure of the first unit that has one, in the units' order.
pub fn side_by_side<U: Sync, R: Send>(
    threads: usize,
    units: &[U],
    work: impl Fn(&U) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<R>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, units.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(unit) = units.get(number) else { return };
                    let result = work(unit);
                    if result.is_err() {
                        next.store(units.len(), Ordering::Relaxed);
                    }
                    if let Ok(mut done) = done.lock() {
                        done.insert(number, result);
                    }
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::side_by_side;
    use anyhow::ensure;

    #[test]
    fn results_are_in_order_and_the_first_failure_counts() {
        let units: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            let squares = side_by_side(threads, &units, |unit| Ok(unit * unit)).unwrap();
            assert!(squares.iter().enumerate().all(|(at, square)| at * at == *square));
            assert_eq!(squares.len(), 100);
            let failure = side_by_side(threads, &units, |unit| {
                ensure!(unit % 10 != 7, "{unit}");
                Ok(())
            });
            assert_eq!(failure.unwrap_err().to_string(), "7");
        }
        assert!(side_by_side(4, &[(); 0], |()| Ok(())).unwrap().is_empty());
    }
}
