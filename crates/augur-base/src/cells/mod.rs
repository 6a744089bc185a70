// SPDX-License-Identifier: GPL-2.0-only
//! Tables of cells, written row by row: in Parquet, or as CSV in a build without the feature `parquet`. The file is there whole or
//! not at all.

#[cfg(not(feature = "parquet"))]
mod csv;
#[cfg(feature = "parquet")]
mod parquet;

#[cfg(not(feature = "parquet"))]
pub use self::csv::Table;
#[cfg(feature = "parquet")]
pub use self::parquet::Table;

use std::fmt;

/// The ending of such a table's file.
pub const ENDING: &str = if cfg!(feature = "parquet") {
    "parquet"
} else {
    "csv"
};

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// A whole number, or none.
    Integer(Option<i64>),
    /// A number.
    Real(f64),
    /// Words.
    Text(&'a str),
}

impl Cell<'_> {
    /// A count; Parquet's whole numbers have a sign.
    pub fn count(count: u64) -> Self {
        Cell::Integer(Some(count.cast_signed()))
    }
}

/// As it stands in CSV.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Integer(value) => value.map_or(Ok(()), |value| value.fmt(f)),
            Cell::Real(value) => value.fmt(f),
            Cell::Text(words) => f.write_str(words),
        }
    }
}
