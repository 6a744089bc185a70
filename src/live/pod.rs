// SPDX-License-Identifier: GPL-2.0-only
//! Plain data between BPF maps and Rust, by copy: nothing here ever refers to memory that BPF writes.

use super::bpf::intf;
use anyhow::{Result, ensure};

/// A type of `intf.h`: integers and arrays of integers only, so that any bytes are a valid value.
///
/// # Safety
/// Implement it for such types alone.
pub unsafe trait Pod: Copy {}

/// A [`Pod`] without padding: each of its bytes has a value, so that they may be read as they are.
///
/// # Safety
/// Implement it for such types alone.
pub unsafe trait Solid: Pod {}

/// The size of a field, for asking at compile time whether a type has anything but its fields.
const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! pods {
    ($($name:ident),*) => { $(
        // SAFETY: a struct of integers and arrays of them (see bpf/intf.h).
        unsafe impl Pod for intf::$name {}
    )* };
}

macro_rules! solid {
    ($($name:ident { $($field:ident),* }),*) => { $(
        // SAFETY: asserted below.
        unsafe impl Solid for intf::$name {}
        const _: () = {
            // Does not compile unless every field is named.
            let _ = |value: &intf::$name| {
                let intf::$name { $($field: _),* } = value;
            };
            assert!(size_of::<intf::$name>() == 0 $(+ size_of_field(|value: &intf::$name| &value.$field))*);
        };
    )* };
}

// SAFETY: an integer.
unsafe impl Pod for i32 {}

pods!(
    augur_cpu,
    augur_task_row,
    augur_cpu_row,
    augur_snapshot_head,
    augur_decision,
    augur_outcome,
    augur_permissions,
    augur_collect_args,
    augur_apply_args,
    record_head,
    record_task,
    record_one,
    record_two,
    record_exec,
    record_losses,
    record_counts
);

solid!(
    record_head {
        time_ns,
        cpu,
        kind,
        extra
    },
    augur_permissions { at_ns, denied },
    augur_collect_args { nr_watched, pad },
    augur_apply_args {
        ttl_ns,
        nr_decisions,
        pad
    }
);

/// Copies a value out of map bytes.
///
/// # Errors
/// Where there are fewer bytes than the type has.
pub fn read<T: Pod>(bytes: &[u8]) -> Result<T> {
    ensure!(
        bytes.len() >= size_of::<T>(),
        "a BPF map holds {} bytes where {} were expected: the binary and its BPF program do not match",
        bytes.len(),
        size_of::<T>()
    );
    // SAFETY: enough bytes (checked above), any of which are a valid T (Pod), read without alignment.
    Ok(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) })
}

/// A value's bytes, for a map update or a program's context.
pub fn bytes<T: Solid>(value: &T) -> &[u8] {
    // SAFETY: the slice covers exactly the value and lives as long; none of it is padding (Solid).
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size_of::<T>()) }
}
