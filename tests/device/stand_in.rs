// SPDX-License-Identifier: GPL-2.0-only
//! `run --simulate`: the daemon's decisions on a simulated machine.

#[cfg(feature = "live")]
use crate::common::{scx_augur, succeeds};
use augur_base::topology::Machine;
use augur_sched::experiment::stand_in::{self, Decider, Load};
use augur_sched::model::{Constant, Engine, Predictor};
use augur_sched::policy::metrics::Metrics;
use augur_sched::policy::{self, Mode};
use std::time::Duration;

fn run(model: Result<Constant, &'static str>) -> Metrics {
    let load = Load {
        share: 0.9,
        tasks: 32,
        duration: Duration::from_secs(4),
        seed: 5,
    };
    let decider = Decider {
        policy: policy::parse("augur").unwrap(),
        model: model.map(|model| (Box::new(model) as Box<dyn Predictor>, Engine::Twin)),
        mode: Mode::Model,
        interval: Duration::from_millis(100),
        tuning: Default::default(),
    };
    let mut shown = Vec::new();
    let last = stand_in::run(
        Machine::from_spec("2x4").unwrap(),
        &load,
        decider,
        Some(Duration::from_secs(1)),
        &mut |metrics| shown.push(metrics.clone()),
    )
    .unwrap();
    assert!(shown.len() >= 4 && shown.windows(2).all(|pair| pair[0].rounds < pair[1].rounds));
    for metrics in shown.iter().chain([&last]) {
        let ended = metrics.applied + metrics.refused + metrics.expired;
        assert_eq!(metrics.accepted, ended + metrics.pending, "{metrics:?}");
        let kinds = metrics.mig_core + metrics.mig_llc + metrics.mig_cross_llc + metrics.mig_cross_node;
        assert_eq!(metrics.migrations, kinds, "{metrics:?}");
    }
    last
}

/// As for the kernel: a model that always stays lets nothing through, one that always moves all that the heuristic names.
#[test]
fn the_gate_is_the_daemons() {
    let (off, stay, moving) = (run(Err("off")), run(Ok(Constant::STAY)), run(Ok(Constant::MOVE)));
    assert!(off.proposed > 0 && off.applied > 0, "{off:?}");
    assert_eq!((off.model_rounds, off.fallback_rounds), (0, off.rounds));
    assert!(stay.proposed > 0);
    // Stealing between domains is denied, too: what crosses is what woke up there.
    assert_eq!((stay.accepted, stay.mig_balance), (0, 0));
    assert!(stay.pairs > 0 && stay.pairs_denied == stay.pairs, "{stay:?}");
    assert_eq!((off.pairs, off.pairs_denied), (moving.pairs, 0));
    assert_eq!((moving.model_rounds, moving.fallback_rounds), (moving.rounds, 0));
    assert!(stay.mig_cross_llc <= stay.mig_wakeup && stay.mig_cross_llc < off.mig_cross_llc);
    let same = |metrics: &Metrics| Metrics {
        model: String::new(),
        engine: String::new(),
        model_rounds: 0,
        fallback_rounds: 0,
        ..metrics.clone()
    };
    assert_eq!(same(&moving), same(&off));
}

#[cfg(feature = "live")]
#[test]
fn the_command_prints_what_run_prints_and_the_same_each_time() {
    let once = || {
        let arguments = "run --simulate --topology 2x2x2 --model off --duration 2 --seed 3 --json";
        let arguments: Vec<&str> = arguments.split(' ').collect();
        succeeds(&arguments)
    };
    let first = once();
    let metrics: Metrics = serde_json::from_str(&first).unwrap();
    assert!(
        metrics.rounds >= 20 && metrics.wakeups > 0 && metrics.domains.len() == 4,
        "{metrics:?}"
    );
    assert_eq!(first, once());
    let wrong = scx_augur(&["run", "--topology", "2x2"]);
    assert_eq!(wrong.status.code(), Some(2));
}
