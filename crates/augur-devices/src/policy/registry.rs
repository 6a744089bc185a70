// SPDX-License-Identifier: GPL-2.0-only
//! Every device policy by its name: the one table that a new policy is entered in.

use super::clairvoyant::Clairvoyant;
use super::dqn::{self, Dqn, DqnLearner, Encoder};
use super::graph::{self, Graph, GraphLearner};
use super::hybrid_ml::{self, HybridMl};
use super::planned::Planned;
use super::rules::{self, Rule};
use super::{DevicePolicy, Learner, list};
use crate::model::forest::Forest;
use crate::workload::{self, Batch, Physics, generator};
use anyhow::{Context as _, Result, bail};
use augur_base::random::Generator;
use augur_base::spelling::Spelling;
pub use augur_base::spelling::current;
use augur_base::topology::device::Devices;
use rand::SeedableRng;
use std::path::Path;
use std::sync::Arc;

/// What policies are made for.
#[derive(Clone, Debug)]
pub struct Context {
    /// The machine.
    pub devices: Devices,
    /// Its laws.
    pub physics: Physics,
    /// What comes.
    pub workload: generator::Settings,
    /// What comes where it is not drawn but listed; `workload` draws such tasks for who learns before.
    pub listed: Option<Arc<workload::Listed>>,
    /// How `hybrid_ml` learns, unless its spelling says otherwise.
    pub hybrid_ml: hybrid_ml::Settings,
    /// How `dqn` learns, unless its spelling says otherwise.
    pub dqn: dqn::Settings,
}

/// Names, and what they do in one line.
pub const NAMES: [(&str, &str); 16] = [
    ("round_robin", "a GPU and a CPU in turn"),
    ("random", "any share, any CPU and GPU"),
    ("greedy", "the GPU's share is the task's intensity"),
    (
        "hybrid_ml",
        "a forest predicts the share; hybrid_ml[retrain_interval=50,window=1000,model=gradient_boosting,drift=adwin]",
    ),
    (
        "dqn",
        "a deep Q-network that `simulate train` trained; dqn[dir=DIR]",
    ),
    (
        "graph",
        "a graph network for any number of devices; graph[dir=DIR] one of `simulate train`",
    ),
    (
        "clairvoyant",
        "knows what the task takes, and has it done as early as can be; clairvoyant[step=0.05]",
    ),
    ("least_work", "the device with the least left to do"),
    (
        "fifo",
        "another name of least_work: in order of arrival, each to the device that is free first",
    ),
    (
        "power_of_d",
        "the device with the fewest tasks of d drawn ones: power_of_d[d=2]",
    ),
    ("eft", "the device where it ends first"),
    ("heft", "graphs of tasks by upward rank"),
    ("cpop", "the critical path on one device"),
    ("peft", "by a table of optimistic costs"),
    ("lookahead", "HEFT that tries each task's children, too"),
    ("portfolio", "the best list schedule of each graph"),
];

fn spelling(text: &str) -> Result<Spelling> {
    current(text.trim()).parse()
}

/// Makes the policy that is written `name` or `name[key=value,…]`. What is random draws from `seed`.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn parse(text: &str, context: &Context, seed: u64) -> Result<Box<dyn DevicePolicy>> {
    let spelling = spelling(text)?;
    let bare = |policy: Box<dyn DevicePolicy>| spelling.only(&[]).map(|()| policy);
    let generator = || Generator::seed_from_u64(seed);
    match spelling.name() {
        "round_robin" => bare(Box::new(Rule::new(text, rules::round_robin()))),
        "random" => bare(Box::new(Rule::new(text, rules::random(generator())))),
        "greedy" => bare(Box::new(Rule::new(text, rules::greedy))),
        "least_work" | "fifo" => bare(Box::new(Rule::new("least_work", rules::least_work))),
        "power_of_d" => {
            spelling.only(&["d"])?;
            let d = spelling.whole("d", 2, 1..=64)? as usize;
            Ok(Box::new(Rule::new(text, rules::power_of_d(d, generator()))))
        }
        "eft" => bare(Box::new(Rule::new(text, rules::eft))),
        name @ ("heft" | "cpop" | "peft" | "lookahead" | "portfolio") => {
            bare(Box::new(Planned::new(name, list::parse(name)?)))
        }
        "dqn" => {
            spelling.only(&["dir"])?;
            let Some(directory) = spelling.text("dir") else {
                bail!(
                    "policy 'dqn' needs the folder of a trained one: dqn[dir=DIR]; make it with `scx_augur simulate train \
                     --policy dqn --out DIR`"
                );
            };
            trained(text, Path::new(directory), context)
        }
        "graph" => {
            spelling.only(&["dir"])?;
            match spelling.text("dir") {
                Some(directory) => trained(text, Path::new(directory), context),
                None => Ok(Box::new(Graph::read(spelling.to_string(), None)?)),
            }
        }
        "clairvoyant" => {
            spelling.only(&["step"])?;
            // Results are kept that were made with the nearest number of 32 bits.
            let step = spelling
                .real("step", 0.001..=0.5)?
                .map(|step| f64::from(step as f32));
            Ok(Box::new(Clairvoyant::new(spelling.to_string(), step)))
        }
        "hybrid_ml" => {
            let settings = hybrid_settings(&spelling, context)?;
            let Context {
                workload,
                physics,
                devices,
                ..
            } = context;
            Ok(Box::new(HybridMl::new(
                spelling.to_string(),
                &settings,
                workload,
                physics,
                devices,
            )?))
        }
        other => bail!(
            "there is no policy '{other}' for devices; there are {}",
            NAMES.map(|(name, _)| name).join(", ")
        ),
    }
}

/// The policy that a training left in `directory`, under the name that is written, `dqn[…]` or `graph[…]`.
///
/// # Errors
/// Where it cannot be read, or was trained for another machine.
pub fn trained(text: &str, directory: &Path, context: &Context) -> Result<Box<dyn DevicePolicy>> {
    let spelling: Spelling = text.parse()?;
    let name = spelling.to_string();
    Ok(match spelling.name() {
        dqn::KIND => Box::new(Dqn::read(name, directory, context.devices.all().len())?),
        graph::KIND => Box::new(Graph::read(name, Some(directory))?),
        _ => bail!("{}", untrainable(text)),
    })
}

/// Whether a policy can be made, without the work of making it.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn check(text: &str, context: &Context) -> Result<()> {
    let spelling = spelling(text)?;
    if spelling.name() == "hybrid_ml" {
        return hybrid_settings(&spelling, context).map(|_| ());
    }
    parse(text, context, 0).map(|_| ())
}

/// Those that `simulate train` trains.
pub const LEARNERS: [&str; 2] = [dqn::KIND, graph::KIND];

/// What a learner begins with: a seed, or what an earlier training left.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// It knows nothing.
    Seed(u64),
    /// It goes on from a checkpoint.
    Checkpoint(&'a [u8]),
}

/// Makes the policy that is written `dqn[…]` or `graph[…]`, to be trained. `networks` has the exported networks.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn learner(text: &str, context: &Context, networks: &Path, start: Start<'_>) -> Result<Box<dyn Learner>> {
    let spelling: Spelling = text.parse()?;
    let (name, devices) = (spelling.to_string(), context.devices.all().len());
    let network = networks.join(spelling.name());
    Ok(match spelling.name() {
        dqn::KIND => {
            let settings = context.dqn.spelled(&spelling)?;
            Box::new(match start {
                Start::Checkpoint(bytes) => DqnLearner::resume(name, &settings, devices, &network, bytes)?,
                Start::Seed(seed) => {
                    let encoder = Encoder {
                        queues: settings.queues,
                        time_scale_s: mean_run_s(context),
                    };
                    DqnLearner::new(name, &settings, encoder, devices, &network, seed)?
                }
            })
        }
        graph::KIND => {
            let settings = graph::learner::Settings::spelled(&spelling)?;
            Box::new(match start {
                Start::Checkpoint(bytes) => GraphLearner::resume(name, &settings, devices, &network, bytes)?,
                Start::Seed(seed) => GraphLearner::new(name, &settings, devices, &network, seed)?,
            })
        }
        _ => bail!("{}", untrainable(text)),
    })
}

/// Whether a learner can be made, without the work of making it.
///
/// # Errors
/// One sentence that says what is wrong and names what would be right.
pub fn check_learner(text: &str, context: &Context) -> Result<()> {
    let spelling: Spelling = text.parse()?;
    match spelling.name() {
        dqn::KIND => context.dqn.spelled(&spelling).map(|_| ()),
        graph::KIND => graph::learner::Settings::spelled(&spelling).map(|_| ()),
        _ => bail!("{}", untrainable(text)),
    }
}

fn untrainable(text: &str) -> String {
    format!(
        "policy '{text}' cannot be trained; {} can",
        LEARNERS.join(" and ")
    )
}

/// What tasks take on a CPU of speed 1, on average, in s.
fn mean_run_s(context: &Context) -> f64 {
    const DRAWN: u64 = 2_000;
    let settings = generator::Settings {
        tasks: DRAWN,
        ..context.workload.clone()
    };
    let mut generator = workload::Generator::new(&settings, &context.physics, 0);
    let (mut batch, mut sum_s) = (Batch::default(), 0.0);
    while generator.next(&mut batch) {
        sum_s += batch.works.iter().map(|work| work.cpu_s).sum::<f64>();
    }
    (sum_s / DRAWN as f64).max(1e-9)
}

fn hybrid_settings(spelling: &Spelling, context: &Context) -> Result<hybrid_ml::Settings> {
    let mut settings = context.hybrid_ml.spelled(spelling)?;
    if let Some(path) = spelling.text("forest") {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("policy '{spelling}': cannot read the forest {path}"))?;
        let forest = Forest::from_json(&text).with_context(|| format!("policy '{spelling}': {path}"))?;
        settings.forest_read = Some(forest);
    }
    Ok(settings)
}
