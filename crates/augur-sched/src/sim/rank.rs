// SPDX-License-Identifier: GPL-2.0-only
//! The upward rank of every burst: the longest path of work and sleep from its beginning to the end of all that depends
//! on it, as in HEFT (Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002), here over bursts and who wakes whom.

use super::program::{Program, WOKEN};
use augur_base::spool::Spool;

/// Each burst's rank in ns, by its number. A program that waits for itself in a circle never gets there; its bursts
/// have the rank that is known without the circle.
pub fn ranks(program: &Program) -> Spool<u64> {
    let mut ranks: Spool<u64> = program.bursts.iter().map(|burst| burst.run_ns).collect();
    let mut needs = successors(program);
    let before = Predecessors::of(program);
    let mut ready: Vec<u32> = Vec::new();
    for last in (0..ranks.len() as u32)
        .filter(|&burst| needs[burst as usize] == 0)
        .collect::<Spool<u32>>()
        .iter()
    {
        ready.push(*last);
        // What begins before it comes next, and lies beside it.
        while let Some(burst) = ready.pop() {
            let rank = ranks[burst as usize];
            for &(earlier, offset_ns) in before.of_burst(burst) {
                let slot = &mut ranks[earlier as usize];
                *slot = (*slot).max(offset_ns.saturating_add(rank));
                let left = &mut needs[earlier as usize];
                *left -= 1;
                if *left == 0 {
                    ready.push(earlier);
                }
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
    let starts = begins.map(|first| match program.bursts[first as usize] {
        burst if burst.after_ns == WOKEN => 0,
        burst => burst.sleep_ns().saturating_add(ranks[first as usize]),
    });
    let released = program
        .bursts
        .iter()
        .zip(ranks.iter())
        .map(|(burst, rank)| match burst.release_ns() {
            0 => 0,
            release_ns => release_ns.saturating_add(*rank),
        });
    starts.chain(released).max().unwrap_or(0)
}

/// For each burst, how many others wait for it.
fn successors(program: &Program) -> Spool<u32> {
    let mut counts = Spool::filled(program.bursts.len(), 0);
    each_edge(program, |earlier, _, _| counts[earlier as usize] += 1);
    counts
}

/// For each burst, those that it waits for, with the time from their beginning to its own.
struct Predecessors {
    /// Where each burst's begin; they end where the next one's do.
    firsts: Spool<usize>,
    edges: Spool<(u32, u64)>,
}

impl Predecessors {
    fn of(program: &Program) -> Predecessors {
        let mut firsts = Spool::filled(program.bursts.len() + 1, 0);
        each_edge(program, |_, later, _| firsts[later as usize] += 1);
        let mut count = 0;
        for first in firsts.iter_mut() {
            count += *first;
            *first = count;
        }
        // Filled from the back, each burst's end becomes its beginning.
        let mut edges = Spool::filled(count, (0, 0));
        each_edge(program, |earlier, later, offset_ns| {
            let first = &mut firsts[later as usize];
            *first -= 1;
            edges[*first] = (earlier, offset_ns);
        });
        Predecessors { firsts, edges }
    }

    fn of_burst(&self, burst: u32) -> &[(u32, u64)] {
        let burst = burst as usize;
        &self.edges[self.firsts[burst]..self.firsts[burst + 1]]
    }
}

fn each_edge(program: &Program, mut edge: impl FnMut(u32, u32, u64)) {
    for task in 0..program.tasks.len() as u32 {
        for burst in program.bursts_of(task) {
            let run_ns = program.bursts[burst as usize].run_ns;
            if burst + 1 < program.bursts_of(task).end {
                let sleep_ns = program.bursts[burst as usize + 1].sleep_ns();
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
        assert_eq!(*ranks(&program), [24, 1, 20]);
        assert_eq!(critical_path_ns(&program), 27);
    }
}
