// SPDX-License-Identifier: GPL-2.0-only
//! A device's queue: first come, first served, so that it is known when a part will be done as soon as it is put there.

use std::collections::VecDeque;

/// A task's part on a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Whose.
    pub flight: u32,
    /// When it begins.
    pub start_ns: u64,
    /// When it ends.
    pub end_ns: u64,
    /// When it seemed to end, when it was put here.
    seen_end_ns: u64,
    /// By how much the estimates of the tasks before it were wrong, in all.
    error_ns: i64,
}

/// A device's queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    parts: VecDeque<Part>,
    free_ns: u64,
    /// When it seems to be free: by what is known before tasks ran.
    seen_free_ns: u64,
    /// How much later parts were done than they seemed.
    error_ns: i64,
}

impl Lane {
    /// When it will have done all that it has.
    pub(super) fn free_ns(&self, now_ns: u64) -> u64 {
        self.free_ns.max(now_ns)
    }

    /// When it seems so.
    pub(super) fn seen_free_ns(&self, now_ns: u64) -> u64 {
        self.seen_free_ns.max(now_ns)
    }

    /// How many parts are here.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Puts a part behind all others; true: it is the only one.
    pub(super) fn push(&mut self, flight: u32, [start_ns, end_ns]: [u64; 2], seen_end_ns: u64) -> bool {
        self.parts.push_back(Part {
            flight,
            start_ns,
            end_ns,
            seen_end_ns,
            error_ns: self.error_ns,
        });
        self.free_ns = end_ns;
        self.seen_free_ns = seen_end_ns;
        self.parts.len() == 1
    }

    /// Takes the first part, which is done now, off; and says when the next one will be.
    pub(super) fn pop(&mut self) -> Option<(Part, Option<u64>)> {
        let part = self.parts.pop_front()?;
        // What the part was wrong by beyond what was known to be wrong by then, everything behind it is wrong by, too.
        let known = self.error_ns - part.error_ns;
        let error = part.end_ns.cast_signed() - part.seen_end_ns.cast_signed() - known;
        self.error_ns += error;
        self.seen_free_ns = self.seen_free_ns.saturating_add_signed(error);
        Some((part, self.parts.front().map(|next| next.end_ns)))
    }
}
