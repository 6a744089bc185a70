// SPDX-License-Identifier: GPL-2.0-only
//! Detectors of drift: a stream of numbers in, one value after the other, and a signal where its mean has changed.
//!
//! ```text
//! adwin         a window that is cut where its two parts differ: any bounded value; remembers a logarithm of what it saw
//! page_hinkley  the sum of deviations from the mean: any value
//! ddm           the rate of errors, 0 or 1
//! ```
//! Pure: no clock, no threads; one stream has one answer. The usual parameters are the defaults, those of MOA and river.
//! (What watches the scheduler's model asks something else: whether single rows are far from all that a model was trained on.)

mod adwin;
mod ddm;
mod page_hinkley;

pub use adwin::Adwin;
pub use ddm::Ddm;
pub use page_hinkley::PageHinkley;

use serde::{Deserialize, Serialize};

/// What a detector says to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// As before.
    Quiet,
    /// Perhaps no longer as before; only [`Ddm`] says so.
    Warning,
    /// No longer as before.
    Drift {
        /// How many of the last values seem to be of the new kind, this one included; at least 1.
        since: u64,
        /// Whether the new values are larger.
        rose: bool,
    },
}

/// Watches a stream. After a drift it goes on by itself with what is new.
pub trait Detector: Send {
    /// Takes the next value.
    fn observe(&mut self, value: f64) -> Signal;
}

/// Which detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// None.
    #[default]
    Off,
    /// [`Adwin`].
    Adwin,
    /// [`PageHinkley`].
    PageHinkley,
    /// [`Ddm`].
    Ddm,
}

impl Kind {
    /// A new detector with the usual parameters; `None` for [`Kind::Off`].
    pub fn detector(self) -> Option<Box<dyn Detector>> {
        match self {
            Kind::Off => None,
            Kind::Adwin => Some(Box::<Adwin>::default()),
            Kind::PageHinkley => Some(Box::<PageHinkley>::default()),
            Kind::Ddm => Some(Box::<Ddm>::default()),
        }
    }
}

#[cfg(test)]
mod tests;
