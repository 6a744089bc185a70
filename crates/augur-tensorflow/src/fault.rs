// SPDX-License-Identifier: GPL-2.0-only
//! Why a model was refused, or did not answer. The caller then uses its heuristic, counts the label, logs the text.

use std::path::PathBuf;
use std::time::Duration;

/// One reason why a model decides nothing for now: a label for counters, and one sentence for the log.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// No model was asked for.
    #[error("no model is used; name its directory to use one")]
    Off,
    /// The first load has not ended yet.
    #[error("the model is still being loaded")]
    Loading,
    /// TensorFlow's library was not found.
    #[error(
        "no TensorFlow library in {tried}; run `scripts/setup tensorflow-lib .tensorflow`, or name a library, \
         a directory or a virtual environment with --tensorflow"
    )]
    LibraryMissing {
        /// Where it was looked for.
        tried: String,
    },
    /// This program was built without TensorFlow.
    #[error("this build has no TensorFlow; build it with the feature `tensorflow`")]
    NotBuilt,
    /// A file was found that is not TensorFlow's library.
    #[error("{} is not a usable TensorFlow library ({cause}); name another with --tensorflow", path.display())]
    LibraryBroken {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        cause: String,
    },
    /// A file of the model directory is missing.
    #[error("{} cannot be read ({cause}); export the model with scripts/train.py", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// A file of the model directory is damaged.
    #[error("{} is malformed ({cause}); export the model again with scripts/train.py", path.display())]
    Malformed {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The model was made for other features than this program computes.
    #[error("{} does not fit this program: {cause}; train the model again", path.display())]
    Contract {
        /// The manifest.
        path: PathBuf,
        /// Where the two differ.
        cause: String,
    },
    /// The signature lacks a name that the manifest promises.
    #[error("the SavedModel has no {what} named `{name}`, which its manifest promises; export it again")]
    WrongName {
        /// Signature, input or output.
        what: &'static str,
        /// The name that is not there.
        name: String,
    },
    /// The signature has another type than float32.
    #[error("the model's {what} is {found} and must be float32; export it again")]
    WrongType {
        /// Input or output.
        what: &'static str,
        /// The type that it has.
        found: String,
    },
    /// The signature has another shape than the contract.
    #[error("the model's {what} has shape {found} and must have {wanted}; export it again")]
    WrongShape {
        /// Input or output.
        what: &'static str,
        /// The shape that it has.
        found: String,
        /// The shape that it must have.
        wanted: String,
    },
    /// Loading or the first scores did not end in time.
    #[error(
        "the model did not answer when it was tried out, though it had {:.1} s of CPU time in {:.1} s; it decides once it \
         answers, or change it",
        used.as_secs_f64(), waited.as_secs_f64()
    )]
    Hangs {
        /// CPU time that it used.
        used: Duration,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Too many models hung: each keeps a thread busy until this program ends.
    #[error(
        "{count} models have hung and keep a CPU busy each; wait for them to end, or start this program again"
    )]
    TooManyHung {
        /// How many threads were given up.
        count: usize,
    },
    /// A batch was not scored in time.
    #[error("the model did not score a batch within {} ms of CPU time", limit.as_secs_f64() * 1e3)]
    TooSlow {
        /// The CPU time that it may use.
        limit: Duration,
    },
    /// A batch was not scored in time because its thread did not get a CPU: the machine is busy, and that is not the
    /// model's fault.
    #[error(
        "the model's thread got {:.1} ms of CPU time in {:.1} ms, because the machine is busy; give it more time with \
         --model-limit-ms",
        used.as_secs_f64() * 1e3, waited.as_secs_f64() * 1e3
    )]
    Waiting {
        /// CPU time that it used.
        used: Duration,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A score is NaN or infinite.
    #[error("the model's score of row {row} is {score}")]
    NotFinite {
        /// The first such row of the batch.
        row: usize,
        /// Its score.
        score: String,
    },
    /// A score is no probability.
    #[error("the model's score of row {row} is {score}, outside 0..=1")]
    OutOfRange {
        /// The first such row of the batch.
        row: usize,
        /// Its score.
        score: f32,
    },
    /// Not one score for each row.
    #[error("the model gave {found} scores for {wanted} rows")]
    WrongCount {
        /// Scores.
        found: usize,
        /// Rows.
        wanted: usize,
    },
    /// There is nothing to compare the scores with.
    #[error("the model's threshold is not a number; export it again")]
    BadThreshold,
    /// The SavedModel and the manifest's weights are not the same network.
    #[error(
        "the SavedModel says {model} where its manifest's weights say {twin}: they are two models; export it again"
    )]
    TwinDisagrees {
        /// TensorFlow's score.
        model: f32,
        /// The twin's score of the same row.
        twin: f32,
    },
    /// The features are not like those of the training.
    #[error("{share_percent} % of the latest rows are far from all that the model was trained on")]
    Drift {
        /// Share of the rows with a feature beyond the manifest's limit.
        share_percent: u32,
    },
    /// The model failed several times in a row.
    #[error(
        "the model failed {strikes} times in a row, at last because {last}; it is out of service {}", until(.last)
    )]
    OutOfService {
        /// Failures in a row.
        strikes: u32,
        /// The last one.
        last: Box<Fault>,
    },
    /// Anything else that scoring can say.
    #[error("the model cannot score: {cause}")]
    Failed {
        /// What it said.
        cause: String,
    },
}

/// When a model that is out of service gets another chance: one that was only too slow after a rest (see `guard`).
fn until(last: &Fault) -> &'static str {
    match last {
        Fault::TooSlow { .. } => "for a while, or until it changes",
        _ => "until it changes",
    }
}

impl Fault {
    /// A short, stable name for counters.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Loading => "loading",
            Self::LibraryMissing { .. } => "library_missing",
            Self::NotBuilt => "not_built",
            Self::LibraryBroken { .. } => "library_broken",
            Self::Missing { .. } => "missing",
            Self::Malformed { .. } => "malformed",
            Self::Contract { .. } => "contract",
            Self::WrongName { .. } => "wrong_name",
            Self::WrongType { .. } => "wrong_type",
            Self::WrongShape { .. } => "wrong_shape",
            Self::Hangs { .. } => "hangs",
            Self::TooManyHung { .. } => "too_many_hung",
            Self::TooSlow { .. } => "too_slow",
            Self::Waiting { .. } => "waiting",
            Self::NotFinite { .. } => "not_finite",
            Self::OutOfRange { .. } => "out_of_range",
            Self::WrongCount { .. } => "wrong_count",
            Self::BadThreshold => "bad_threshold",
            Self::TwinDisagrees { .. } => "twin_disagrees",
            Self::Drift { .. } => "drift",
            Self::OutOfService { .. } => "out_of_service",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether a later trial of the very same files may go well.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Hangs { .. } | Self::TooManyHung { .. } | Self::Failed { .. }
        )
    }
}

/// One finite score in `0..=1` for each row, or why not.
///
/// # Errors
/// [`Fault::WrongCount`], [`Fault::NotFinite`] or [`Fault::OutOfRange`], for the first bad row.
pub fn check_scores(rows: usize, scores: &[f32]) -> Result<(), Fault> {
    if scores.len() != rows {
        return Err(Fault::WrongCount {
            found: scores.len(),
            wanted: rows,
        });
    }
    match scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
        None => Ok(()),
        Some(row) if scores[row].is_finite() => Err(Fault::OutOfRange {
            row,
            score: scores[row],
        }),
        Some(row) => Err(Fault::NotFinite {
            row,
            score: scores[row].to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_must_be_probabilities_one_a_row() {
        assert_eq!(check_scores(2, &[0.0, 1.0]), Ok(()));
        let label = |rows, scores: &[f32]| check_scores(rows, scores).unwrap_err().label();
        assert_eq!(label(2, &[0.5]), "wrong_count");
        assert_eq!(label(2, &[0.5, f32::NAN]), "not_finite");
        assert_eq!(label(1, &[f32::INFINITY]), "not_finite");
        assert_eq!(label(1, &[1.0001]), "out_of_range");
    }
}
