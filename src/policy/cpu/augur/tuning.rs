// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel's half can be told, with the names and defaults of `scx_augur run`. (The half-life of its load
//! averages is the world's: no choice of the kernel's half rests on them.)

use crate::policy::cpu::load::SHORT_RUN_NS;
use crate::policy::spelling::Spelling;
use anyhow::{Context, Result, ensure};

/// The settings of `bpf/state.bpf.h`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// How long a task runs before another that waits gets its turn.
    pub slice_ns: u64,
    /// No slice is shorter.
    pub slice_min_ns: u64,
    /// A task whose bursts are shorter than this interrupts instead of moving.
    pub short_run_ns: u64,
    /// A wait that is predicted to be shorter than this is not worth a migration.
    pub short_wait_ns: u64,
    /// An idle CPU takes a task of its domain after this wait, or where a longer one is predicted.
    pub steal_llc_ns: u64,
    /// The same, for a task of another domain.
    pub steal_far_ns: u64,
    /// A task that slept is owed at most this much.
    pub lag_ns: u64,
    /// Whatever its past, a burst may be as short as this: the task interrupts for so long. 0: by its past alone.
    pub trial_ns: u64,
    /// How many times shorter a burst must be to interrupt.
    pub preempt_ratio: u64,
    /// Whether the child of a vfork stays on its parent's CPU: 0 never, 1 where no CPU idles, 2 always.
    pub vfork_stays: u64,
    /// How long the model's word on stealing holds.
    pub permission_ttl_ns: u64,
    /// Who has waited for so long gets a turn, whatever its virtual time.
    pub starving_ns: u64,
    /// How often each CPU looks for such a task.
    pub rescue_interval_ns: u64,
    /// Of two tasks that are owed the same, the one with the shorter burst goes first.
    pub deadline_order: bool,
    /// At a tick, the first in the queue may interrupt as it could have at its wakeup.
    pub tick_preempt: bool,
    /// Tasks with short bursts may interrupt at wakeup.
    pub wake_preempt: bool,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            slice_ns: 20_000_000,
            slice_min_ns: 1_000_000,
            short_run_ns: SHORT_RUN_NS,
            short_wait_ns: 500_000,
            steal_llc_ns: 500_000,
            steal_far_ns: 1_000_000,
            lag_ns: 20_000_000,
            trial_ns: 1_000_000,
            preempt_ratio: 2,
            vfork_stays: 1,
            permission_ttl_ns: 1_000_000_000,
            starving_ns: 5_000_000_000,
            rescue_interval_ns: 50_000_000,
            deadline_order: true,
            tick_preempt: true,
            wake_preempt: true,
        }
    }
}

/// Where the value of a key goes, and which values it may have.
enum Place {
    /// µs, at least so many; kept in ns.
    Time(u64, fn(&mut Tuning) -> &mut u64),
    /// A number in these bounds.
    Count(u64, u64, fn(&mut Tuning) -> &mut u64),
    /// 0 or 1.
    Switch(fn(&mut Tuning) -> &mut bool),
}

/// The longest time that `scx_augur run` takes, in µs.
const LONGEST_US: u64 = 10_000_000;

const KEYS: [(&str, Place); 12] = [
    ("slice_us", Place::Time(100, |tuning| &mut tuning.slice_ns)),
    ("short_run_us", Place::Time(0, |tuning| &mut tuning.short_run_ns)),
    (
        "short_wait_us",
        Place::Time(0, |tuning| &mut tuning.short_wait_ns),
    ),
    ("steal_llc_us", Place::Time(0, |tuning| &mut tuning.steal_llc_ns)),
    ("steal_far_us", Place::Time(0, |tuning| &mut tuning.steal_far_ns)),
    ("lag_us", Place::Time(0, |tuning| &mut tuning.lag_ns)),
    ("trial_us", Place::Time(0, |tuning| &mut tuning.trial_ns)),
    (
        "preempt_ratio",
        Place::Count(1, 1000, |tuning| &mut tuning.preempt_ratio),
    ),
    (
        "vfork_stays",
        Place::Count(0, 2, |tuning| &mut tuning.vfork_stays),
    ),
    (
        "deadline_order",
        Place::Switch(|tuning| &mut tuning.deadline_order),
    ),
    ("tick_preempt", Place::Switch(|tuning| &mut tuning.tick_preempt)),
    ("wake_preempt", Place::Switch(|tuning| &mut tuning.wake_preempt)),
];

impl Tuning {
    /// The names of the arguments that [`Tuning::from_spelling`] takes.
    pub fn names() -> [&'static str; KEYS.len()] {
        KEYS.each_ref().map(|(name, _)| *name)
    }

    /// The defaults with the arguments of `spelling` in their place; others are left alone.
    ///
    /// # Errors
    /// One sentence that names the argument that is wrong, and its bounds.
    pub fn from_spelling(spelling: &Spelling) -> Result<Tuning> {
        let mut tuning = Tuning::default();
        for (name, place) in &KEYS {
            let Some(value) = spelling.integer(name)? else {
                continue;
            };
            let (least, most) = match place {
                Place::Time(least, _) => (*least, LONGEST_US),
                Place::Count(least, most, _) => (*least, *most),
                Place::Switch(_) => (0, 1),
            };
            ensure!(
                (least..=most).contains(&value),
                "policy '{spelling}' needs {name} between {least} and {most}, not {value}"
            );
            match place {
                Place::Time(_, of) => {
                    *of(&mut tuning) = value.checked_mul(1_000).context("a time is too long")?;
                }
                Place::Count(_, _, of) => *of(&mut tuning) = value,
                Place::Switch(of) => *of(&mut tuning) = value == 1,
            }
        }
        Ok(tuning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Tuning> {
        Tuning::from_spelling(&text.parse()?)
    }

    #[test]
    fn defaults_are_those_of_the_kernels_half() {
        let source = include_str!("../../../../bpf/state.bpf.h");
        let tuning = Tuning::default();
        let flag = |on: bool| on.to_string();
        for (name, value) in [
            ("slice_ns", tuning.slice_ns.to_string()),
            ("slice_min_ns", tuning.slice_min_ns.to_string()),
            ("short_run_ns", tuning.short_run_ns.to_string()),
            ("short_wait_ns", tuning.short_wait_ns.to_string()),
            ("steal_llc_ns", tuning.steal_llc_ns.to_string()),
            ("steal_far_ns", tuning.steal_far_ns.to_string()),
            ("lag_ns", tuning.lag_ns.to_string()),
            ("trial_ns", tuning.trial_ns.to_string()),
            ("permission_ttl_ns", tuning.permission_ttl_ns.to_string()),
            ("starving_ns", tuning.starving_ns.to_string()),
            ("rescue_interval_ns", tuning.rescue_interval_ns.to_string()),
            ("preempt_ratio", tuning.preempt_ratio.to_string()),
            ("vfork_stays", tuning.vfork_stays.to_string()),
            ("wake_preempt", flag(tuning.wake_preempt)),
            ("deadline_order", flag(tuning.deadline_order)),
            ("tick_preempt", flag(tuning.tick_preempt)),
        ] {
            let wanted = format!(" {name} = {value};");
            assert!(source.contains(&wanted), "bpf/state.bpf.h has no `{wanted}`");
        }
    }

    #[test]
    fn a_spelling_sets_what_it_names() {
        let tuning =
            of("augur[trial_us=0,lag_us=5000,deadline_order=0,preempt_ratio=3,vfork_stays=2]").unwrap();
        let wanted = Tuning {
            trial_ns: 0,
            lag_ns: 5_000_000,
            deadline_order: false,
            preempt_ratio: 3,
            vfork_stays: 2,
            ..Tuning::default()
        };
        assert_eq!(tuning, wanted);
        for wrong in [
            "augur[tick_preempt=2]",
            "augur[slice_us=99]",
            "augur[preempt_ratio=0]",
            "augur[trial_us=x]",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
