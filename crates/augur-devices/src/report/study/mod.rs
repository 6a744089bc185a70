// SPDX-License-Identifier: GPL-2.0-only
//! What an experiment found: policies on the same tasks, seed by seed.
//!
//! ```text
//! unit       one policy on one seed, one learner on one seed: what is kept of it in a file
//! summary    all of that together, with confidence intervals     labels  short names
//! lessons    those of learners                fraction  how much GPUs did
//! column     figures below each other, in one unit
//! tables     that as CSV and Parquet          text    as text
//! pictures   as pictures, one file each       page    as one page that needs nothing else
//! ```

mod column;
mod fraction;
mod labels;
mod lessons;
mod page;
mod pictures;
mod summary;
mod tables;
mod text;
mod unit;

pub use page::page;
pub use pictures::{Drawing, drawings};
pub use summary::{Curve, Gap, Heatmap, Importance, Line, Made, Panel, Point, Study, Timeline, Track};
pub use tables::{Sheet, sheets};
pub use unit::{Lesson, Lessons, Mark, Piece, Profile, Run, Tally, shares};
