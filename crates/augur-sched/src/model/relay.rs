// SPDX-License-Identifier: GPL-2.0-only
//! A channel whose receiver sleeps at once.
//!
//! crossbeam's receivers look again and yield some ten times before they sleep. Where others wait for the CPU, every yield lets
//! them go first, and all of that together cost more than the batch that was waited for.

use crossbeam_channel::{self as crossbeam, RecvTimeoutError, TryRecvError, bounded};
use crossbeam_utils::sync::{Parker, Unparker};
use std::time::Instant;

/// Where values go in.
#[derive(Debug)]
pub struct Sender<T> {
    /// `None` only while it is dropped.
    sender: Option<crossbeam::Sender<T>>,
    wake: Unparker,
}

/// Where they come out.
#[derive(Debug)]
pub struct Receiver<T> {
    receiver: crossbeam::Receiver<T>,
    sleep: Parker,
}

/// Both ends, with room for one value in between.
pub fn relay<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = bounded(1);
    let sleep = Parker::new();
    let sender = Sender {
        sender: Some(sender),
        wake: sleep.unparker().clone(),
    };
    (sender, Receiver { receiver, sleep })
}

impl<T> Sender<T> {
    /// Hands a value over, waiting while there is no room. False: nobody will take it.
    pub fn give(&self, value: T) -> bool {
        let given = self
            .sender
            .as_ref()
            .is_some_and(|sender| sender.send(value).is_ok());
        self.wake.unpark();
        given
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Before the other end is woken up, or it would see nothing new and sleep for good.
        self.sender = None;
        self.wake.unpark();
    }
}

impl<T> Receiver<T> {
    /// The next value; `None` when no more will come.
    pub fn take(&self) -> Option<T> {
        loop {
            match self.receiver.try_recv() {
                Ok(value) => return Some(value),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => self.sleep.park(),
            }
        }
    }

    /// The next value, where it comes in time.
    ///
    /// # Errors
    /// None came until `end`, or none will come.
    pub fn take_before(&self, end: Instant) -> Result<T, RecvTimeoutError> {
        loop {
            match self.receiver.try_recv() {
                Ok(value) => return Ok(value),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) if Instant::now() >= end => return Err(RecvTimeoutError::Timeout),
                Err(TryRecvError::Empty) => self.sleep.park_deadline(end),
            }
        }
    }

    /// Whether no value is there.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// A value that is there already.
    ///
    /// # Errors
    /// None is there, or none will come.
    pub fn try_take(&self) -> Result<T, TryRecvError> {
        self.receiver.try_recv()
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
