// SPDX-License-Identifier: GPL-2.0-only
//! Lists that may be longer than memory: a trace's bursts, all waits of a run.
//!
//! Up to a size, 64 MB or a 64th of the memory that this process may have, a list is plain memory. Beyond that it lies in a file without
//! a name, in `$TMPDIR` or `/var/tmp`, mapped into this process: the kernel keeps in memory what is used, and takes the rest back where
//! others need the room. Where no file can be made, or the disk is full, the list stays in memory.

use crate::file::{Leftover, spool_folder};
use mmap_vec::Segment;
use nix::fcntl::posix_fallocate;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

/// Beyond so many bytes a list lies in a file: some tens of lists are there at a time.
static IN_MEMORY_BYTES: LazyLock<usize> = LazyLock::new(|| (memory_bytes() / 64).min(64 << 20));

/// A list of plain values that grows at its end, and is otherwise a slice.
pub struct Spool<T>(Place<T>);

enum Place<T> {
    Memory(Vec<T>),
    File(Segment<T>),
}

impl<T: Copy + 'static> Spool<T> {
    /// A list of `len` times the same.
    pub fn filled(len: usize, value: T) -> Spool<T> {
        std::iter::repeat_n(value, len).collect()
    }

    /// Adds a value.
    pub fn push(&mut self, value: T) {
        match &mut self.0 {
            Place::Memory(values) if values.len() < values.capacity() => values.push(value),
            Place::Memory(_) => self.push_and_grow(value),
            Place::File(values) => {
                if values.push_within_capacity(value).is_err() {
                    self.push_and_grow(value);
                }
            }
        }
    }

    /// Whether it lies in a file.
    pub fn is_in_file(&self) -> bool {
        matches!(self.0, Place::File(_))
    }

    /// Adds a value for which there is no room: to twice as much.
    #[cold]
    fn push_and_grow(&mut self, value: T) {
        let room = (2 * self.len()).max(64);
        if room * size_of::<T>() > *IN_MEMORY_BYTES {
            match self.in_file(room) {
                Ok(mut values) => {
                    let _ = values.push_within_capacity(value);
                    self.0 = Place::File(values);
                    return;
                }
                Err(err) => tracing::warn!(
                    "no room in {} for {} bytes ({err}); they stay in memory",
                    spool_folder().display(),
                    room * size_of::<T>()
                ),
            }
        }
        match &mut self.0 {
            Place::Memory(values) => values.push(value),
            Place::File(values) => {
                let mut longer = Vec::with_capacity(room);
                longer.extend_from_slice(values);
                longer.push(value);
                self.0 = Place::Memory(longer);
            }
        }
    }

    /// The same values in a file of its own with room for `room`. The disk says now whether it is full, and not when a page is written
    /// back.
    fn in_file(&self, room: usize) -> io::Result<Segment<T>> {
        let bytes = i64::try_from(room * size_of::<T>()).map_err(io::Error::other)?;
        let file = tempfile::NamedTempFile::new_in(spool_folder())?;
        let _leftover = Leftover::new(file.path());
        posix_fallocate(&file, 0, bytes)?;
        let mut values = Segment::open_rw(file.path(), room)?;
        for &value in self.iter() {
            let _ = values.push_within_capacity(value);
        }
        // The file's name goes with `file`; the mapping keeps what is in it.
        Ok(values)
    }
}

/// What this process may have: the machine's memory, or less where `RLIMIT_DATA` says so.
fn memory_bytes() -> usize {
    let of = |name| usize::try_from(sysconf(name).ok().flatten().unwrap_or(0)).ok();
    let machine = of(SysconfVar::_PHYS_PAGES).zip(of(SysconfVar::PAGE_SIZE));
    let machine = machine.map_or(usize::MAX, |(pages, bytes)| pages.saturating_mul(bytes));
    let limit = getrlimit(Resource::RLIMIT_DATA).map_or(u64::MAX, |(soft, _)| soft);
    machine.min(usize::try_from(limit).unwrap_or(usize::MAX))
}

impl<T> Default for Spool<T> {
    fn default() -> Spool<T> {
        Spool(Place::Memory(Vec::new()))
    }
}

impl<T> Deref for Spool<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Place::Memory(values) => values,
            Place::File(values) => values,
        }
    }
}

impl<T> DerefMut for Spool<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            Place::Memory(values) => values,
            Place::File(values) => values,
        }
    }
}

impl<T: Copy + 'static> Extend<T> for Spool<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl<T: Copy + 'static> FromIterator<T> for Spool<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Spool<T> {
        let mut spool = Spool::default();
        spool.extend(values);
        spool
    }
}

impl<T: Copy + 'static> Clone for Spool<T> {
    fn clone(&self) -> Spool<T> {
        self.iter().copied().collect()
    }
}

impl<T: PartialEq> PartialEq for Spool<T> {
    fn eq(&self, other: &Spool<T>) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Spool<T> {}

impl<T: fmt::Debug> fmt::Debug for Spool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_lies_in_a_file_and_holds_the_same() {
        let count = 3 * *IN_MEMORY_BYTES / size_of::<u64>();
        let mut long: Spool<u64> = (0..count as u64)
            .map(|number| number.wrapping_mul(0x9E37_79B9))
            .collect();
        let mut plain: Vec<u64> = (0..count as u64)
            .map(|number| number.wrapping_mul(0x9E37_79B9))
            .collect();
        assert!(long.is_in_file());
        assert_eq!(*long, plain);
        long.sort_unstable();
        plain.sort_unstable();
        assert_eq!(*long, plain);
        assert_eq!(long.clone(), long);
    }

    #[test]
    fn a_file_has_no_name() {
        let long = Spool::filled(2 * *IN_MEMORY_BYTES, 1u8);
        assert!(long.is_in_file());
        let begins = format!("{:x}-", long.as_ptr() as usize);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.starts_with(&begins)).unwrap();
        assert!(line.ends_with("(deleted)"), "{line}");
    }

    #[test]
    fn a_short_list_is_memory() {
        let mut short = Spool::default();
        assert!(short.is_empty() && *short == [0u32; 0]);
        short.extend([3, 1, 2]);
        short[0] = 4;
        assert_eq!((&*short, short.is_in_file()), (&[4, 1, 2][..], false));
    }

    #[test]
    fn what_does_not_fill_a_word_is_kept_as_it_is() {
        let values: Vec<(u64, u8)> = (0..10_000).map(|number| (number, number as u8)).collect();
        let spool: Spool<(u64, u8)> = values.iter().copied().collect();
        assert_eq!(*spool, values);
    }
}
