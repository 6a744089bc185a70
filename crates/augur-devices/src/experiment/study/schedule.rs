// SPDX-License-Identifier: GPL-2.0-only
//! Phase four: one policy on the tasks of one seed, and where its tasks lost time.

use super::decisions::Decisions;
use super::store::Store;
use crate::experiment::{simulate, tasks};
use crate::policy::{Context, DevicePolicy, Placement};
use crate::report::study::{Piece, Run, Tally, shares};
use crate::sim::{self, Done, Options};
use crate::workload::Task;
use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use std::ops::ControlFlow;

/// Bins of intensities for the GPU's share.
const INTENSITIES: usize = 20;
/// Of so many tasks it is kept where and when they ran.
const PIECES_TASKS: u64 = 60;

/// The unit of a policy and a seed; the number keeps names apart that differ only in what a file's name cannot say.
pub(super) fn unit(at: usize, policy: &str, seed: u64) -> String {
    format!("runs/{at:02}-{}-{seed}.json", simulate::plain(policy))
}

/// Cells of sizes and intensities, of equal width.
pub(super) struct Cells {
    /// Edges of the sizes.
    pub size: Vec<f64>,
    /// Edges of the intensities.
    pub intensity: Vec<f64>,
}

impl Cells {
    /// So many of each, over all that the workload draws.
    pub(super) fn new([sizes, intensities]: [usize; 2], context: &Context) -> Cells {
        let edges = |[from, to]: [f64; 2], count: usize| -> Vec<f64> {
            (0..=count)
                .map(|at| from + (to - from) * at as f64 / count as f64)
                .collect()
        };
        Cells {
            size: edges(context.workload.size, sizes),
            intensity: edges(context.workload.intensity, intensities),
        }
    }

    fn len(&self) -> usize {
        (self.size.len() - 1) * (self.intensity.len() - 1)
    }

    fn at(&self, task: &Task) -> usize {
        place(&self.size, task.size) * (self.intensity.len() - 1) + place(&self.intensity, task.intensity)
    }
}

/// Which cell a value is in; what is beyond the edges is in the first or the last.
fn place(edges: &[f64], value: f64) -> usize {
    let inner = &edges[1..edges.len() - 1];
    inner.partition_point(|edge| *edge <= value)
}

/// Runs a policy, which reports call `name`, on the tasks of a seed, and keeps what came of it; `watch` is told of each task and breaks to stop.
///
/// # Errors
/// One sentence: what the policy must not do, or what cannot be written.
pub(super) fn run(
    store: &Store,
    context: &Context,
    (at, name, seed): (usize, &str, u64),
    policy: Box<dyn DevicePolicy>,
    (cells, windows): (&Cells, u64),
    watch: &(dyn Fn() -> ControlFlow<()> + Sync),
) -> Result<()> {
    let tasks = context.workload.tasks;
    let windows = windows.min(tasks);
    let mut run = Run {
        cells: vec![Tally::default(); cells.len()],
        windows: vec![Tally::default(); windows as usize],
        gpu_shares: vec![(0, 0.0); INTENSITIES],
        ..Run::default()
    };
    let mut decisions = Decisions::create(store, context, (at, name, seed))?;
    let mut completions = Histogram::<u64>::new(3).context("no room for percentiles")?;
    let mut figures = simulate::simulated(context, (name, seed), policy, &mut |done| {
        let completion_ns = done.finish_ns - done.task.arrival_ns;
        // It grows as it must; what it has no room for is more than a thousand years.
        completions.record(completion_ns).ok();
        if done.task.number < PIECES_TASKS {
            run.pieces.extend(pieces(done));
        }
        run.cells[cells.at(&done.task)].add(completion_ns);
        let window = u128::from(done.task.number) * u128::from(windows) / u128::from(tasks);
        run.windows[window as usize].add(completion_ns);
        let bin = (done.task.intensity * INTENSITIES as f64) as usize;
        let (tasks, sum) = &mut run.gpu_shares[bin.min(INTENSITIES - 1)];
        *tasks += 1;
        *sum += tasks::gpu_share(done.placement, context.devices.cpus());
        decisions.add(done)?;
        Ok(watch())
    })?;
    decisions.finish()?;
    simulate::limit(&mut figures, &sim::bound(&Options::of(context, seed)));
    run.course = std::mem::take(&mut figures.course);
    let longest_ns = figures.outcome.completion_max_ns;
    run.figures = figures;
    run.completion_ns = shares()
        .map(|share| completions.value_at_quantile(share).min(longest_ns))
        .collect();
    store.keep(&unit(at, name, seed), &run)
}

/// A task on its devices.
fn pieces(done: &Done) -> impl Iterator<Item = Piece> {
    let on = match done.placement {
        Placement::One(device) => [Some((device, 1.0)), None],
        Placement::Split { cpu, gpu, share } => [Some((cpu, 1.0 - share)), Some((gpu, share))],
    };
    let piece = |(device, share)| Piece {
        task: done.task.number,
        device,
        share,
        placed_ns: done.placed_ns,
        start_ns: done.start_ns,
        finish_ns: done.finish_ns,
    };
    on.into_iter().flatten().map(piece)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_value_on_an_edge_is_above_it() {
        let edges = [0.0, 1.0, 2.0, 3.0];
        assert_eq!(
            [-1.0, 0.5, 1.0, 2.5, 3.0, 9.0].map(|value| place(&edges, value)),
            [0, 0, 1, 2, 2, 2]
        );
        assert_eq!(place(&[0.0, 1.0], 0.5), 0);
    }
}
