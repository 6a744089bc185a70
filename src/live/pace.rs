// SPDX-License-Identifier: GPL-2.0-only
//! When the next round comes: every interval, and less often while rounds find nothing to do.
//!
//! A round takes a CPU from somebody. On a machine where nothing is to be moved it only costs.

use std::time::Duration;

/// Rounds in a row that find nothing before the pauses grow.
const PATIENCE: u32 = 2;

/// The pauses between rounds.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    interval: Duration,
    /// The longest pause, in intervals.
    most: u32,
    /// Rounds in a row that found nothing.
    quiet: u32,
}

impl Pace {
    /// A pause is one interval, or up to `most` intervals while nothing is to be done; 1 never rests.
    pub fn new(interval: Duration, most: u32) -> Pace {
        Pace {
            interval,
            most: most.max(1),
            quiet: 0,
        }
    }

    /// The pause after a round. `idle`: it named no candidate, denied nothing, and nothing is under way.
    pub fn after(&mut self, idle: bool) -> Duration {
        self.quiet = if idle { self.quiet.saturating_add(1) } else { 0 };
        let doublings = (self.quiet / PATIENCE).min(u32::BITS - 1);
        self.interval * (1 << doublings).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(most: u32, rounds: &[bool]) -> Vec<u128> {
        let mut pace = Pace::new(Duration::from_millis(100), most);
        let pause = |&idle: &bool| pace.after(idle).as_millis();
        rounds.iter().map(pause).collect()
    }

    #[test]
    fn idle_rounds_come_less_often_up_to_a_limit_and_the_first_that_finds_something_ends_it() {
        let rounds = [true, true, true, true, true, true, true, false, true, true];
        let expected = [100, 200, 200, 400, 400, 400, 400, 100, 100, 200];
        assert_eq!(pauses(4, &rounds), expected);
        assert_eq!(pauses(1, &rounds), [100; 10]);
        assert_eq!(pauses(3, &[true; 200])[199], 300);
    }
}
