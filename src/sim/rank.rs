// SPDX-License-Identifier: GPL-2.0-only
//! The upward rank of every burst: the longest path of work and sleep from its beginning to the end of all that depends
//! on it, as in HEFT (Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002), here over bursts and who wakes whom.

use super::program::{Program, WOKEN};

/// Each burst's rank in ns, by its number. A program that waits for itself in a circle never gets there; its bursts
/// have the rank that is known without the circle.
pub fn ranks(program: &Program) -> Vec<u64> {
    let mut ranks: Vec<u64> = program.bursts.iter().map(|burst| burst.run_ns).collect();
    let mut needs = successors(program);
    let before = predecessors(program);
    let mut ready: Vec<u32> = (0..ranks.len() as u32)
        .filter(|&burst| needs[burst as usize] == 0)
        .collect();
    while let Some(burst) = ready.pop() {
        let rank = ranks[burst as usize];
        for &(earlier, offset_ns) in &before[burst as usize] {
            let slot = &mut ranks[earlier as usize];
            *slot = (*slot).max(offset_ns.saturating_add(rank));
            let left = &mut needs[earlier as usize];
            *left -= 1;
            if *left == 0 {
                ready.push(earlier);
            }
        }
    }
    ranks
}

/// The longest path through the whole program, in ns: no schedule on CPUs of capacity 1.0 is shorter.
pub fn critical_path_ns(program: &Program) -> u64 {
    let ranks = ranks(program);
    let begins = program
        .tasks
        .iter()
        .filter(|task| task.bursts > 0)
        .map(|task| task.first_burst);
    let starts = begins.map(|first| match program.bursts[first as usize].after_ns {
        WOKEN => 0,
        after_ns => after_ns.saturating_add(ranks[first as usize]),
    });
    starts.max().unwrap_or(0)
}

/// For each burst, how many others wait for it.
fn successors(program: &Program) -> Vec<u32> {
    let mut counts = vec![0; program.bursts.len()];
    each_edge(program, |earlier, _, _| counts[earlier as usize] += 1);
    counts
}

/// For each burst, those that it waits for, with the time from their beginning to its own.
fn predecessors(program: &Program) -> Vec<Vec<(u32, u64)>> {
    let mut before = vec![Vec::new(); program.bursts.len()];
    each_edge(program, |earlier, later, offset_ns| {
        before[later as usize].push((earlier, offset_ns))
    });
    before
}

fn each_edge(program: &Program, mut edge: impl FnMut(u32, u32, u64)) {
    for task in 0..program.tasks.len() as u32 {
        for burst in program.bursts_of(task) {
            let run_ns = program.bursts[burst as usize].run_ns;
            if burst + 1 < program.bursts_of(task).end {
                let sleep_ns = match program.bursts[burst as usize + 1].after_ns {
                    WOKEN => 0,
                    after_ns => after_ns,
                };
                edge(burst, burst + 1, run_ns.saturating_add(sleep_ns));
            }
            for action in program.actions_of(burst) {
                edge(burst, action.burst, action.at_ns.min(run_ns));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::program::{Action, TaskSpec};

    #[test]
    fn a_rank_is_the_longest_way_to_the_end() {
        let mut program = Program::default();
        // Task 0 runs 10, wakes task 1 at 4, sleeps 5, runs 1. Task 1 runs 20.
        let wakes = [Action {
            at_ns: 4,
            task: 1,
            burst: 2,
        }];
        program.push(TaskSpec::plain(0), &[(3, 10), (5, 1)], &[&wakes]);
        program.push(TaskSpec::plain(1), &[(WOKEN, 20)], &[]);
        assert_eq!(ranks(&program), [24, 1, 20]);
        assert_eq!(critical_path_ns(&program), 27);
    }
}
