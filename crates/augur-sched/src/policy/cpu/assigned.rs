// SPDX-License-Identifier: GPL-2.0-only
//! Every task on the CPU that it was assigned beforehand; and the assignment of independent work to identical CPUs
//! that ends first.
//!
//! Finding it is NP-hard, so the search is a branch and bound with a limit: exact for small sets, and never worse than
//! longest processing time first (Graham 1969, at most 4/3 − 1/(3m) of the optimum) for large ones.

use super::{Discipline, Dispatch, Enqueue, Placement, Request, Wake, Why, World};

/// Nodes of the search, at most.
const NODES_MAX: u64 = 200_000;

/// For each piece of work, the machine out of `machines` that should do it, so that the last ends as early as can be
/// found.
pub fn assign(work_ns: &[u64], machines: usize) -> Vec<u32> {
    let mut order: Vec<usize> = (0..work_ns.len()).collect();
    order.sort_by_key(|&job| (std::cmp::Reverse(work_ns[job]), job));
    let sizes: Vec<u64> = order.iter().map(|&job| work_ns[job]).collect();
    let total: u64 = sizes.iter().sum();
    let mut search = Search {
        sizes: &sizes,
        loads: vec![0; machines.max(1)],
        chosen: Vec::with_capacity(sizes.len()),
        best: longest_first(&sizes, machines.max(1)),
        best_ns: 0,
        bound_ns: total
            .div_ceil(machines.max(1) as u64)
            .max(sizes.first().copied().unwrap_or(0)),
        nodes: 0,
    };
    search.best_ns = makespan_ns(&sizes, &search.best, machines.max(1));
    search.descend();
    let mut assignment = vec![0; work_ns.len()];
    for (place, &job) in order.iter().enumerate() {
        assignment[job] = search.best[place];
    }
    assignment
}

fn longest_first(sizes: &[u64], machines: usize) -> Vec<u32> {
    let mut loads = vec![0u64; machines];
    let mut choose = |&size: &u64| {
        let least = (0..machines).min_by_key(|&machine| loads[machine]).unwrap_or(0);
        loads[least] += size;
        least as u32
    };
    sizes.iter().map(&mut choose).collect()
}

/// When the last machine is done.
pub fn makespan_ns(work_ns: &[u64], assignment: &[u32], machines: usize) -> u64 {
    let mut loads = vec![0u64; machines];
    for (&work, &machine) in work_ns.iter().zip(assignment) {
        loads[machine as usize] += work;
    }
    loads.into_iter().max().unwrap_or(0)
}

struct Search<'a> {
    sizes: &'a [u64],
    loads: Vec<u64>,
    chosen: Vec<u32>,
    best: Vec<u32>,
    best_ns: u64,
    bound_ns: u64,
    nodes: u64,
}

impl Search<'_> {
    fn descend(&mut self) {
        self.nodes += 1;
        if self.nodes > NODES_MAX || self.best_ns == self.bound_ns {
            return;
        }
        let Some(&size) = self.sizes.get(self.chosen.len()) else {
            let end_ns = self.loads.iter().copied().max().unwrap_or(0);
            if end_ns < self.best_ns {
                self.best_ns = end_ns;
                self.best.clone_from(&self.chosen);
            }
            return;
        };
        let mut tried = Vec::with_capacity(self.loads.len());
        for machine in 0..self.loads.len() {
            let load = self.loads[machine];
            // Machines of equal load are one choice.
            if load + size >= self.best_ns || tried.contains(&load) {
                continue;
            }
            tried.push(load);
            self.loads[machine] += size;
            self.chosen.push(machine as u32);
            self.descend();
            self.chosen.pop();
            self.loads[machine] -= size;
        }
    }
}

/// Runs every task where it was assigned, first come first served.
#[derive(Clone, Debug)]
pub struct Assigned {
    cpus: Vec<u32>,
    arrivals: u64,
}

impl Assigned {
    /// `cpus[task]` is the task's CPU; a CPU that its affinity forbids gives way to one that it allows.
    pub fn new(cpus: Vec<u32>) -> Assigned {
        Assigned { cpus, arrivals: 0 }
    }
}

impl Discipline for Assigned {
    fn name(&self) -> String {
        "assigned".to_owned()
    }

    fn prepare(&mut self, world: &World) -> usize {
        world.cpus.len()
    }

    fn place(&mut self, world: &World, task: u32, _wake: Wake) -> Placement {
        let wanted = self.cpus.get(task as usize).copied();
        let wanted = wanted.filter(|&cpu| (cpu as usize) < world.cpus.len());
        let cpu = world.some_allowed(task, wanted.unwrap_or(world.task(task).cpu));
        Placement::on(world, cpu)
    }

    fn enqueue(
        &mut self,
        _world: &World,
        _task: u32,
        cpu: u32,
        _why: Why,
        _requests: &mut Vec<Request>,
    ) -> Enqueue {
        self.arrivals += 1;
        Enqueue::Queue {
            queue: cpu,
            key: self.arrivals,
        }
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        Dispatch::first_come(world, cpu, previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_beats_longest_first_where_that_is_not_optimal() {
        // Longest first gives 3+3+2 against 2+2: 7 after all; 3+3 against 2+2+2 is 6.
        let work = [3, 3, 2, 2, 2];
        assert_eq!(makespan_ns(&work, &longest_first(&work, 2), 2), 7);
        assert_eq!(makespan_ns(&work, &assign(&work, 2), 2), 6);
    }

    #[test]
    fn nothing_and_one_machine() {
        assert!(assign(&[], 3).is_empty());
        assert_eq!(assign(&[5, 1], 1), [0, 0]);
    }
}
