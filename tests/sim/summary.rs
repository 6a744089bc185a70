// SPDX-License-Identifier: GPL-2.0-only
//! `recorded` against the trace's own summary, which counts without knowing what a burst is: the same time on CPUs,
//! task by task, and the same migrations.

use super::programs::mixed_programs;
use super::properties::places;
use augur_sched::policy::cpu::registry::{self, Choice};
use augur_sched::sim::burst::rebuild;
use augur_sched::sim::cpu::{self, Options};
use augur_sched::sim::recorded;
use augur_trace::{Event, Reader, Summary};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// Pid, time on CPUs, migrations; in order.
type Seen = Vec<(i32, u64, u64)>;

fn seen(events: &[Event], spec: &str) -> (Seen, Seen) {
    let mut summary = Summary::default();
    events.iter().for_each(|event| summary.add(event));
    let tasks = summary.finish().tasks;
    let counted = tasks.iter().map(|task| (task.pid, task.run_ns, task.migrations));
    let rebuilt = rebuild(events);
    let outcome = recorded::outcome(&rebuilt, &places(spec));
    let tasks = rebuilt.program.tasks.iter().zip(&outcome.tasks);
    let replayed = tasks.map(|(spec, task)| (spec.id.pid, task.run_ns, u64::from(task.migrations)));
    let in_order = |tasks: &mut dyn Iterator<Item = (i32, u64, u64)>| {
        let mut tasks: Seen = tasks.filter(|task| task.0 != 0 && task.1 > 0).collect();
        tasks.sort_unstable();
        tasks
    };
    (
        in_order(&mut counted.into_iter()),
        in_order(&mut replayed.into_iter()),
    )
}

#[test]
fn every_recorded_trace_gives_what_its_summary_says() {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        let events: Vec<Event> = Reader::open(&path).unwrap().map(Result::unwrap).collect();
        let (counted, replayed) = seen(&events, "8");
        assert!(!counted.is_empty(), "{}", path.display());
        assert_eq!(counted, replayed, "{}", path.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_simulated_run_gives_what_its_summary_says(program in mixed_programs(), cut in 0usize..200) {
        let program = Arc::new(program);
        let options = Options { timeline: true, ..Options::default() };
        let Ok(Choice::Scheme(scheme)) = registry::parse("augur", 1) else { panic!() };
        let places = places("2x2");
        let run = cpu::run(program.clone(), places.clone(), scheme.discipline, None, &options).unwrap();
        let timeline = run.timeline.unwrap();
        let events: Vec<_> = timeline.events(&program, &places.machine, 5).collect();
        // Also where the trace begins or ends in the midst of things.
        let begin = cut.min(events.len() / 2);
        for part in [&events[..], &events[begin..], &events[..events.len() - begin]] {
            let (counted, replayed) = seen(part, "2x2");
            prop_assert_eq!(counted, replayed);
        }
    }
}
