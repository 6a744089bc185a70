// SPDX-License-Identifier: GPL-2.0-only
//! BPF arrays that are mapped into this process: a round reads and writes dozens of entries, and asking the kernel for each costs more
//! than all the rest of the round, which running tasks wait for.
//!
//! Values are copied in and out; nothing here hands out a reference into memory that BPF writes.

use super::bpf::intf;
use super::pod::Pod;
use anyhow::{Context, Result, bail, ensure};
use libbpf_rs::MapCore;
use std::marker::PhantomData;
use std::os::fd::AsRawFd;

/// An array map with BPF_F_MMAPABLE whose values are `T`.
pub struct Window<T: Pod> {
    base: *mut u8,
    bytes: usize,
    entries: u32,
    values: PhantomData<T>,
}

/// The kernel rounds the size of an entry up to this.
const ALIGNMENT: usize = 8;

impl<T: Pod> Window<T> {
    const STRIDE: usize = size_of::<T>().next_multiple_of(ALIGNMENT);

    /// Maps the array.
    ///
    /// # Errors
    /// Where its values are of another size, or the kernel does not map it.
    pub fn open(map: &impl MapCore) -> Result<Window<T>> {
        let name = map.name().to_string_lossy().into_owned();
        ensure!(
            map.value_size() as usize == size_of::<T>(),
            "BPF map {name} has entries of {} bytes where {} were expected: the binary and its BPF program do not match",
            map.value_size(),
            size_of::<T>()
        );
        let entries = map.max_entries();
        let bytes = entries as usize * Self::STRIDE;
        // SAFETY: a new mapping of a file that this process holds open; nothing else is there yet.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_fd().as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            let error = std::io::Error::last_os_error();
            return Err(error).with_context(|| format!("cannot map the BPF array {name}"));
        }
        Ok(Window {
            base: base.cast(),
            bytes,
            entries,
            values: PhantomData,
        })
    }

    fn place(&self, index: u32) -> Result<*mut T> {
        if index >= self.entries {
            bail!(
                "a BPF array has {} entries, and none number {index}",
                self.entries
            );
        }
        // SAFETY: within the mapping, by the check above; entries are 8-byte aligned, as is the mapping's begin.
        Ok(unsafe { self.base.add(index as usize * Self::STRIDE) }.cast())
    }

    /// A copy of one entry.
    ///
    /// # Errors
    /// Where there is no such entry.
    pub fn get(&self, index: u32) -> Result<T> {
        // SAFETY: a place within the mapping; any bytes are a valid T (Pod). The kernel may write it meanwhile, hence volatile.
        Ok(unsafe { self.place(index)?.read_volatile() })
    }

    /// Copies of the first entries, of all at most.
    ///
    /// # Errors
    /// Where an entry cannot be read.
    pub fn first(&self, count: u32) -> Result<Vec<T>> {
        (0..count.min(self.entries))
            .map(|index| self.get(index))
            .collect()
    }

    /// Writes one entry.
    ///
    /// # Errors
    /// Where there is no such entry.
    pub fn set(&self, index: u32, value: T) -> Result<()> {
        // SAFETY: as in `get`; only this process writes the arrays that it writes at all.
        unsafe { self.place(index)?.write_volatile(value) };
        Ok(())
    }
}

impl<T: Pod> Drop for Window<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping that `open` made; nothing refers into it (values are copied).
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

/// What a round reads and writes.
pub struct Windows {
    /// How many rows there are, and of when.
    pub head: Window<intf::augur_snapshot_head>,
    /// Tasks.
    pub tasks: Window<intf::augur_task_row>,
    /// CPUs, by number.
    pub cpus: Window<intf::augur_cpu_row>,
    /// Pids that are to be reported again.
    pub watched: Window<i32>,
    /// Decisions on their way.
    pub decisions: Window<intf::augur_decision>,
}

impl Windows {
    /// Maps all of them.
    ///
    /// # Errors
    /// As [`Window::open`].
    pub fn open(skel: &super::bpf::BpfSkel) -> Result<Windows> {
        let maps = &skel.maps;
        Ok(Windows {
            head: Window::open(&maps.snapshot_head)?,
            tasks: Window::open(&maps.task_rows)?,
            cpus: Window::open(&maps.cpu_rows)?,
            watched: Window::open(&maps.watched)?,
            decisions: Window::open(&maps.decisions)?,
        })
    }
}
