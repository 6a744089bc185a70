// SPDX-License-Identifier: GPL-2.0-only
//! A program's tasks before anything happened, and when the first ones come.

use crate::policy::cpu::{Mask, Places, Task};
use crate::sim::program::{Class, Program, TaskSpec, WOKEN};
use augur_base::random::Generator;
use rand::RngExt;
use std::collections::BTreeMap;

/// First bursts that begin by themselves, in order of time.
pub(super) fn arrivals(program: &Program, jitter_ns: u64, generator: &mut Generator) -> Vec<(u64, u32)> {
    let mut arrivals = Vec::new();
    for (task, spec) in program.tasks.iter().enumerate() {
        let Some(first) = program.bursts.get(spec.first_burst as usize) else {
            continue;
        };
        if spec.bursts > 0 && first.after_ns != WOKEN {
            let late = if jitter_ns > 0 {
                generator.random_range(0..=jitter_ns)
            } else {
                0
            };
            arrivals.push((first.begins_ns(0) + late, task as u32));
        }
    }
    arrivals.sort();
    arrivals
}

/// Affinities and tasks as they are before anything happened.
pub(super) fn tasks(program: &Program, places: &Places) -> (Vec<Mask>, Vec<Task>) {
    let cpus = places.cpus();
    let mut masks = vec![places.all.clone()];
    let mut of_cpus: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    let index_of = |id: u32| {
        let found = places
            .machine
            .cpus
            .binary_search_by_key(&(id as usize), |cpu| cpu.id);
        found.map_or(id % cpus as u32, |index| index as u32)
    };
    let mut task_of = |spec: &TaskSpec| {
        let mut task = Task::new(spec.id, spec.weight, spec.cpu.map_or(0, index_of));
        task.allowed = cpus as u32;
        task.burst = spec.first_burst;
        task.real_time = spec.class == Class::RealTime;
        task.vforked = spec.vforked;
        let mut allowed: Vec<u32> = match spec.pinned {
            Some(id) => vec![index_of(id)],
            None => spec.allowed.iter().map(|&id| index_of(id)).collect(),
        };
        allowed.sort_unstable();
        allowed.dedup();
        if let Some(&first) = allowed
            .first()
            .filter(|_| spec.pinned.is_some() || allowed.len() < cpus)
        {
            task.allowed = allowed.len() as u32;
            task.per_cpu = spec.pinned.is_some();
            task.cpu = if allowed.contains(&task.cpu) {
                task.cpu
            } else {
                first
            };
            task.mask = *of_cpus.entry(allowed).or_insert_with_key(|allowed| {
                masks.push(Mask::of(cpus, allowed.iter().copied()));
                masks.len() as u32 - 1
            });
        }
        task
    };
    let tasks = program.tasks.iter().map(&mut task_of).collect();
    (masks, tasks)
}
