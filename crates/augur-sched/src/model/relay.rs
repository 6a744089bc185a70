// SPDX-License-Identifier: GPL-2.0-only
//! A channel whose receiver sleeps at once.
//!
//! Receivers of the standard library look again and yield some ten times before they sleep. Where others wait for the CPU,
//! every yield lets them go first, and all of that together cost more than the batch that was waited for.

use std::collections::VecDeque;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What both ends know.
#[derive(Debug)]
struct Shared<T> {
    line: Mutex<Line<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Line<T> {
    values: VecDeque<T>,
    /// Both ends are there.
    open: bool,
}

/// An end, which says so when it goes.
#[derive(Debug)]
struct End<T>(Arc<Shared<T>>);

/// Where values go in.
#[derive(Debug)]
pub struct Sender<T>(End<T>);

/// Where they come out.
#[derive(Debug)]
pub struct Receiver<T>(End<T>);

/// Both ends.
pub fn relay<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        line: Mutex::new(Line {
            values: VecDeque::new(),
            open: true,
        }),
        changed: Condvar::new(),
    });
    (Sender(End(shared.clone())), Receiver(End(shared)))
}

impl<T> End<T> {
    fn line(&self) -> MutexGuard<'_, Line<T>> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        self.line().open = false;
        self.0.changed.notify_all();
    }
}

impl<T> Sender<T> {
    /// Hands a value over. False: nobody will take it.
    pub fn give(&self, value: T) -> bool {
        let mut line = self.0.line();
        line.values.push_back(value);
        let taken = line.open;
        drop(line);
        self.0.0.changed.notify_one();
        taken
    }
}

impl<T> Receiver<T> {
    /// The next value; `None` when no more will come.
    pub fn take(&self) -> Option<T> {
        loop {
            match self.take_before(Instant::now() + Duration::from_secs(3600)) {
                Ok(value) => return Some(value),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The next value, where it comes in time.
    ///
    /// # Errors
    /// None came until `end`, or none will come.
    pub fn take_before(&self, end: Instant) -> Result<T, RecvTimeoutError> {
        let mut line = self.0.line();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match line.values.pop_front() {
                Some(value) => return Ok(value),
                None if !line.open => return Err(RecvTimeoutError::Disconnected),
                None if left.is_zero() => return Err(RecvTimeoutError::Timeout),
                None => {}
            }
            let woken = self.0.0.changed.wait_timeout(line, left);
            (line, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A value that is there already.
    ///
    /// # Errors
    /// None is there, or none will come.
    pub fn try_take(&self) -> Result<T, TryRecvError> {
        self.take_before(Instant::now()).map_err(|err| match err {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Whether no value is there.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.0.line().values.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn values_come_in_order_and_the_end_is_seen_by_who_sleeps() {
        let (giver, taker) = relay();
        let sum = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while let Some(value) = taker.take() {
                seen.push(value);
            }
            seen
        });
        (0..1000).for_each(|value| assert!(giver.give(value)));
        drop(giver);
        assert_eq!(sum.join().unwrap(), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn who_waits_waits_until_the_end_and_no_longer_for_one_that_is_gone() {
        let (giver, taker) = relay::<u8>();
        let begin = Instant::now();
        let end = begin + Duration::from_millis(20);
        assert_eq!(taker.take_before(end), Err(RecvTimeoutError::Timeout));
        assert!(begin.elapsed() >= Duration::from_millis(20));
        assert_eq!(taker.try_take(), Err(TryRecvError::Empty));
        assert!(giver.give(7));
        assert_eq!(taker.take_before(end), Ok(7));
        let far = Instant::now() + Duration::from_secs(3600);
        std::thread::spawn(move || drop(giver));
        assert_eq!(taker.take_before(far), Err(RecvTimeoutError::Disconnected));
        drop(taker);
        let (giver, taker) = relay();
        drop(taker);
        assert!(!giver.give(7));
    }
}
