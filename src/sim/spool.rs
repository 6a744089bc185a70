// SPDX-License-Identifier: GPL-2.0-only
//! Lists that may be longer than memory: a trace's bursts, all waits of a run.
//!
//! Up to a size, 64 MB or a 64th of the memory that this process may have, a list is plain memory. Beyond that it lies in a file without
//! a name, in `$TMPDIR` or `/var/tmp`, mapped into this process: the kernel keeps in memory what is used, and takes the rest back where others need the room. Where no file can be made,
//! or the disk is full, the list stays in memory.

use memmap2::{MmapMut, RemapOptions};
use nix::fcntl::posix_fallocate;
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{SysconfVar, sysconf};
use std::fmt;
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::LazyLock;

/// Beyond so many bytes a list lies in a file: some tens of lists are there at a time.
static IN_MEMORY_BYTES: LazyLock<usize> = LazyLock::new(|| (memory_bytes() / 64).min(64 << 20));
/// The least that is asked for at once.
const LEAST_BYTES: usize = 1 << 12;

/// A list of plain values that grows at its end, and is otherwise a slice.
pub struct Spool<T> {
    mapping: Option<MmapMut>,
    file: Option<File>,
    len: usize,
    values: PhantomData<T>,
}

impl<T: Copy + 'static> Spool<T> {
    /// A list of `len` times the same.
    pub fn filled(len: usize, value: T) -> Spool<T> {
        std::iter::repeat_n(value, len).collect()
    }

    /// Adds a value.
    pub fn push(&mut self, value: T) {
        if self.len == self.room() {
            self.make_room(self.len + 1);
        }
        let Some(mapping) = &mut self.mapping else {
            return;
        };
        // SAFETY: the mapping has room for `len + 1` values, by the lines above, and begins at a page, so that each is aligned.
        unsafe { mapping.as_mut_ptr().cast::<T>().add(self.len).write(value) };
        self.len += 1;
    }

    /// Whether it lies in a file.
    pub fn is_in_file(&self) -> bool {
        self.file.is_some()
    }

    /// Values that fit before the next growth.
    fn room(&self) -> usize {
        self.mapping.as_ref().map_or(0, |mapping| mapping.len()) / size_of::<T>()
    }

    /// Room for `len` values: in doubling steps, so that growing costs no more than what is kept.
    fn make_room(&mut self, len: usize) {
        let bytes = (len * size_of::<T>()).next_power_of_two().max(LEAST_BYTES);
        if bytes > *IN_MEMORY_BYTES {
            match self.grow_in_file(bytes) {
                Ok(()) => return,
                Err(err) => tracing::warn!(
                    "no room in {} for {bytes} bytes ({err}); they stay in memory",
                    folder().display()
                ),
            }
        }
        if self.grow_in_memory(bytes).is_err() {
            // As for every other list.
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<T>());
        }
    }

    fn grow_in_memory(&mut self, bytes: usize) -> io::Result<()> {
        if let (Some(mapping), None) = (&mut self.mapping, &self.file) {
            // SAFETY: there is no file whose end the mapping could reach beyond.
            return unsafe { mapping.remap(bytes, RemapOptions::new().may_move(true)) };
        }
        self.move_to(MmapMut::map_anon(bytes)?);
        self.file = None;
        Ok(())
    }

    /// In a file of so many bytes. The disk says now whether it is full, and not when a page of the mapping is written back.
    fn grow_in_file(&mut self, bytes: usize) -> io::Result<()> {
        let allocate = |file: &File| {
            posix_fallocate(file, 0, i64::try_from(bytes).map_err(io::Error::other)?).map_err(io::Error::from)
        };
        if let (Some(mapping), Some(file)) = (&mut self.mapping, &self.file) {
            allocate(file)?;
            // SAFETY: the file is as long as that since the line above.
            return unsafe { mapping.remap(bytes, RemapOptions::new().may_move(true)) };
        }
        let file = tempfile::tempfile_in(folder())?;
        allocate(&file)?;
        // SAFETY: the file has no name and is this list's own, so that nobody else changes or shortens it.
        self.move_to(unsafe { MmapMut::map_mut(&file)? });
        self.file = Some(file);
        Ok(())
    }

    /// Goes on in an empty mapping.
    fn move_to(&mut self, mut mapping: MmapMut) {
        if let Some(before) = &self.mapping {
            let (from, to) = (before.as_ptr().cast::<T>(), mapping.as_mut_ptr().cast::<T>());
            // SAFETY: `before` holds `len` values, the new mapping has room for more, and they are two places.
            unsafe { std::ptr::copy_nonoverlapping(from, to, self.len) };
        }
        self.mapping = Some(mapping);
    }
}

/// What this process may have: the machine's memory, or less where `RLIMIT_DATA` says so.
fn memory_bytes() -> usize {
    let of = |name| {
        sysconf(name)
            .ok()
            .flatten()
            .and_then(|value| usize::try_from(value).ok())
    };
    let machine = of(SysconfVar::_PHYS_PAGES).zip(of(SysconfVar::PAGE_SIZE));
    let machine = machine.map_or(usize::MAX, |(pages, bytes)| pages.saturating_mul(bytes));
    let limit = getrlimit(Resource::RLIMIT_DATA).map_or(usize::MAX, |(soft, _)| {
        usize::try_from(soft).unwrap_or(usize::MAX)
    });
    machine.min(limit)
}

/// Where large temporary files belong: `/tmp` may be memory.
fn folder() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

impl<T> Default for Spool<T> {
    fn default() -> Spool<T> {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= LEAST_BYTES) };
        Spool {
            mapping: None,
            file: None,
            len: 0,
            values: PhantomData,
        }
    }
}

impl<T> Deref for Spool<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.mapping {
            // SAFETY: the first `len` values were written as `T` by `push`, and the mapping lives as long as the borrow.
            Some(mapping) => unsafe { std::slice::from_raw_parts(mapping.as_ptr().cast(), self.len) },
            None => &[],
        }
    }
}

impl<T> DerefMut for Spool<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.mapping {
            // SAFETY: as above, and the borrow is the only one.
            Some(mapping) => unsafe { std::slice::from_raw_parts_mut(mapping.as_mut_ptr().cast(), self.len) },
            None => &mut [],
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
