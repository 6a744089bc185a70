// SPDX-License-Identifier: GPL-2.0-only
//! What the kernel's half can be told: one table, from which its read-only data, the options of `scx_augur run` and the
//! arguments of a policy's spelling come. (The half-life of its load averages is the world's in replays: no choice of the
//! kernel's half rests on them.)

use crate::policy::cpu::load::SHORT_RUN_NS;
use anyhow::Result;
use augur_base::spelling::Spelling;
use std::ops::RangeInclusive;

/// The settings of `bpf/state.bpf.h`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// How long a task runs before another that waits gets its turn.
    pub slice_ns: u64,
    /// Where more than this wait for a CPU, their slices are shorter.
    pub round_slices: u64,
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
    /// How soon it looks again where it found one.
    pub rescue_again_ns: u64,
    /// How long something real time keeps a CPU before others take what waits there, and how often each takes one.
    pub help_ns: u64,
    /// Who yields is charged for a turn of at least this length.
    pub yield_ns: u64,
    /// Whatever its past, a burst may be as short as this: the task interrupts for so long. 0: by its past alone.
    pub trial_ns: u64,
    /// Who interrupts is ahead of the one that runs by no more than this, in virtual time.
    pub lead_ns: u64,
    /// What a task's first burst is taken for in a queue's order. 0: for a long one.
    pub new_run_ns: u64,
    /// Who runs is taken to go on for at least so long where another asks whether to interrupt it.
    pub rest_ns: u64,
    /// Who runs is not interrupted by whom it wakes itself before it has run for so long.
    pub spare_ns: u64,
    /// How many times shorter a burst must be to interrupt.
    pub preempt_ratio: u64,
    /// Whether the child of a vfork stays on its parent's CPU: 0 never, 1 where no CPU idles, 2 always.
    pub vfork_stays: u64,
    /// Half-life of the load averages.
    pub halflife_ns: u64,
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
    /// But not where the waker said that it is about to sleep.
    pub sync_waits: bool,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            slice_ns: 20_000_000,
            round_slices: 8,
            slice_min_ns: 1_000_000,
            short_run_ns: SHORT_RUN_NS,
            short_wait_ns: 500_000,
            steal_llc_ns: 500_000,
            steal_far_ns: 1_000_000,
            lag_ns: 20_000_000,
            halflife_ns: 50_000_000,
            rescue_again_ns: 8_000_000,
            help_ns: 4_000_000,
            yield_ns: 3_000_000,
            trial_ns: 1_000_000,
            lead_ns: 20_000_000,
            new_run_ns: 500_000,
            rest_ns: 20_000_000,
            spare_ns: 200_000,
            preempt_ratio: 2,
            vfork_stays: 1,
            permission_ttl_ns: 1_000_000_000,
            starving_ns: 5_000_000_000,
            rescue_interval_ns: 50_000_000,
            deadline_order: true,
            tick_preempt: true,
            wake_preempt: true,
            sync_waits: true,
        }
    }
}

/// One of them: as an option of `scx_augur run`, and as an argument of a policy's spelling.
pub struct Setting {
    /// As it is spelled. The option has hyphens; that of a switch is `--no-NAME` and turns it off.
    pub name: &'static str,
    /// What it does; of a switch, what is so without it.
    pub help: &'static str,
    /// Replays have it, too.
    spelled: bool,
    place: Place,
}

/// Where the value of a setting goes, and which values it may have.
enum Place {
    /// µs, at least so many; kept in ns.
    Time(u64, fn(&mut Tuning) -> &mut u64),
    /// A number in these bounds.
    Count(u64, u64, fn(&mut Tuning) -> &mut u64),
    /// 0 or 1.
    Switch(fn(&mut Tuning) -> &mut bool),
}

/// The longest time, in µs.
const LONGEST_US: u64 = 10_000_000;
const NS_PER_US: u64 = 1_000;

/// All that can be set, in the order of the help.
pub const SETTINGS: [Setting; 18] = [
    Setting {
        name: "slice_us",
        help: "How long a task runs before another that waits gets its turn",
        spelled: true,
        place: Place::Time(100, |tuning| &mut tuning.slice_ns),
    },
    Setting {
        name: "short_run_us",
        help: "A task whose bursts are shorter than this interrupts at wakeup instead of moving",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.short_run_ns),
    },
    Setting {
        name: "short_wait_us",
        help: "A wait predicted to be shorter than this is not worth a migration",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.short_wait_ns),
    },
    Setting {
        name: "steal_llc_us",
        help: "An idle CPU takes a task of its domain after this wait, or at once where a longer one is predicted",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.steal_llc_ns),
    },
    Setting {
        name: "steal_far_us",
        help: "The same for a task of another domain",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.steal_far_ns),
    },
    Setting {
        name: "halflife_us",
        help: "Half-life of the load averages",
        spelled: false,
        place: Place::Time(1_000, |tuning| &mut tuning.halflife_ns),
    },
    Setting {
        name: "preempt_ratio",
        help: "A task that wakes up interrupts where its burst is predicted to be so many times shorter than the rest of the \
               other's",
        spelled: true,
        place: Place::Count(1, 1000, |tuning| &mut tuning.preempt_ratio),
    },
    Setting {
        name: "vfork_stays",
        help: "The child of a vfork stays on its parent's CPU: 0 never, 1 where no CPU idles, 2 always",
        spelled: true,
        place: Place::Count(0, 2, |tuning| &mut tuning.vfork_stays),
    },
    Setting {
        name: "lag_us",
        help: "A task that slept is owed at most this much CPU time before those that ran meanwhile go on",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.lag_ns),
    },
    Setting {
        name: "trial_us",
        help: "Whatever its past, a burst that begins may be as short as this: the task interrupts for so long; 0: by its past \
               alone",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.trial_ns),
    },
    Setting {
        name: "lead_us",
        help: "Who interrupts is ahead of the one that runs by at most this much virtual time",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.lead_ns),
    },
    Setting {
        name: "new_run_us",
        help: "The first burst of a task is taken to be so short in the order of a queue; 0: to be a long one",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.new_run_ns),
    },
    Setting {
        name: "rest_us",
        help: "Who runs is taken to go on for at least so long where another asks whether to interrupt it",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.rest_ns),
    },
    Setting {
        name: "spare_us",
        help: "Who runs is not interrupted by whom it wakes itself before it has run for so long",
        spelled: true,
        place: Place::Time(0, |tuning| &mut tuning.spare_ns),
    },
    Setting {
        name: "deadline_order",
        help: "Queues by what each task is owed alone, not by the length of its burst, too",
        spelled: true,
        place: Place::Switch(|tuning| &mut tuning.deadline_order),
    },
    Setting {
        name: "tick_preempt",
        help: "Who waits is not looked at again at a tick",
        spelled: true,
        place: Place::Switch(|tuning| &mut tuning.tick_preempt),
    },
    Setting {
        name: "wake_preempt",
        help: "Never interrupt a task at a wakeup",
        spelled: true,
        place: Place::Switch(|tuning| &mut tuning.wake_preempt),
    },
    Setting {
        name: "sync_waits",
        help: "A synchronous wakeup, whose waker is about to sleep, interrupts like any other",
        spelled: true,
        place: Place::Switch(|tuning| &mut tuning.sync_waits),
    },
];

impl Setting {
    /// The values that it may have.
    pub fn bounds(&self) -> RangeInclusive<u64> {
        match self.place {
            Place::Time(least, _) => least..=LONGEST_US,
            Place::Count(least, most, _) => least..=most,
            Place::Switch(_) => 0..=1,
        }
    }

    /// Its value is 0 or 1.
    pub fn is_switch(&self) -> bool {
        matches!(self.place, Place::Switch(_))
    }

    /// Its value is a time in µs.
    pub fn is_time(&self) -> bool {
        matches!(self.place, Place::Time(..))
    }

    /// Its value where nothing is said.
    pub fn default(&self) -> u64 {
        let mut tuning = Tuning::default();
        match self.place {
            Place::Time(_, of) => *of(&mut tuning) / NS_PER_US,
            Place::Count(_, _, of) => *of(&mut tuning),
            Place::Switch(of) => u64::from(*of(&mut tuning)),
        }
    }

    /// Sets it to one of the values within its bounds.
    pub fn set(&self, tuning: &mut Tuning, value: u64) {
        match self.place {
            Place::Time(_, of) => *of(tuning) = value.saturating_mul(NS_PER_US),
            Place::Count(_, _, of) => *of(tuning) = value,
            Place::Switch(of) => *of(tuning) = value != 0,
        }
    }
}

impl Tuning {
    /// The names of the arguments that [`Tuning::from_spelling`] takes.
    pub fn names() -> Vec<&'static str> {
        spelled().map(|setting| setting.name).collect()
    }

    /// The defaults with the arguments of `spelling` in their place; others are left alone.
    ///
    /// # Errors
    /// One sentence that names the argument that is wrong, and its bounds.
    pub fn from_spelling(spelling: &Spelling) -> Result<Tuning> {
        let mut tuning = Tuning::default();
        for setting in spelled() {
            let value = spelling.whole(setting.name, setting.default(), setting.bounds())?;
            setting.set(&mut tuning, value);
        }
        Ok(tuning)
    }
}

fn spelled() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| setting.spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Tuning> {
        Tuning::from_spelling(&text.parse()?)
    }

    #[test]
    fn defaults_are_those_of_the_kernels_half() {
        let source = include_str!("../../../../../../bpf/state.bpf.h");
        let tuning = Tuning::default();
        let flag = |on: bool| on.to_string();
        for (name, value) in [
            ("slice_ns", tuning.slice_ns.to_string()),
            ("round_slices", tuning.round_slices.to_string()),
            ("slice_min_ns", tuning.slice_min_ns.to_string()),
            ("short_run_ns", tuning.short_run_ns.to_string()),
            ("short_wait_ns", tuning.short_wait_ns.to_string()),
            ("steal_llc_ns", tuning.steal_llc_ns.to_string()),
            ("steal_far_ns", tuning.steal_far_ns.to_string()),
            ("lag_ns", tuning.lag_ns.to_string()),
            ("halflife_ns", tuning.halflife_ns.to_string()),
            ("rescue_again_ns", tuning.rescue_again_ns.to_string()),
            ("help_ns", tuning.help_ns.to_string()),
            ("yield_ns", tuning.yield_ns.to_string()),
            ("trial_ns", tuning.trial_ns.to_string()),
            ("lead_ns", tuning.lead_ns.to_string()),
            ("new_run_ns", tuning.new_run_ns.to_string()),
            ("rest_ns", tuning.rest_ns.to_string()),
            ("spare_ns", tuning.spare_ns.to_string()),
            ("permission_ttl_ns", tuning.permission_ttl_ns.to_string()),
            ("starving_ns", tuning.starving_ns.to_string()),
            ("rescue_interval_ns", tuning.rescue_interval_ns.to_string()),
            ("preempt_ratio", tuning.preempt_ratio.to_string()),
            ("vfork_stays", tuning.vfork_stays.to_string()),
            ("wake_preempt", flag(tuning.wake_preempt)),
            ("sync_waits", flag(tuning.sync_waits)),
            ("deadline_order", flag(tuning.deadline_order)),
            ("tick_preempt", flag(tuning.tick_preempt)),
        ] {
            let wanted = format!(" {name} = {value};");
            assert!(source.contains(&wanted), "bpf/state.bpf.h has no `{wanted}`");
        }
    }

    #[test]
    fn defaults_are_within_bounds_and_setting_them_changes_nothing() {
        let mut tuning = Tuning::default();
        for setting in &SETTINGS {
            let name = setting.name;
            assert!(setting.bounds().contains(&setting.default()), "{name}");
            assert_eq!(name.ends_with("_us"), setting.is_time(), "{name}");
            setting.set(&mut tuning, setting.default());
        }
        assert_eq!(tuning, Tuning::default());
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
