// SPDX-License-Identifier: GPL-2.0-only
//! Permutation importance of what predicts a number: how much more it is wrong by when one feature's column is shuffled
//! (Breiman, Machine Learning 45, 2001).

use super::forest::Row;
use rand::{RngExt, SeedableRng};

/// The mean absolute error that shuffling adds, one for each feature, over so many shuffles; below 0 where it helped. The
/// same seed gives the same answer.
pub fn importance(
    rows: &[Row],
    labels: &[f64],
    predict: impl Fn(&Row) -> f64,
    seed: u64,
    repeats: u32,
) -> Vec<f64> {
    let error = |rows: &[Row]| {
        let wrong = rows
            .iter()
            .zip(labels)
            .map(|(row, label)| (predict(row) - label).abs());
        wrong.sum::<f64>() / rows.len().max(1) as f64
    };
    let plain = error(rows);
    let mut draws = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(seed);
    let features = rows.first().map_or(0, |row| row.as_slice().len());
    (0..features)
        .map(|feature| {
            let mut added = 0.0;
            for _ in 0..repeats {
                let mut column: Vec<f64> = rows.iter().map(|row| row.as_slice()[feature]).collect();
                // Fisher and Yates.
                for last in (1..column.len()).rev() {
                    column.swap(last, draws.random_range(0..=last));
                }
                let shuffled: Vec<Row> = rows
                    .iter()
                    .zip(column)
                    .map(|(row, value)| replaced(row, feature, value))
                    .collect();
                added += (error(&shuffled) - plain) / f64::from(repeats);
            }
            added
        })
        .collect()
}

fn replaced(row: &Row, feature: usize, value: f64) -> Row {
    let mut values = row.as_slice().to_vec();
    values[feature] = value;
    Row::of(&values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two values that are drawn at random and independently differ by a third of their range on average.
    #[test]
    fn the_one_feature_that_counts_adds_what_it_must() {
        let rows: Vec<Row> = (0..5000)
            .map(|n| Row::of(&[f64::from(n) / 5000.0, f64::from(n % 7)]))
            .collect();
        let labels: Vec<f64> = rows.iter().map(|row| row.as_slice()[0]).collect();
        let found = importance(&rows, &labels, |row| row.as_slice()[0], 1, 2);
        assert!(
            (found[0] - 1.0 / 3.0).abs() < 0.01 && found[1] == 0.0,
            "{found:?}"
        );
    }
}
