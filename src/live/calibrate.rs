// SPDX-License-Identifier: GPL-2.0-only
//! What a migration costs on this machine: a thread touches a working set again after it was moved, and after it was
//! not.
//!
//! The set is a closed chain of cache lines ([`Access`]). It is written on the old CPU, which leaves its lines there as
//! those of a task that worked with them, and read after the move. The same is done with a system call that asks for
//! the CPU where the thread is already; the difference of the two is the refill. What the move itself takes (the system
//! call, the switch) is in neither.

use anyhow::{Context, Result, bail, ensure};
use augur_base::random::Generator;
use augur_base::topology::{Distance, Machine};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The working sets that are measured.
pub const WORKING_SETS_KB: [u64; 5] = [32, 128, 512, 2048, 8192];
/// Pairs of CPUs of one distance that are measured, in turn.
const PAIRS: usize = 4;
/// No working set of a distance is measured for longer, once it has [`FEWEST`] samples.
const LIMIT: Duration = Duration::from_secs(4);
/// Samples that every median has at least.
const FEWEST: usize = 15;

/// The order in which a working set is touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// One line after the other: prefetchers hide much of it, as with tasks that go through arrays.
    #[default]
    Stream,
    /// At random, each line known only from the one before: nothing is hidden. No task pays more.
    Chase,
}

/// One line of a working set: what is next, and something to write.
#[repr(align(64))]
struct Line {
    next: u32,
    written: u32,
}

/// CPUs that are equally far apart, two by two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// How far.
    pub distance: Distance,
    /// The kernel's numbers.
    pub cpus: Vec<(usize, usize)>,
}

/// The refill of one working set at one distance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Refill {
    /// How far the thread was moved.
    pub distance: Distance,
    /// The working set.
    pub working_set_kb: u64,
    /// Extra time of the first pass after a move; the median,
    pub refill_ns: f64,
    /// and the quartiles around it.
    pub lower_quartile_ns: f64,
    /// The same.
    pub upper_quartile_ns: f64,
    /// The pass without a move; the median.
    pub stay_ns: f64,
    /// How many moves that rests on.
    pub samples: usize,
}

/// Pairs of CPUs, at most [`PAIRS`] for each distance of the machine, among those that this process may use.
///
/// # Errors
/// Where there are no two CPUs.
pub fn pairs(machine: &Machine) -> Result<Vec<Pairs>> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).context("cannot find out which CPUs may be used")?;
    let cpus: Vec<usize> = machine
        .cpus
        .iter()
        .map(|cpu| cpu.id)
        .filter(|&cpu| allowed.is_set(cpu).unwrap_or(false))
        .collect();
    ensure!(
        cpus.len() > 1,
        "there is only one CPU that may be used, so nothing can migrate and there is nothing to measure; allow more \
         with taskset, or measure on another machine"
    );
    Ok(choose(machine, &cpus))
}

/// At most [`PAIRS`] pairs for each distance, spread over the machine.
fn choose(machine: &Machine, cpus: &[usize]) -> Vec<Pairs> {
    let distances = [Distance::Core, Distance::Llc, Distance::Node, Distance::Remote];
    let of = |distance| {
        let all: Vec<(usize, usize)> = (0..cpus.len())
            .flat_map(|a| (a + 1..cpus.len()).map(move |b| (a, b)))
            .map(|(a, b)| (cpus[a], cpus[b]))
            .filter(|&(a, b)| machine.distance(a, b) == distance)
            .collect();
        let some = all.len().min(PAIRS);
        (0..some)
            .map(|index| all[index * all.len() / some])
            .collect::<Vec<_>>()
    };
    let chosen = distances.map(|distance| Pairs {
        distance,
        cpus: of(distance),
    });
    chosen
        .into_iter()
        .filter(|pairs| !pairs.cpus.is_empty())
        .collect()
}

/// Measures all working sets at all distances, touched in that order, with `repeats` moves for each. `progress` is told
/// before each, and at the end, with how many are done and how many there are.
///
/// # Errors
/// Where a CPU cannot be moved to, or `stop` was set.
pub fn measure(
    pairs: &[Pairs],
    access: Access,
    repeats: usize,
    stop: &AtomicBool,
    mut progress: impl FnMut(usize, usize),
) -> Result<Vec<Refill>> {
    let mut found = Vec::new();
    let all = pairs.len() * WORKING_SETS_KB.len();
    let before = sched_getaffinity(Pid::from_raw(0)).context("cannot find out which CPUs may be used")?;
    for Pairs { distance, cpus } in pairs {
        for working_set_kb in WORKING_SETS_KB {
            progress(found.len(), all);
            let refill = refill(*distance, cpus, working_set_kb, access, repeats, stop);
            found.push(refill.with_context(|| format!("cannot measure {working_set_kb} KB"))?);
        }
    }
    let _ = sched_setaffinity(Pid::from_raw(0), &before);
    progress(all, all);
    Ok(found)
}

fn refill(
    distance: Distance,
    pairs: &[(usize, usize)],
    working_set_kb: u64,
    access: Access,
    repeats: usize,
    stop: &AtomicBool,
) -> Result<Refill> {
    let mut lines = chain(working_set_kb as usize * 1024 / size_of::<Line>(), access);
    let begun = Instant::now();
    let (mut extra, mut stayed) = (Vec::new(), Vec::new());
    // Back and forth: each pair is measured in both directions.
    let turns = pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).cycle();
    for (from, to) in turns.take(repeats.max(FEWEST)) {
        if stop.load(Ordering::Relaxed) {
            bail!("interrupted; nothing was written");
        }
        if extra.len() >= FEWEST && begun.elapsed() > LIMIT {
            break;
        }
        go_to(from)?;
        write(&mut lines);
        write(&mut lines);
        let stay_ns = read_after(&lines, from)?;
        write(&mut lines);
        let moved_ns = read_after(&lines, to)?;
        stayed.push(stay_ns);
        extra.push(moved_ns - stay_ns);
    }
    let [refill_ns, lower_quartile_ns, upper_quartile_ns] = quartiles(&mut extra);
    Ok(Refill {
        distance,
        working_set_kb,
        refill_ns,
        lower_quartile_ns,
        upper_quartile_ns,
        stay_ns: quartiles(&mut stayed)[0],
        samples: extra.len(),
    })
}

fn go_to(cpu: usize) -> Result<()> {
    let mut one = CpuSet::new();
    one.set(cpu)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &one))
        .with_context(|| format!("cannot go to CPU {cpu}"))
}

/// One closed chain through all lines; the random one (Sattolo's algorithm) is always the same.
fn chain(count: usize, access: Access) -> Vec<Line> {
    let mut next: Vec<u32> = (0..count as u32).collect();
    match access {
        Access::Stream => next.rotate_left(1),
        Access::Chase => {
            let mut random = Generator::seed_from_u64(1);
            for index in (1..count).rev() {
                next.swap(index, random.random_range(0..index));
            }
        }
    }
    next.into_iter().map(|next| Line { next, written: 0 }).collect()
}

fn write(lines: &mut [Line]) {
    let mut at = 0;
    for _ in 0..lines.len() {
        let line = &mut lines[at];
        line.written = line.written.wrapping_add(1);
        at = line.next as usize;
    }
    black_box(lines);
}

/// Time to read all lines, in ns, after the thread was sent to a CPU.
fn read_after(lines: &[Line], cpu: usize) -> Result<f64> {
    go_to(cpu)?;
    let begun = Instant::now();
    let (mut at, mut sum) = (0, 0u32);
    for _ in 0..lines.len() {
        let line = &lines[at];
        sum = sum.wrapping_add(line.written);
        at = line.next as usize;
    }
    black_box(sum);
    Ok(begun.elapsed().as_nanos() as f64)
}

/// The median, the lower and the upper quartile (nearest rank); 0 of nothing.
fn quartiles(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |quarters: usize| {
        let rank = (values.len() * quarters).div_ceil(4).max(1);
        values.get(rank - 1).copied().unwrap_or(0.0)
    };
    [at(2), at(1), at(3)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_passes_every_line_once() {
        let sizes = [1, 2, 3, 512].map(|count| [(count, Access::Stream), (count, Access::Chase)]);
        for (count, access) in sizes.into_iter().flatten() {
            let lines = chain(count, access);
            let (mut at, mut seen) = (0, vec![false; count]);
            for _ in 0..count {
                assert!(!std::mem::replace(&mut seen[at], true));
                at = lines[at].next as usize;
            }
            assert_eq!(at, 0);
        }
        assert_eq!(size_of::<Line>(), 64);
    }

    #[test]
    fn every_distance_of_the_machine_has_its_pairs() {
        let machine = Machine::from_spec("2x2x4x2").unwrap();
        let cpus: Vec<usize> = (0..32).collect();
        let chosen = choose(&machine, &cpus);
        let distances: Vec<Distance> = chosen.iter().map(|pairs| pairs.distance).collect();
        assert_eq!(
            distances,
            [Distance::Core, Distance::Llc, Distance::Node, Distance::Remote]
        );
        for Pairs { distance, cpus } in &chosen {
            assert_eq!(cpus.len(), PAIRS);
            assert!(cpus.iter().all(|&(a, b)| machine.distance(a, b) == *distance));
        }
        assert_eq!(choose(&machine, &[0, 1])[0].cpus, [(0, 1)]);
        assert!(choose(&machine, &[3]).is_empty());
    }

    #[test]
    fn quartiles_by_nearest_rank() {
        assert_eq!(quartiles(&mut [4.0, 1.0, 3.0, 2.0]), [2.0, 1.0, 3.0]);
        assert_eq!(quartiles(&mut []), [0.0; 3]);
    }
}
