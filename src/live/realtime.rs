// SPDX-License-Identifier: GPL-2.0-only
//! A thread that for a while runs before all fair tasks.
//!
//! Until Linux 7.0 the thread that attaches a sched_ext scheduler hands over one task after the other, itself among them, and
//! sched_ext's class ranks below the fair one. From there on, fair tasks that never sleep, one on each CPU, keep that thread
//! from ever finishing, and all tasks that were handed over before stand still with it (mainline mended it with "sched_ext:
//! Fix starvation of scx_enable() under fair-class saturation"). A real-time thread is not handed over.

use std::io;
use std::marker::PhantomData;

/// The calling thread is SCHED_FIFO, of the lowest priority, until this is dropped; then it is what it was.
pub struct RealTime {
    policy: libc::c_int,
    param: libc::sched_param,
    /// What a thread began, the same thread ends.
    here: PhantomData<*const ()>,
}

impl RealTime {
    /// Begins.
    ///
    /// # Errors
    /// Where the kernel does not allow it (CAP_SYS_NICE); the thread is as it was.
    pub fn begin() -> io::Result<RealTime> {
        let mut param = libc::sched_param { sched_priority: 0 };
        // SAFETY: 0 is the calling thread.
        let policy = checked(unsafe { libc::sched_getscheduler(0) })?;
        // SAFETY: `param` outlives the call.
        checked(unsafe { libc::sched_getparam(0, &mut param) })?;
        // SAFETY: it takes a number.
        let sched_priority = checked(unsafe { libc::sched_get_priority_min(libc::SCHED_FIFO) })?;
        set(libc::SCHED_FIFO, &libc::sched_param { sched_priority })?;
        Ok(RealTime {
            policy,
            param,
            here: PhantomData,
        })
    }
}

impl Drop for RealTime {
    fn drop(&mut self) {
        if let Err(err) = set(self.policy, &self.param) {
            tracing::warn!("the daemon stays a real-time task ({err}): restart it");
        }
    }
}

fn set(policy: libc::c_int, param: &libc::sched_param) -> io::Result<()> {
    // SAFETY: `param` outlives the call; 0 is the calling thread.
    checked(unsafe { libc::sched_setscheduler(0, policy, param) }).map(drop)
}

fn checked(code: libc::c_int) -> io::Result<libc::c_int> {
    match code {
        0.. => Ok(code),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel's number of the calling thread's policy.
    fn policy() -> String {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let after_name = stat.rsplit(')').next().unwrap();
        // proc(5): the policy is field 41, the first after the name is 3.
        after_name.split_whitespace().nth(41 - 3).unwrap().to_string()
    }

    #[test]
    fn it_is_real_time_until_it_is_dropped() {
        match RealTime::begin() {
            Ok(first) => {
                assert_eq!(policy(), "1");
                drop(first);
            }
            Err(err) => assert_eq!(err.raw_os_error(), Some(libc::EPERM)),
        }
        assert_eq!(policy(), "0");
    }
}
