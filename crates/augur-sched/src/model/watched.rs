// SPDX-License-Identifier: GPL-2.0-only
//! A thread inside a model, seen from outside: how much CPU time it got, and what becomes of it when it gets nowhere.
//!
//! Time on the wall says little about a model: on a busy machine its thread waits for a CPU as everybody does. So what
//! counts against a model is the CPU time that its thread used. Only a model that neither answers nor uses any, because
//! it sleeps or has locked itself out, is found by the wall's clock, and that is a generous one.

use nix::time::ClockId;
use nix::unistd::{Pid, gettid};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Threads that were given up and have not come out of their model yet.
static GIVEN_UP: AtomicUsize = AtomicUsize::new(0);

const AT_WORK: u8 = 0;
const LEFT_ALONE: u8 = 1;
const ENDED: u8 = 2;

/// What both ends know of the thread.
#[derive(Debug, Default)]
struct Shared {
    /// Its number, once it has begun.
    thread: AtomicI32,
    state: AtomicU8,
}

/// The end outside.
#[derive(Debug)]
pub(super) struct Watched(Arc<Shared>);

/// The end that the thread holds while it is inside.
#[derive(Debug)]
pub(super) struct Inside(Arc<Shared>);

/// Time that passed for a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// CPU time that it used.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
}

/// A moment from which time is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    cpu: Duration,
    wall: Instant,
}

/// Both ends.
pub(super) fn watched() -> (Watched, Inside) {
    let shared = Arc::new(Shared::default());
    (Watched(shared.clone()), Inside(shared))
}

/// How many threads were left to themselves inside a model and are still there.
pub(super) fn given_up() -> usize {
    GIVEN_UP.load(Ordering::Relaxed)
}

impl Watched {
    /// The moment that it is now.
    pub(super) fn start(&self) -> Start {
        Start {
            cpu: self.cpu_time(),
            wall: Instant::now(),
        }
    }

    /// What passed since then.
    pub(super) fn since(&self, start: &Start) -> Passed {
        Passed {
            cpu: self.cpu_time().saturating_sub(start.cpu),
            wall: start.wall.elapsed(),
        }
    }

    /// CPU time that the thread used so far; none before it began, or when it has ended.
    fn cpu_time(&self) -> Duration {
        let thread = self.0.thread.load(Ordering::Acquire);
        if thread == 0 || self.0.state.load(Ordering::Acquire) == ENDED {
            return Duration::ZERO;
        }
        clock_of(Pid::from_raw(thread))
            .now()
            .map_or(Duration::ZERO, Duration::from)
    }

    /// Leaves the thread to itself, with the CPU time that nobody else wants, and counts it until it comes out.
    pub(super) fn give_up(&self) {
        let thread = self.0.thread.load(Ordering::Acquire);
        let state = &self.0.state;
        let given = state.compare_exchange(AT_WORK, LEFT_ALONE, Ordering::AcqRel, Ordering::Acquire);
        if thread != 0 && given.is_ok() {
            GIVEN_UP.fetch_add(1, Ordering::Relaxed);
            augur_tensorflow::demote_thread(Pid::from_raw(thread));
        }
    }

    /// Gives a thread that was left to itself its share of CPU time again.
    pub(super) fn take_back(&self) {
        let thread = self.0.thread.load(Ordering::Acquire);
        let state = &self.0.state;
        let taken = state.compare_exchange(LEFT_ALONE, AT_WORK, Ordering::AcqRel, Ordering::Acquire);
        if thread != 0 && taken.is_ok() {
            GIVEN_UP.fetch_sub(1, Ordering::Relaxed);
            augur_tensorflow::promote_thread(Pid::from_raw(thread));
        }
    }
}

impl Inside {
    /// The calling thread is the one that is meant.
    pub(super) fn enter(&self) {
        self.0.thread.store(gettid().as_raw(), Ordering::Release);
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let began = self.0.thread.load(Ordering::Acquire) != 0;
        if self.0.state.swap(ENDED, Ordering::AcqRel) == LEFT_ALONE && began {
            GIVEN_UP.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The clock of a thread's CPU time, which any thread of the process may read: as pthread_getcpuclockid(3) makes it of
/// the thread's number.
fn clock_of(thread: Pid) -> ClockId {
    const PER_THREAD_SCHEDULED: libc::clockid_t = 4 | 2;
    ClockId::from_raw((!thread.as_raw() << 3) | PER_THREAD_SCHEDULED)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// Keeps this thread busy until it has used so much CPU time.
    pub(crate) fn burn(time: Duration) {
        let clock = ClockId::CLOCK_THREAD_CPUTIME_ID;
        let begin = Duration::from(clock.now().unwrap());
        while Duration::from(clock.now().unwrap()) < begin + time {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn sleep_is_no_cpu_time_and_work_is() {
        let (watched, inside) = watched();
        let (go, wait) = channel::<Duration>();
        let (tell, done) = channel();
        assert_eq!(watched.start().cpu, Duration::ZERO, "it has not begun");
        let thread = std::thread::spawn(move || {
            inside.enter();
            tell.send(()).unwrap();
            for time in wait {
                burn(time);
                tell.send(()).unwrap();
            }
        });
        done.recv().unwrap();
        let start = watched.start();
        std::thread::sleep(Duration::from_millis(60));
        let asleep = watched.since(&start);
        assert!(asleep.wall >= Duration::from_millis(60));
        assert!(asleep.cpu < Duration::from_millis(20), "{asleep:?}");
        go.send(Duration::from_millis(50)).unwrap();
        done.recv().unwrap();
        let at_work = watched.since(&start);
        assert!(at_work.cpu >= Duration::from_millis(50), "{at_work:?}");
        assert!(at_work.wall >= at_work.cpu);
        drop(go);
        thread.join().unwrap();
        assert_eq!(watched.start().cpu, Duration::ZERO, "it has ended");
    }

    #[test]
    fn a_thread_that_was_given_up_counts_until_it_comes_out() {
        let (watched, inside) = watched();
        let (go, wait) = channel::<()>();
        let (tell, done) = channel();
        let thread = std::thread::spawn(move || {
            inside.enter();
            tell.send(()).unwrap();
            let _ = wait.recv();
        });
        done.recv().unwrap();
        watched.give_up();
        watched.take_back();
        watched.take_back();
        assert_eq!(watched.0.state.load(Ordering::Acquire), AT_WORK);
        watched.give_up();
        watched.give_up();
        // Other tests give up threads of their own.
        assert!(given_up() >= 1);
        assert_eq!(watched.0.state.load(Ordering::Acquire), LEFT_ALONE);
        drop(go);
        thread.join().unwrap();
        assert_eq!(watched.0.state.load(Ordering::Acquire), ENDED);
        watched.give_up();
        assert_eq!(watched.0.state.load(Ordering::Acquire), ENDED);
    }
}
