// SPDX-License-Identifier: GPL-2.0-only
//! Programs drawn at random: forks, timers, wakeups, none of which can wait for itself.

use augur_sched::sim::{Action, Program, TaskSpec, WOKEN};
use proptest::prelude::*;

/// One burst as it is drawn: which task, its sleep before (`None`: woken by an earlier burst of another task), its
/// work, and how far into the waker's burst the wakeup comes (in 16ths).
#[derive(Clone, Debug)]
pub struct Draw {
    task: usize,
    sleep_us: Option<u64>,
    run_us: u64,
    waker: usize,
    at: u64,
}

/// Puts draws together. A burst is woken by one that was drawn before it, so that no circle can come about.
pub fn build(tasks: usize, draws: &[Draw]) -> Program {
    let mut bursts: Vec<Vec<(u64, u64)>> = vec![Vec::new(); tasks];
    let mut wakes = Vec::new();
    let mut drawn: Vec<(usize, usize)> = Vec::new();
    for draw in draws {
        let own = bursts[draw.task].len();
        let others: Vec<(usize, usize)> = drawn
            .iter()
            .copied()
            .filter(|&(task, _)| task != draw.task)
            .collect();
        let after_ns = match (draw.sleep_us, others.len()) {
            (None, count) if count > 0 => {
                let (task, burst) = others[draw.waker % count];
                wakes.push((task, burst, draw.at, draw.task, own));
                WOKEN
            }
            (sleep_us, _) => sleep_us.unwrap_or(3) * 1_000,
        };
        bursts[draw.task].push((after_ns, draw.run_us * 1_000));
        drawn.push((draw.task, own));
    }
    let first = |task: usize| bursts[..task].iter().map(Vec::len).sum::<usize>() as u32;
    let mut program = Program::default();
    for (task, own) in bursts.iter().enumerate() {
        let mut lists = vec![Vec::new(); own.len()];
        for &(waker, burst, at, woken, number) in wakes.iter().filter(|wake| wake.0 == task) {
            assert_eq!(waker, task);
            lists[burst].push(Action {
                at_ns: own[burst].1 * at / 16,
                task: woken as u32,
                burst: first(woken) + number as u32,
            });
        }
        lists
            .iter_mut()
            .for_each(|list: &mut Vec<Action>| list.sort_by_key(|action| action.at_ns));
        let lists: Vec<&[Action]> = lists.iter().map(Vec::as_slice).collect();
        program.push(TaskSpec::plain(task), own, &lists);
    }
    program
}

fn draw(tasks: usize) -> impl Strategy<Value = Draw> {
    let sleep = prop_oneof![2 => (0u64..5_000).prop_map(Some), 1 => Just(None)];
    let run = prop_oneof![3 => 1u64..500, 1 => 500u64..30_000];
    (0..tasks, sleep, run, any::<usize>(), 0u64..=16).prop_map(|(task, sleep_us, run_us, waker, at)| Draw {
        task,
        sleep_us,
        run_us,
        waker,
        at,
    })
}

/// Programs of up to a dozen tasks and of weights from nice -5 to 5.
pub fn programs() -> impl Strategy<Value = Program> {
    (1usize..12).prop_flat_map(|tasks| {
        let draws = prop::collection::vec(draw(tasks), 1..60);
        let weights = prop::collection::vec(115i32..=125, tasks);
        (draws, weights).prop_map(move |(draws, prios)| {
            let mut program = build(tasks, &draws);
            for (task, prio) in program.tasks.iter_mut().zip(prios) {
                task.prio = prio;
                task.weight = augur_sched::policy::cpu::load::weight_of_prio(prio);
            }
            program
        })
    })
}

/// The same, where some tasks are bound to a CPU and some are real time.
pub fn mixed_programs() -> impl Strategy<Value = Program> {
    (programs(), prop::collection::vec((0u32..8, 0u8..6), 12)).prop_map(|(mut program, kinds)| {
        for (task, (cpu, kind)) in program.tasks.iter_mut().zip(kinds) {
            if kind == 0 {
                task.pinned = Some(cpu);
            }
            if kind <= 1 && cpu < 2 {
                task.class = augur_sched::sim::Class::RealTime;
                task.prio = 50;
            }
        }
        program
    })
}
