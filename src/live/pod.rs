// SPDX-License-Identifier: GPL-2.0-only
//! Plain data between BPF maps and Rust, by copy: nothing here ever refers to memory that BPF writes.

use super::bpf::intf;
use anyhow::{Result, ensure};

/// A type of `intf.h`: integers and arrays of integers only, so that any bytes are a valid value.
///
/// # Safety
/// Implement it for such types alone.
pub unsafe trait Pod: Copy {}

/// A [`Pod`] without padding: each of its bytes has a value, so that they may be read.
///
/// # Safety
/// Implement it for such types alone.
pub unsafe trait Solid: Pod {}

/// The size of a field, for asking at compile time whether a type has anything but its fields.
const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! solid {
    ($($name:ident { $($field:ident),* }),*) => { $(
        // SAFETY: a struct of integers and arrays of them (see bpf/intf.h).
        unsafe impl Pod for intf::$name {}
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

// SAFETY: a struct of integers and arrays of them (see bpf/intf.h). It is aligned to cache lines and has padding at its end.
unsafe impl Pod for intf::augur_cpu {}

solid!(
    augur_task_row {
        start_ns,
        load_duty,
        avg_run_ns,
        avg_sleep_ns,
        avg_wake_interval_ns,
        since_run_ns,
        since_migration_ns,
        since_domain_move_ns,
        total_wait_ns,
        total_run_ns,
        cpus_allowed,
        pid,
        cpu,
        weight,
        dom,
        waker_dom,
        migrations,
        llc_changes,
        phase,
        pinned,
        pad,
        comm
    },
    augur_cpu_row {
        wait_ns,
        run_ns,
        runs,
        arrivals,
        load,
        busy_duty,
        queued,
        idle,
        curr_pid,
        dom
    },
    augur_snapshot_head {
        now_ns,
        nr_rows,
        dropped_rows,
        generation
    },
    augur_decision {
        seq,
        start_ns,
        pid,
        from,
        to,
        pad
    },
    augur_outcome {
        seq,
        at_ns,
        pid,
        status,
        cpu,
        pad
    },
    augur_permissions { at_ns, denied },
    augur_collect_args { nr_watched, pad },
    augur_apply_args {
        ttl_ns,
        nr_decisions,
        pad
    },
    record_head {
        time_ns,
        cpu,
        kind,
        extra
    },
    record_task { comm, pid, prio },
    record_one { head, task },
    record_two { head, first, second },
    record_exec { head, task, filename },
    record_losses { pending, total },
    record_counts {
        switches,
        wakeups,
        new_tasks,
        forks,
        execs,
        exits,
        migrations,
        unplaced,
        untracked,
        latency_sum_ns,
        latency
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
