// SPDX-License-Identifier: GPL-2.0-only
//! Kinds of charts, that know nothing of what they show.
//!
//! ```text
//! rows     a bar or points for each of several things     scatter  one figure against another
//! curves   lines over something that is counted or timed  gantt    what ran where, and what waited
//! ```

mod curves;
mod gantt;
mod rows;
mod scatter;

pub use curves::{Curves, Line, Marked};
pub use gantt::{Gantt, Lane, Panel, Piece};
pub use rows::{Item, Row, Rows, Scale};
pub use scatter::{Point, Scatter};
