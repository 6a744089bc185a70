// SPDX-License-Identifier: GPL-2.0-only
//! A scheduler's runs together, and how they compare.

use super::{Callback, FIGURES, Figure, Report, Run};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Callbacks are compared with this scheduler's: EEVDF has none.
pub(super) const CALLBACK_BASELINE: &str = "scx_rusty";

/// Several runs' values of one figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of the two.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Median by the baseline's median; absent where that is 0 or was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl Spread {
    /// The spread of some values; `None` for none.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let median = match sorted.len() % 2 {
            0 => (sorted.get(middle.checked_sub(1)?)? + upper) / 2.0,
            _ => upper,
        };
        Some(Spread {
            median,
            min: *sorted.first()?,
            max: *sorted.last()?,
            ratio: None,
        })
    }
}

/// One scheduler's runs together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Its name in tables.
    pub scheduler: String,
    /// Runs with figures.
    pub runs: usize,
    /// Why the others have none.
    pub died: Vec<String>,
    /// By the names in [`FIGURES`].
    pub figures: BTreeMap<&'static str, Spread>,
    /// Each BPF callback, over the runs; the ratio is that to scx_rusty's of the same name.
    pub callbacks: BTreeMap<String, CallbackSpread>,
}

/// One BPF callback over several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CallbackSpread {
    /// Calls in a run.
    pub calls: Spread,
    /// Mean run time.
    pub mean_ns: Spread,
}

impl Report {
    /// Each scheduler's runs together, in the order of their first runs.
    pub fn summaries(&self) -> Vec<Summary> {
        let mut names: Vec<&str> = Vec::new();
        for run in &self.runs {
            if !names.contains(&run.scheduler.as_str()) {
                names.push(&run.scheduler);
            }
        }
        let mut all: Vec<Summary> = names.iter().map(|name| self.summary(name)).collect();
        let find = |name: &str| all.iter().find(|summary| summary.scheduler == name).cloned();
        let (baseline, peer) = (find(&self.about.baseline), find(CALLBACK_BASELINE));
        for summary in &mut all {
            for (name, spread) in &mut summary.figures {
                let base = baseline.as_ref().and_then(|base| base.figures.get(name));
                spread.ratio = base.and_then(|base| ratio(spread.median, base.median));
            }
            for (name, spread) in &mut summary.callbacks {
                let base = peer.as_ref().and_then(|peer| peer.callbacks.get(name));
                spread.mean_ns.ratio =
                    base.and_then(|base| ratio(spread.mean_ns.median, base.mean_ns.median));
            }
        }
        all
    }

    fn summary(&self, name: &str) -> Summary {
        let mine = || self.runs.iter().filter(|run| run.scheduler == name);
        let good: Vec<&Run> = mine().filter(|run| run.died.is_none()).collect();
        let values = |figure: &Figure| -> Vec<f64> {
            good.iter()
                .filter_map(|run| run.figures.get(figure.name).copied())
                .collect()
        };
        let figures = FIGURES
            .iter()
            .filter_map(|figure| Some((figure.name, Spread::of(&values(figure))?)));
        let mut callbacks: BTreeMap<String, Vec<Callback>> = BTreeMap::new();
        for run in &good {
            for (name, callback) in &run.callbacks {
                callbacks.entry(name.clone()).or_default().push(*callback);
            }
        }
        let over = |all: &[Callback], of: fn(&Callback) -> f64| {
            Spread::of(&all.iter().map(of).collect::<Vec<f64>>()).unwrap_or_default()
        };
        Summary {
            scheduler: name.to_owned(),
            runs: good.len(),
            died: mine().filter_map(|run| run.died.clone()).collect(),
            figures: figures.collect(),
            callbacks: callbacks
                .into_iter()
                .map(|(name, all)| {
                    let spread = CallbackSpread {
                        calls: over(&all, |one| one.calls as f64),
                        mean_ns: over(&all, |one| one.mean_ns),
                    };
                    (name, spread)
                })
                .collect(),
        }
    }
}

fn ratio(value: f64, base: f64) -> Option<f64> {
    (base > 0.0).then(|| value / base)
}
