// SPDX-License-Identifier: GPL-2.0-only
//! What rests on the set of CPUs, while that set may change under one's hands.
//!
//! A CPU that goes takes its files in sysfs away one after the other, and one that comes brings them likewise: whoever
//! reads at that moment finds half of them. What was begun for CPUs that are others by now is begun again.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::time::Duration;

/// For so long in all, not counting the tries themselves.
const LIMIT: Duration = Duration::from_secs(10);
/// The first pause; each is twice as long as the last, up to a limit.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);
/// Failures in a row with the same CPUs before and after, and since the last try, which are none of a change.
const CALM_FAILURES: u32 = 3;

/// The set of CPUs, and the pauses between tries.
pub trait Watch {
    /// Which CPUs are on, and how often that has changed: anything that differs after a change.
    fn generation(&self) -> String;

    /// Waits.
    fn pause(&mut self, time: Duration);
}

/// This machine.
pub struct ThisMachine;

impl Watch for ThisMachine {
    fn generation(&self) -> String {
        // The second is there only where the kernel has sched_ext; neither is needed.
        let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        read("/sys/devices/system/cpu/online") + &read("/sys/kernel/sched_ext/hotplug_seq")
    }

    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Does `what` until the CPUs were the same before and after.
///
/// # Errors
/// What `what` said, where the CPUs stay; that they do not, where they come and go all the time.
pub fn once_steady<T>(watch: &mut impl Watch, mut what: impl FnMut() -> Result<T>) -> Result<T> {
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    let mut last = watch.generation();
    let mut calm = 0;
    loop {
        let outcome = what();
        let now = watch.generation();
        let same = now == last;
        last = now;
        calm = if same { calm + 1 } else { 0 };
        match outcome {
            Ok(value) if same => return Ok(value),
            Err(err) if calm >= CALM_FAILURES => return Err(err),
            Err(err) if waited >= LIMIT => return Err(err).context(restless()),
            Ok(_) if waited >= LIMIT => bail!("{}", restless()),
            _ => {}
        }
        watch.pause(pause);
        waited += pause;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

fn restless() -> String {
    format!(
        "CPUs went off and on all the time for {} s; try again once they stay",
        LIMIT.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// CPUs that change so many times, once under each try.
    struct Changing<'a> {
        changes: u32,
        tries: &'a Cell<u32>,
        waited: Duration,
    }

    impl Watch for Changing<'_> {
        fn generation(&self) -> String {
            self.tries.get().min(self.changes).to_string()
        }

        fn pause(&mut self, time: Duration) {
            self.waited += time;
        }
    }

    /// What comes of work that fails so many times first; how often it was tried, and the pauses in all.
    fn tried(changes: u32, failures: u32) -> (Result<u32>, u32, Duration) {
        let tries = Cell::new(0);
        let mut watch = Changing {
            changes,
            tries: &tries,
            waited: Duration::ZERO,
        };
        let outcome = once_steady(&mut watch, || {
            tries.set(tries.get() + 1);
            match tries.get() > failures {
                true => Ok(tries.get()),
                false => bail!("cpu3/topology/core_id: No such file"),
            }
        });
        (outcome, tries.get(), watch.waited)
    }

    #[test]
    fn steady_cpus_cost_nothing_and_a_lasting_error_is_told_as_it_is() {
        let (outcome, tries, waited) = tried(0, 0);
        assert_eq!((outcome.unwrap(), tries, waited), (1, 1, Duration::ZERO));
        let (outcome, tries, waited) = tried(0, u32::MAX);
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "cpu3/topology/core_id: No such file"
        );
        assert_eq!(tries, CALM_FAILURES);
        assert!(waited <= Duration::from_millis(150), "{waited:?}");
    }

    #[test]
    fn while_cpus_change_a_failure_is_tried_again() {
        for failures in [1, 2, 3, 8] {
            let (outcome, tries, _) = tried(failures, failures);
            assert_eq!((outcome.unwrap(), tries), (failures + 1, failures + 1));
        }
        // One change, after which files are still missing for a moment.
        assert_eq!(tried(1, 3).0.unwrap(), 4);
    }

    #[test]
    fn what_was_read_before_a_change_is_read_again() {
        let (outcome, tries, _) = tried(3, 0);
        assert_eq!((outcome.unwrap(), tries), (4, 4));
    }

    #[test]
    fn cpus_that_never_stay_are_given_up_with_a_sentence() {
        for failures in [0, u32::MAX] {
            let (outcome, tries, waited) = tried(u32::MAX, failures);
            let told = format!("{:#}", outcome.unwrap_err());
            assert!(
                told.starts_with("CPUs went off and on all the time for 10 s"),
                "{told}"
            );
            assert_eq!(failures > 0, told.contains("core_id"), "{told}");
            assert!(waited >= LIMIT && waited <= LIMIT + LONGEST_PAUSE);
            assert!(tries < 30, "{tries}");
        }
    }
}
