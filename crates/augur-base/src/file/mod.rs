// SPDX-License-Identifier: GPL-2.0-only
//! Files as commands read and write them: the one door for all outputs, and for all inputs that may be packed.
//!
//! ```text
//!  path ─▶ place   where it leads: a plain file, a device or pipe, standard output
//!           ├─▶ whole      a plain file: there whole or not at all
//!           └─▶ output     anything else is written through, and never replaced
//!  path ─▶ input   a file, a pipe or standard input; gzip and zstd are unpacked
//!  folder          a folder that is gone again if nothing came into it
//!  owner           whoever called sudo owns what is made
//!  leftover        what has to go where the program ends at once
//! ```
//!
//! No output takes the place of something that is not a plain file, and none of another's name: a symbolic link stays,
//! and what it leads to is replaced.

mod folder;
mod input;
mod leftover;
mod output;
mod owner;
mod place;
mod whole;

pub use folder::{Folder, Used};
pub use input::{Frames, Input, STANDARD, bytes, open, text, unpack};
pub use leftover::{Leftover, abandon, is_waiting, something_was_named};
pub use output::Output;

use std::path::PathBuf;

/// Where large temporary files belong: `/tmp` may be memory.
pub fn spool_folder() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// What is said of tables in Parquet in a build without them.
#[cfg(not(feature = "parquet"))]
pub const NO_PARQUET: &str =
    "this build knows no Parquet; build it with the feature `parquet`, or take a table as CSV";

/// The error of the file where it was that, without Parquet's own words around it.
#[cfg(feature = "parquet")]
pub fn plain(err: parquet::errors::ParquetError) -> anyhow::Error {
    use parquet::errors::ParquetError;
    match err {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(err) => (*err).into(),
            Err(other) => anyhow::anyhow!(other),
        },
        err => err.into(),
    }
}
