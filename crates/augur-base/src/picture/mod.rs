// SPDX-License-Identifier: GPL-2.0-only
//! Pictures, drawn once as elements of SVG, from which a page's element, a file, PNG and PDF are made.
//!
//! ```text
//! canvas  what is drawn on      axis   numbers along an edge      label  words that do not cover each other
//! palette colours and strokes   chart  kinds of charts, that know nothing of what they show
//! formats SVG, PNG and PDF
//! ```

pub mod axis;
pub mod canvas;
pub mod chart;
pub mod formats;
pub mod label;
pub mod palette;
