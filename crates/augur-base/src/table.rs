// SPDX-License-Identifier: GPL-2.0-only
//! Tables: their cells, and as text.

use std::fmt::{self, Display, Write};

/// A cell of a table for files.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Words.
    Text(String),
    /// A count.
    Count(u64),
    /// A number.
    Real(f64),
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(words) => f.write_str(words),
            Value::Count(count) => count.fmt(f),
            // What is not known is left empty.
            Value::Real(number) if number.is_nan() => Ok(()),
            Value::Real(number) => number.fmt(f),
        }
    }
}

/// Writes rows below each other, the first column to the left, the others to the right.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut impl Write, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            match column {
                0 => write!(line, "{cell:width$}")?,
                _ => write!(line, "  {cell:>width$}")?,
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A head, and what stands below it for each thing.
pub type Column<T, C> = (&'static str, fn(&T) -> C);

/// A row: its name, and its cells.
pub fn row(name: String, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    [name].into_iter().chain(cells).collect()
}

/// Rows below their heads, of which the first is that of their names.
pub fn with(
    name: &str,
    heads: impl IntoIterator<Item = impl ToString>,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Vec<Vec<String>> {
    let heads = heads.into_iter().map(|head| head.to_string());
    [row(name.to_owned(), heads)].into_iter().chain(rows).collect()
}

/// A number with so many digits as it needs: four significant ones.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size => (3 - size.log10().floor() as i32).clamp(0, 9) as usize,
    };
    format!("{value:.digits$}")
}

/// A time in the unit that reads best.
pub fn time(ns: f64) -> String {
    match ns.abs() {
        size if size < 1e3 => format!("{ns:.0} ns"),
        size if size < 1e6 => format!("{:.1} µs", ns / 1e3),
        size if size < 1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.3} s", ns / 1e9),
    }
}

/// A number with so many digits behind the point, and commas between thousands.
pub fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let found = [(1234567.0, 0), (999.96, 1), (0.0, 0), (-1234.5, 2)]
            .map(|(value, digits)| grouped(value, digits));
        assert_eq!(found, ["1,234,567", "1,000.0", "0", "-1,234.50"]);
    }
}
