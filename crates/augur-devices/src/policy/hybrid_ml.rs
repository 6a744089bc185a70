// SPDX-License-Identifier: GPL-2.0-only
//! Hybrid ML: a forest predicts from a task's features which share the GPU should have; then the GPU of least cost,
//! (1 − w) · T / 10 s + w · E / 500 J. The forest is trained again every so many tasks on what was right for those that
//! ran last, in the background.
//!
//! Where it watches for drift ([`Settings::drift`]) and finds some, it notes that, forgets the forest and what came before
//! the drift, has a rule decide ([`Fallback`]) until a forest has grown on what came since, and comes back.

use super::watch::{Event, Notices, Watch};
use super::{DevicePolicy, Fleet, Placement, rules};
use crate::model::detect;
use crate::model::forest::{Forest, Parameters, Row};
use crate::model::retrain::Retrainer;
use crate::workload::generator;
use crate::workload::{Drift, Generator, Physics, Task, Work};
use anyhow::{Result, ensure};
use augur_base::bounds::{self, ANY, COUNT, NOT_NEGATIVE, POSITIVE, Setting};
use augur_base::spelling::Spelling;
use augur_base::topology::device::{Device, Devices};
use serde::{Deserialize, Serialize};

/// The seed of the tasks that the first forest learns from: none that is simulated.
const TRAINING: u64 = 0x7261_696e_5f68_6d6c;

/// Who decides between a drift and the next forest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// The mean of what would have been right since the drift, for every task.
    #[default]
    MeanShare,
    /// Earliest finish time by the machine's laws, which the drift may have made wrong.
    Eft,
}

impl Fallback {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Fallback::MeanShare => "mean_share",
            Fallback::Eft => "eft",
        }
    }
}

/// How it learns and what it weighs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The forest.
    pub forest: Parameters,
    /// Trained again after so many tasks; 0: never.
    pub retrain_interval: u64,
    /// From so many tasks that ran last.
    pub window: usize,
    /// Before the first task it learns from so many drawn like those that come; 0: it begins as greedy.
    pub pretrain_tasks: usize,
    /// It begins with this forest in place of learning before the first task.
    #[serde(skip)]
    pub forest_read: Option<Forest>,
    /// A share that is nearer than this to 0 or 1 is that.
    pub snap: f64,
    /// Devices alone are weighed, too, and not only splits.
    pub alone: bool,
    /// w: 0 looks at time only, 1 at energy only.
    pub energy_weight: f64,
    /// A time that weighs 1.
    pub time_scale_s: f64,
    /// An energy that weighs 1.
    pub energy_scale_j: f64,
    /// Who watches for drift.
    pub drift: detect::Kind,
    /// Who decides after one.
    pub fallback: Fallback,
    /// A share is wrong, to `ddm`, where it takes longer than the best one by more than this share of that one's time.
    pub wrong_above: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            forest: Parameters::default(),
            retrain_interval: 50,
            window: 1000,
            pretrain_tasks: 1000,
            forest_read: None,
            snap: 0.025,
            alone: true,
            energy_weight: 0.5,
            time_scale_s: 10.0,
            energy_scale_j: 500.0,
            drift: detect::Kind::Off,
            fallback: Fallback::default(),
            wrong_above: 0.05,
        }
    }
}

/// All of them, by their arguments where the spelling has one.
const SETTINGS: [Setting<'_>; 17] = [
    ("retrain_interval", "/retrain_interval", ANY),
    ("window", "/window", 1.0..=1e6),
    ("pretrain_tasks", "/pretrain_tasks", 0.0..=1e6),
    ("forest", "/forest_read", ANY),
    ("trees", "/forest/trees", 1.0..=10_000.0),
    ("depth", "/forest/depth", 1.0..=30.0),
    ("model", "/forest/model", ANY),
    ("alone", "/alone", ANY),
    ("drift", "/drift", ANY),
    ("fallback", "/fallback", ANY),
    ("", "/forest/min_samples_leaf", COUNT),
    ("", "/forest/learning_rate", f64::MIN_POSITIVE..=1.0),
    ("", "/snap", 0.0..=0.5),
    ("", "/energy_weight", 0.0..=1.0),
    ("", "/time_scale_s", POSITIVE),
    ("", "/energy_scale_j", POSITIVE),
    ("", "/wrong_above", NOT_NEGATIVE),
];
/// So many of them are of the spelling.
const SPELLED: usize = 10;

impl Settings {
    /// These, changed by the spelling's arguments; a forest that it names is left to be read.
    ///
    /// # Errors
    /// One sentence that names the argument that cannot be.
    pub fn spelled(&self, spelling: &Spelling) -> Result<Settings> {
        let settings = spelling.over(self, &SETTINGS[..SPELLED])?;
        settings.check()?;
        Ok(settings)
    }

    /// Whether every setting can be.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.retrain_interval > 0 || self.drift == detect::Kind::Off,
            "hybrid_ml.retrain_interval must be 1 or more where hybrid_ml.drift watches, for it is then trained again"
        );
        bounds::check("hybrid_ml", self, &SETTINGS)
    }
}

/// The features, in order.
pub const FEATURES: [&str; 5] = [
    "size",
    "compute_intensity",
    "memory_required",
    "memory_per_size",
    "compute_to_memory",
];

/// A task's features: nothing but what is known before it ran.
pub fn features(task: &Task) -> Row {
    Row::of(&[
        task.size,
        task.intensity,
        task.memory_mb,
        task.memory_mb / (task.size + 1.0),
        task.intensity / (task.memory_mb + 1.0),
    ])
}

/// The CPU and the GPU that shares are about: the first ones; none where there is nothing to split between.
pub fn pair(devices: &Devices) -> Option<(&Device, &Device)> {
    let (cpus, gpus) = devices.all().split_at_checked(devices.cpus())?;
    Some((cpus.first()?, gpus.first()?))
}

/// What would have been right for a task that ran: the share of the first CPU and the first GPU, split as well as can be.
pub fn label(devices: &Devices, work: &Work) -> f64 {
    match pair(devices) {
        Some((cpu, gpu)) => work.best_share(cpu, gpu),
        None => f64::from(u8::from(devices.cpus() == 0)),
    }
}

/// A share as it is used: nearly all is all, and nearly nothing is nothing.
pub fn snapped(share: f64, snap: f64) -> f64 {
    match share {
        share if share < snap => 0.0,
        share if share > 1.0 - snap => 1.0,
        share => share,
    }
}

/// How much longer a task takes with this share than with the best one, as a share of that: what the prediction was wrong by,
/// whatever the queues.
fn excess(devices: &Devices, work: &Work, share: f64) -> Option<f64> {
    let (cpu, gpu) = pair(devices)?;
    let takes = |share: f64| match share {
        share if share <= 0.0 => work.alone_s(cpu),
        share if share >= 1.0 => work.alone_s(gpu),
        share => {
            let (on_cpu, on_gpu) = work.parts_s(cpu, gpu, share);
            on_cpu.max(on_gpu)
        }
    };
    Some(takes(share) / takes(work.best_share(cpu, gpu)) - 1.0)
}

/// `hybrid_ml`.
pub struct HybridMl {
    name: String,
    settings: Settings,
    retrainer: Retrainer,
    watch: Option<Watch>,
    /// Since a drift a rule decides.
    fallen: bool,
    notices: Notices,
}

impl HybridMl {
    /// Learns from tasks that are drawn like those that will come, but never come.
    ///
    /// # Errors
    /// One sentence where the first forest cannot be trained.
    pub fn new(
        name: String,
        settings: &Settings,
        workload: &generator::Settings,
        physics: &Physics,
        devices: &Devices,
    ) -> Result<HybridMl> {
        let mut retrainer = Retrainer::new(&settings.forest, settings.window, settings.retrain_interval);
        let drawn = generator::Settings {
            tasks: settings.pretrain_tasks as u64,
            drift: Drift::default(),
            ..workload.clone()
        };
        if let Some(forest) = &settings.forest_read {
            retrainer.begin_with(forest.clone());
        } else if settings.pretrain_tasks > 0 {
            let drawn = Generator::all(&drawn, physics, TRAINING);
            for (task, work) in drawn.tasks.iter().zip(&drawn.works) {
                retrainer.add(features(task), label(devices, work));
            }
            retrainer.train_now()?;
        }
        Ok(HybridMl {
            name,
            watch: (settings.drift != detect::Kind::Off)
                .then(|| Watch::new(settings.drift, workload, settings.wrong_above)),
            settings: settings.clone(),
            retrainer,
            fallen: false,
            notices: Notices::default(),
        })
    }

    fn share(&self, task: &Task) -> f64 {
        let share = match self.retrainer.forest() {
            Some(forest) => forest.predict(&features(task)),
            None if self.fallen => self.retrainer.mean_label().unwrap_or(task.intensity),
            None => task.intensity,
        };
        snapped(share, self.settings.snap)
    }

    /// Falls back where something drifts, comes back where a forest has grown on what came since.
    fn look(&mut self, fleet: &Fleet, task: &Task, work: &Work) {
        let error = self.watch.as_ref().map_or(0.0, |_| {
            excess(&fleet.devices, work, self.share(task)).unwrap_or(0.0)
        });
        let Some(watch) = &mut self.watch else {
            return;
        };
        if self.fallen {
            if self.retrainer.forest().is_some() {
                self.fallen = false;
                watch.restart();
                let rows = self.retrainer.rows() as u64;
                self.notices.push(task, Event::Retrained { rows });
                self.notices.push(task, Event::CameBack);
            }
        } else if let Some((drift, since)) = watch.observe(task, error) {
            self.fallen = true;
            self.retrainer
                .restart(usize::try_from(since).unwrap_or(usize::MAX));
            self.notices.push(task, drift);
            let rule = self.settings.fallback.name();
            self.notices.push(task, Event::FellBack { rule });
        }
    }

    /// What time and energy of a placement weigh together.
    fn cost(&self, fleet: &Fleet, work: &Work, placement: Placement) -> f64 {
        let w = self.settings.energy_weight;
        let time = fleet.finish_s(work, placement) / self.settings.time_scale_s;
        let energy = fleet.energy_j(work, placement) / self.settings.energy_scale_j;
        (1.0 - w) * time + w * energy
    }
}

impl DevicePolicy for HybridMl {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        if self.fallen && self.settings.fallback == Fallback::Eft {
            return rules::earliest(fleet, &work);
        }
        let share = self.share(task);
        let Some(cpu) = fleet.least_busy(fleet.cpus(), &work) else {
            return fleet.anywhere(&work);
        };
        let split = fleet.gpus().map(|gpu| fleet.split(cpu, gpu, share));
        let alone = self
            .settings
            .alone
            .then(|| fleet.gpus().chain([cpu]).map(Placement::One));
        let mut best: Option<(f64, Placement)> = None;
        for placement in split.chain(alone.into_iter().flatten()) {
            if !fleet.fits(&work, placement) {
                continue;
            }
            let cost = self.cost(fleet, &work, placement);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, placement));
            }
        }
        best.map_or(Placement::One(cpu), |(_, placement)| placement)
    }

    fn learn(&mut self, fleet: &Fleet, task: &Task, work: &Work) {
        self.retrainer.learn(features(task), label(&fleet.devices, work));
        self.look(fleet, task, work);
    }

    fn notices(&self) -> Option<&Notices> {
        self.watch.as_ref().map(|_| &self.notices)
    }
}
