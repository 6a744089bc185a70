// SPDX-License-Identifier: GPL-2.0-only
//! The pauses between tries of what was too slow: each twice as long as the last, up to a limit, and never the last.

use std::time::Duration;

/// The longest pause, in first ones.
const MOST: u32 = 30;

/// The pauses so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    first: Duration,
    /// How many there were.
    count: u32,
}

impl Pauses {
    /// None so far.
    pub(super) fn new(first: Duration) -> Pauses {
        Pauses { first, count: 0 }
    }

    /// The pause that begins now.
    pub(super) fn next(&mut self) -> Duration {
        let factor = 1_u32.checked_shl(self.count).unwrap_or(MOST).min(MOST);
        self.count = self.count.saturating_add(1);
        self.first * factor
    }

    /// It went well: the next pause is the first one again.
    pub(super) fn reset(&mut self) {
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_double_up_to_a_limit_for_ever() {
        let mut pauses = Pauses::new(Duration::from_secs(10));
        let seconds: Vec<_> = (0..8).map(|_| pauses.next().as_secs()).collect();
        assert_eq!(seconds, [10, 20, 40, 80, 160, 300, 300, 300]);
        (0..1000).for_each(|_| assert!(pauses.next() <= Duration::from_secs(300)));
        assert_eq!(pauses.next().as_secs(), 300);
        pauses.reset();
        assert_eq!(pauses.next().as_secs(), 10);
    }
}
