// SPDX-License-Identifier: GPL-2.0-only
//! Permutation importance: how much a model's answers change when one feature's column is shuffled.

use super::log::LoggedRows;
use super::{FEATURES, FeatureRow, Predictor};
use serde::Serialize;

/// What a model's answers hang on.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// Rows asked about.
    pub rows: usize,
    /// Share of them whose score reaches the threshold, `0..=1`.
    pub share_accepted: f64,
    /// Where the rows have labels.
    pub balanced_accuracy: Option<f64>,
    /// Most important first.
    pub features: Vec<Importance>,
}

/// One feature's weight in the answers.
#[derive(Clone, Debug, Serialize)]
pub struct Importance {
    /// Its name.
    pub feature: &'static str,
    /// Mean absolute change of the score, `0..=1`.
    pub score_change: f64,
    /// Share of rows whose decision turned, `0..=1`.
    pub decisions_changed: f64,
    /// Balanced accuracy that was lost; below 0 when shuffling helped.
    pub accuracy_lost: Option<f64>,
}

/// Shuffles each column `repeats` times and scores again; the same seed gives the same answer.
///
/// # Errors
/// When the model cannot score.
pub fn importance(
    model: &mut dyn Predictor,
    logged: &LoggedRows,
    seed: u64,
    repeats: u32,
) -> anyhow::Result<Explained> {
    let threshold = model.threshold();
    let (mut plain, mut scores) = (Vec::new(), Vec::new());
    model.score(&logged.rows, &mut plain)?;
    let accuracy = |scores: &[f32]| {
        logged
            .labels
            .as_ref()
            .map(|labels| balanced_accuracy(labels, scores, threshold))
    };
    let before = accuracy(&plain);
    let (mut random, count) = (Random(seed), logged.rows.len() as f64);
    let mut features = Vec::new();
    for (column, feature) in FEATURES.into_iter().enumerate() {
        let mut found = Importance {
            feature,
            score_change: 0.0,
            decisions_changed: 0.0,
            accuracy_lost: before.map(|_| 0.0),
        };
        for _ in 0..repeats {
            model.score(&shuffled(&logged.rows, column, &mut random), &mut scores)?;
            let pairs = || plain.iter().zip(&scores);
            let share = 1.0 / f64::from(repeats);
            found.score_change += share * pairs().map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / count;
            let turned = pairs()
                .filter(|(a, b)| (**a >= threshold) != (**b >= threshold))
                .count();
            found.decisions_changed += share * turned as f64 / count;
            if let (Some(lost), Some(before), Some(after)) =
                (&mut found.accuracy_lost, before, accuracy(&scores))
            {
                *lost += share * (before - after);
            }
        }
        features.push(found);
    }
    features.sort_by(|a, b| b.score_change.total_cmp(&a.score_change));
    let accepted = plain.iter().filter(|score| **score >= threshold).count();
    Ok(Explained {
        rows: logged.rows.len(),
        share_accepted: accepted as f64 / count,
        balanced_accuracy: before,
        features,
    })
}

/// The mean of the two classes' recalls; a class that is absent counts as one half.
fn balanced_accuracy(labels: &[bool], scores: &[f32], threshold: f32) -> f64 {
    let recall = |class: bool| {
        let of_class = || labels.iter().zip(scores).filter(|(label, _)| **label == class);
        let right = of_class()
            .filter(|(_, score)| (**score >= threshold) == class)
            .count();
        match of_class().count() {
            0 => 0.5,
            all => right as f64 / all as f64,
        }
    };
    (recall(true) + recall(false)) / 2.0
}

/// The rows with one column in another order (Fisher and Yates).
fn shuffled(rows: &[FeatureRow], column: usize, random: &mut Random) -> Vec<FeatureRow> {
    let mut rows = rows.to_vec();
    for last in (1..rows.len()).rev() {
        let other = (random.next() % (last as u64 + 1)) as usize;
        let (a, b) = (rows[last][column], rows[other][column]);
        (rows[last][column], rows[other][column]) = (b, a);
    }
    rows
}

/// SplitMix64: small, and good enough to shuffle with.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FEATURE_COUNT;
    use augur_tensorflow::Fault;

    /// Looks at `src_queue` alone.
    struct Queue;

    impl Predictor for Queue {
        fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
            scores.clear();
            scores.extend(rows.iter().map(|row| row[6]));
            Ok(())
        }
        fn name(&self) -> &str {
            "queue"
        }
        fn threshold(&self) -> f32 {
            0.5
        }
    }

    #[test]
    fn the_one_feature_that_counts_is_found() {
        let rows: Vec<FeatureRow> = (0..400).map(|at| [(at % 2) as f32; FEATURE_COUNT]).collect();
        let labels = rows.iter().map(|row| row[6] >= 0.5).collect();
        let found = importance(
            &mut Queue,
            &LoggedRows {
                rows,
                labels: Some(labels),
            },
            1,
            3,
        )
        .unwrap();
        assert_eq!(found.balanced_accuracy, Some(1.0));
        assert_eq!(found.features[0].feature, "src_queue");
        assert!(found.features[0].accuracy_lost.unwrap() > 0.3, "{found:?}");
        assert!(
            found.features[1..]
                .iter()
                .all(|feature| feature.score_change == 0.0)
        );
    }
}
