// SPDX-License-Identifier: GPL-2.0-only
//! Training of device policies: episode after episode on tasks that are drawn anew, with checkpoints in between. A
//! training that was broken off goes on as if it had not been.

use super::simulate::Config;
use crate::model::trained::TRAINED_FILE;
use crate::policy::registry::{self, Start};
use crate::policy::{Context, Learner, learner};
use crate::report::learning::{Curve, Point};
use crate::sim::{self, Done, Options};
use crate::workload::{Generator, generator};
use anyhow::{Context as _, Result, bail, ensure};
use augur_base::file::{Folder, Output};
use augur_base::picture::formats;
use augur_base::topology::device::{Devices, Settings as Machine};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Where a training can be gone on with.
const CHECKPOINT_FILE: &str = "checkpoint.msgpack";
/// Makes the draws of episodes others than those of the learner.
const WORLD: u64 = 0x6f72_6c64_5f77_6f72;
/// Tasks that a machine's capacity is measured by.
const MEASURED: u64 = 1_000;

/// What to train.
pub struct Plan<'a> {
    /// Machine, laws, workload; `workload.tasks` come in each episode.
    pub config: &'a Config,
    /// The policy, as it is written.
    pub policy: &'a str,
    /// Episodes, those of earlier runs included.
    pub episodes: u64,
    /// Of all that is drawn.
    pub seed: u64,
    /// Each episode has a load evenly between these, of what all devices together can do; `None`: the workload's rate.
    pub load: Option<[f64; 2]>,
    /// The devices' kinds and speeds are drawn anew in each episode; their number stays.
    pub vary: bool,
    /// A checkpoint after so many episodes.
    pub checkpoint_interval: u64,
    /// The folder that all goes to.
    pub out: &'a Path,
    /// Goes on with what is in that folder.
    pub resume: bool,
    /// The folder of the exported networks.
    pub networks: &'a Path,
}

/// What a checkpoint begins with; the learner's own part follows.
#[derive(Serialize, Deserialize)]
struct Header {
    config: Config,
    seed: u64,
    load: Option<[f64; 2]>,
    vary: bool,
    curve: Curve,
}

/// Whether there is a training in a folder that can be gone on with.
pub fn has_begun(out: &Path) -> bool {
    out.join(CHECKPOINT_FILE).exists()
}

/// An earlier training's checkpoint that makes room for a new one. It comes back where there is none.
pub struct Aside {
    checkpoint: PathBuf,
    aside: PathBuf,
}

/// Makes room for another training.
///
/// # Errors
/// Where the folder cannot be written.
pub fn set_aside(out: &Path) -> Result<Option<Aside>> {
    let checkpoint = out.join(CHECKPOINT_FILE);
    if !checkpoint.exists() {
        return Ok(None);
    }
    let aside = out.join(format!(".{CHECKPOINT_FILE}.part"));
    std::fs::rename(&checkpoint, &aside)
        .with_context(|| format!("cannot replace {}", checkpoint.display()))?;
    Ok(Some(Aside { checkpoint, aside }))
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = match self.checkpoint.exists() {
            true => std::fs::remove_file(&self.aside),
            false => std::fs::rename(&self.aside, &self.checkpoint),
        };
    }
}

/// Trains; `task` is told of each task that is done, and `stop` is asked after each episode whether to end here.
///
/// # Errors
/// One sentence: a setting that cannot be, a network that cannot be loaded, a file that cannot be written.
pub fn run(plan: &Plan<'_>, task: &dyn Fn(u64), stop: &dyn Fn() -> bool) -> Result<Curve> {
    let context = plan.config.context()?;
    registry::check_learner(plan.policy, &context)?;
    let _folder = Folder::make(plan.out)?;
    let (mut learner, mut curve) = begin(plan, &context)?;
    let mut saved = curve.episodes.len() as u64;
    let (mut count, mut stopped) = (0, false);
    while (curve.episodes.len() as u64) < plan.episodes && !stopped {
        let point = episode(
            plan,
            &context,
            &mut *learner,
            curve.episodes.len() as u64,
            &mut || {
                count += 1;
                task(count);
            },
        )?;
        curve.episodes.push(point);
        stopped = stop();
        let done = curve.episodes.len() as u64;
        if stopped || done == plan.episodes || done - saved >= plan.checkpoint_interval {
            save(plan, &mut *learner, &curve)?;
            saved = done;
        }
    }
    ensure!(
        !stopped || saved == plan.episodes,
        "interrupted after {saved} of {} episodes, which are in {}; go on with --resume",
        plan.episodes,
        plan.out.display()
    );
    Ok(curve)
}

fn begin(plan: &Plan<'_>, context: &Context) -> Result<(Box<dyn Learner>, Curve)> {
    let path = plan.out.join(CHECKPOINT_FILE);
    let shown = path.display();
    if !plan.resume {
        ensure!(
            !has_begun(plan.out),
            "{} has a training already; go on with it by --resume, or name another folder for --out",
            plan.out.display()
        );
        let start = Start::Seed(plan.seed);
        let learner = registry::learner(plan.policy, context, plan.networks, start)?;
        let curve = Curve {
            policy: plan.policy.to_owned(),
            episodes: Vec::new(),
        };
        return Ok((learner, curve));
    }
    let bytes = std::fs::read(&path)
        .with_context(|| format!("cannot read {shown}; begin a training without --resume"))?;
    let mut rest = std::io::Cursor::new(&bytes);
    let header = Header::deserialize(&mut rmp_serde::Deserializer::new(&mut rest))
        .ok()
        .with_context(|| format!("{shown} is damaged; begin again in another folder"))?;
    let same = header.curve.policy == plan.policy
        && header.seed == plan.seed
        && header.load == plan.load
        && header.vary == plan.vary
        && header.config == *plan.config;
    if !same {
        bail!(
            "{shown} is of {} with seed {} and settings of its own; go on with the same ones",
            header.curve.policy,
            header.seed
        );
    }
    let rest = &bytes[rest.position() as usize..];
    let learner = registry::learner(plan.policy, context, plan.networks, Start::Checkpoint(rest))
        .with_context(|| format!("cannot go on with {shown}"))?;
    Ok((learner, header.curve))
}

/// One episode: its own tasks, load, and machine.
fn episode(
    plan: &Plan<'_>,
    context: &Context,
    learner: &mut dyn Learner,
    number: u64,
    task: &mut dyn FnMut(),
) -> Result<Point> {
    let mut draws = learner::generator(plan.seed ^ WORLD, number);
    let mut options = Options::of(context, draws.random());
    if plan.vary {
        options.devices = varied(&plan.config.machine, &mut draws)?;
    }
    if let Some([low, high]) = plan.load {
        let load = low + (high - low) * draws.random::<f64>();
        options.workload.rate_per_s = load * capacity_per_s(&options);
    }
    learner.begin(number);
    let mut left = |_: &Done| {
        task();
        ControlFlow::Continue(())
    };
    let policy: &mut dyn crate::policy::DevicePolicy = &mut *learner;
    let outcome = sim::run(&options, policy, &mut left);
    let lesson = learner.end()?;
    let outcome = outcome.with_context(|| format!("training of {} failed", plan.policy))?;
    Ok(Point {
        episode: number + 1,
        decisions: lesson.steps,
        epsilon: lesson.epsilon,
        reward: lesson.reward,
        loss: lesson.loss,
        rate_per_s: options.workload.rate_per_s,
        completion_mean_ns: outcome.completion_mean_ns,
        sla_miss_share: outcome.sla_miss_share,
    })
}

/// As many devices, of any kind, half to twice as fast as usual.
fn varied(machine: &Machine, draws: &mut augur_base::random::Generator) -> Result<Devices> {
    let count = machine.cpus + machine.gpus;
    let cpus = draws.random_range(0..=count);
    let mut speeds = |count: usize| -> Vec<f64> {
        (0..count)
            .map(|_| 2f64.powf(2.0 * draws.random::<f64>() - 1.0))
            .collect()
    };
    Machine {
        cpus,
        gpus: count - cpus,
        cpu_speeds: speeds(cpus),
        gpu_speeds: speeds(count - cpus),
        ..machine.clone()
    }
    .devices()
}

/// Tasks a second that all devices together can do, if each had the same tasks to do.
pub fn capacity_per_s(options: &Options) -> f64 {
    let workload = generator::Settings {
        tasks: MEASURED,
        tasks_per_graph: 1,
        ..options.workload.clone()
    };
    let tasks = Generator::all(&workload, &options.physics, 0).tasks;
    let of_device = |device| {
        let run_s: f64 = tasks
            .iter()
            .map(|task| options.physics.work(task).alone_s(device))
            .sum();
        tasks.len() as f64 / run_s.max(1e-9)
    };
    options.devices.all().iter().map(of_device).sum()
}

/// Writes the checkpoint, the policy and the curve: all of them or none.
fn save(plan: &Plan<'_>, learner: &mut dyn Learner, curve: &Curve) -> Result<()> {
    let header = Header {
        config: plan.config.clone(),
        seed: plan.seed,
        load: plan.load,
        vary: plan.vary,
        curve: curve.clone(),
    };
    let mut checkpoint = rmp_serde::to_vec_named(&header)?;
    checkpoint.extend(learner.checkpoint()?);
    let picture = format!("reward.{}", formats::USUAL);
    let files = [
        (CHECKPOINT_FILE, checkpoint),
        (TRAINED_FILE, learner.trained()?),
        ("reward.csv", curve.csv()?),
        (&picture, curve.file()?),
    ];
    let mut outputs = Vec::new();
    for (name, bytes) in files {
        outputs.push(Output::of(&plan.out.join(name), &bytes)?);
    }
    outputs.into_iter().try_for_each(Output::finish)
}
