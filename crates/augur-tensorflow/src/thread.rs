// SPDX-License-Identifier: GPL-2.0-only
//! What becomes of a thread that does not come out of a model.

use nix::unistd::Pid;

/// Leaves a thread that loops inside a model only the CPU time that nobody else wants. It cannot be ended: it may hold
/// any lock of the library.
pub fn demote_thread(thread: Pid) {
    set_policy(thread, libc::SCHED_IDLE);
}

/// Gives such a thread its share again. Without the right to do that it stays where it is.
pub fn promote_thread(thread: Pid) {
    set_policy(thread, libc::SCHED_OTHER);
}

fn set_policy(thread: Pid, policy: libc::c_int) {
    // SAFETY: an integer type; all zeros is a valid value, and the priority that both policies demand.
    let priority: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: `priority` outlives the call. For a thread that has ended since, the call fails, which is as good.
    unsafe { libc::sched_setscheduler(thread.as_raw(), policy, &raw const priority) };
}
