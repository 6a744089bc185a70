// SPDX-License-Identifier: GPL-2.0-only
//! A busy machine is not a bad model.

use super::{model, ready};
use augur_sched::model::{Engine, FEATURES, ModelEvent, ModelOptions, ModelSource};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// As long as the daemon may take to have a model that decides.
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_model_passes_its_trial_and_decides_beside_eight_hogs() {
    let stop = AtomicBool::new(false);
    let (events, served) = std::thread::scope(|scope| {
        (0..8).for_each(|_| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        });
        // Every limit as it is by default.
        let options = ModelOptions {
            directory: model("mlp"),
            engine: if ready() { Engine::TensorFlow } else { Engine::Twin },
            ..ModelOptions::default()
        };
        let end = Instant::now() + MINUTE;
        let mut handle = ModelSource::spawn(options).unwrap();
        let mut events = handle.wait_loaded(MINUTE);
        let (mut served, mut out) = (0, Vec::new());
        while served < 10 && Instant::now() < end {
            served += u32::from(handle.score(&[[0.0; FEATURES.len()]], &mut out).is_ok());
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
        events.extend(handle.poll_events());
        (events, served)
    });
    assert!(
        matches!(events.as_slice(), [ModelEvent::Loaded { .. }]),
        "{events:?}"
    );
    assert_eq!(served, 10, "rounds that it decided");
}
