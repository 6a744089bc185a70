// SPDX-License-Identifier: GPL-2.0-only
//! Tables of events: one row for each, one column for each field, empty where an event has none such.

mod columns;
mod csv;
#[cfg(feature = "parquet")]
mod parquet;

pub(crate) use self::csv::{CsvSource, CsvWriter, is_table};
#[cfg(feature = "parquet")]
pub(crate) use self::parquet::{ParquetSource, ParquetWriter};
