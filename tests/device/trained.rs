// SPDX-License-Identifier: GPL-2.0-only
//! Networks that are trained here: twins beside TensorFlow, a problem whose values are known, breaks, and what the trained
//! policies that come with this program are worth.
//!
//! TensorFlow is found as the program finds it, or in `.venv`; only `SCX_AUGUR_SKIP_TENSORFLOW=1` leaves out what needs
//! it.

use super::run::run;
use crate::common::{fails, scx_augur};
use augur_base::random::Generator;
use augur_devices::experiment::simulate::{Config, Scenario};
use augur_devices::experiment::study;
use augur_devices::experiment::train::{self, Plan};
use augur_devices::model::trainable::{Trainable, beginning};
use augur_devices::model::{dueling, messages};
use augur_devices::policy::{Context, parse};
use augur_devices::report::study::Made;
use augur_devices::sim::{Options, Outcome};
use augur_tensorflow::array::Array;
use augur_tensorflow::array::Input;
use augur_tensorflow::{library, prepare_library};
use rand::{RngExt, SeedableRng};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Seeds that no training had: those are drawn, and of 64 bits.
const SEEDS: [u64; 3] = [101, 102, 103];

fn ready() -> bool {
    if std::env::var_os("SCX_AUGUR_SKIP_TENSORFLOW").is_some_and(|value| value == "1") {
        eprintln!("left out: SCX_AUGUR_SKIP_TENSORFLOW=1");
        return false;
    }
    let virtual_environment = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv");
    let found = library::find(None).or_else(|_| library::find(Some(&virtual_environment)));
    let remedy =
        "run `scripts/setup tensorflow-lib .tensorflow`; SCX_AUGUR_SKIP_TENSORFLOW=1 leaves these tests out";
    let found = found.unwrap_or_else(|fault| panic!("{fault}\n{remedy}"));
    prepare_library(Some(&found.library)).unwrap();
    true
}

fn networks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("model_dir/trainable")
}

fn input<'a>(name: &'a str, shape: &'a [u64], values: &'a [f32]) -> Input<'a> {
    Input { name, shape, values }
}

/// Weights with biases that are not 0, so that a twin that forgot one is found out.
fn stirred(mut weights: Vec<Array>, generator: &mut Generator) -> Vec<Array> {
    for value in weights.iter_mut().flat_map(|array| &mut array.values) {
        *value += 0.1 * (generator.random::<f32>() - 0.5);
    }
    weights
}

#[test]
fn twins_say_what_tensorflow_says() {
    if !ready() {
        return;
    }
    let mut generator = Generator::seed_from_u64(1);
    let weights = stirred(dueling::drawn(11, 256, 5, &mut generator), &mut generator);
    let mut network = Trainable::load(&networks().join("dqn"), &beginning(&weights, true)).unwrap();
    assert_eq!(network.weights().unwrap(), weights);
    let mut twin = dueling::Dueling::new(weights).unwrap();
    let states: Vec<f32> = (0..20 * 11)
        .map(|_| generator.random::<f32>() * 4.0 - 1.0)
        .collect();
    let values = network
        .call("q_values", &[input("states", &[20, 11], &states)], "values")
        .unwrap();
    assert_eq!(values.shape, [20, 5]);
    for (state, values) in states.chunks(11).zip(values.values.chunks(5)) {
        for (ours, theirs) in twin.values(state).iter().zip(values) {
            assert!((ours - theirs).abs() < 1e-4, "{ours} {theirs}");
        }
    }
    let weights = stirred(messages::drawn(12, 32, &mut generator), &mut generator);
    let mut network = Trainable::load(&networks().join("graph"), &beginning(&weights, false)).unwrap();
    let mut twin = messages::Messages::new(weights).unwrap();
    for devices in [1u64, 4, 64] {
        let rows: Vec<f32> = (0..devices * 12)
            .map(|_| generator.random::<f32>() * 4.0)
            .collect();
        let allowed = vec![1.0; devices as usize];
        let scores = network
            .call(
                "scores",
                &[
                    input("devices", &[1, devices, 12], &rows),
                    input("allowed", &[1, devices], &allowed),
                ],
                "scores",
            )
            .unwrap();
        for (ours, theirs) in twin.scores(&rows).iter().zip(&scores.values) {
            assert!((ours - theirs).abs() < 1e-4, "{ours} {theirs}");
        }
    }
}

/// Two states; an action is the state that it leads to. Q*(s, a) = R(s, a) + γ max Q*(a, ·), by iteration.
#[test]
fn values_that_are_known_are_learned() {
    const GAMMA: f32 = 0.5;
    const REWARDS: [[f32; 2]; 2] = [[0.3, -0.2], [1.0, -0.5]];
    if !ready() {
        return;
    }
    let mut truth = [[0.0f32; 2]; 2];
    for _ in 0..60 {
        let best = truth.map(|row| row[0].max(row[1]));
        truth = [0, 1].map(|s| [0, 1].map(|a: usize| REWARDS[s][a] + GAMMA * best[a]));
    }
    // Staying in state 0 for ever; to go there from 1 brings 1 at once.
    assert!((truth[0][0] - 0.6).abs() < 1e-5 && (truth[1][0] - 1.3).abs() < 1e-5);
    for signature in ["train_step", "train_step_double"] {
        let mut generator = Generator::seed_from_u64(5);
        let weights = dueling::drawn(2, 32, 2, &mut generator);
        let mut network = Trainable::load(&networks().join("dqn"), &beginning(&weights, true)).unwrap();
        let (mut first, mut last) = (0.0, 0.0);
        for step in 0..600 {
            let rows: Vec<(usize, usize)> = (0..32)
                .map(|_| (generator.random_range(0..2), generator.random_range(0..2)))
                .collect();
            let hot = |at: usize| if at == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
            let states: Vec<f32> = rows.iter().flat_map(|row| hot(row.0)).collect();
            let taken: Vec<f32> = rows.iter().flat_map(|row| hot(row.1)).collect();
            let rewards: Vec<f32> = rows.iter().map(|row| REWARDS[row.0][row.1]).collect();
            let loss = network.train(
                signature,
                &[
                    input("states", &[32, 2], &states),
                    input("taken", &[32, 2], &taken),
                    input("rewards", &[32], &rewards),
                    input("discounts", &[32], &[GAMMA; 32]),
                    input("next_states", &[32, 2], &taken),
                    input("next_allowed", &[32, 2], &[1.0; 64]),
                    input("learning_rate", &[], &[3e-3]),
                ],
            );
            last = loss.unwrap();
            if step == 0 {
                first = last;
            }
            if step % 20 == 0 {
                network.call("sync_target", &[], "done").unwrap();
            }
        }
        assert!(last < first / 100.0, "{first} {last}");
        let mut twin = dueling::Dueling::new(network.weights().unwrap()).unwrap();
        for (state, wanted) in [[1.0, 0.0], [0.0, 1.0]].iter().zip(truth) {
            for (value, wanted) in twin.values(state).iter().zip(wanted) {
                assert!(
                    (value - wanted).abs() < 0.02,
                    "{signature}: {value}, not {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_training_that_was_broken_off_goes_on_as_if_it_had_not_been() {
    if !ready() {
        return;
    }
    let mut config = Scenario::Multiprocessor.config();
    config.workload.tasks = 80;
    let folder = tempfile::tempdir().unwrap();
    for policy in [
        "dqn[queues=1,hidden=16,batch=16,replay=200,target=10,epsilon_decay=0.99,n_step=2]",
        "graph[hidden=8,batch=16,replay=200]",
    ] {
        let (whole, broken) = (folder.path().join(&policy[..3]), folder.path().join(&policy[..4]));
        let plan = |out, episodes, resume| Plan {
            config: &config,
            policy,
            episodes,
            seed: 7,
            load: Some([0.5, 0.9]),
            vary: policy.starts_with("graph"),
            checkpoint_interval: 4,
            out,
            resume,
            networks: &NETWORKS,
        };
        static NETWORKS: std::sync::LazyLock<PathBuf> = std::sync::LazyLock::new(networks);
        let never = || false;
        let train = |plan: &Plan<'_>, stop: &dyn Fn() -> bool| train::run(plan, &|_| (), stop);
        let straight = train(&plan(&whole, 4, false), &never).unwrap();
        // Ctrl-C in the first episode, then on.
        let stopped = train(&plan(&broken, 4, false), &|| true).unwrap_err().to_string();
        assert!(
            stopped.contains("after 1 of 4 episodes") && stopped.contains("--resume"),
            "{stopped}"
        );
        let again = train(&plan(&broken, 4, false), &never).unwrap_err().to_string();
        assert!(again.contains("has a training already"), "{again}");
        assert_eq!(train(&plan(&broken, 4, true), &never).unwrap(), straight);
        for file in ["policy.msgpack", "reward.csv", "checkpoint.msgpack"] {
            let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
            assert!(read(&whole) == read(&broken), "{file} of {policy}");
        }
        let other = Plan {
            seed: 8,
            ..plan(&broken, 5, true)
        };
        let refused = train(&other, &never).unwrap_err().to_string();
        assert!(refused.contains("go on with the same ones"), "{refused}");
    }
}

/// What an experiment says of a network is what a simulation with the trained policy says; a training that is there already is
/// gone on with.
#[test]
fn an_experiment_trains_networks_and_compares_them() {
    if !ready() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let network = "dqn[queues=1,hidden=16,batch=16]";
    let settings = format!(
        "[experiment]\nmeasure = false\nseeds = 2\npolicies = [\"eft\"]\nnetworks = [\"{network}\"]\nepisodes = 3\nlearning_tasks = [20]\n\
         learning_trees = [1]\nheld_out_tasks = 20\nheatmap = [1, 1]\nwindows = 2\n[workload]\ntasks = 60\n[workload.drift]\nat = [40]\n"
    );
    let config = study::defaults().with_toml(&settings).unwrap();
    let (graphs, stop) = (networks(), AtomicBool::new(false));
    let experiment = || {
        let plan = study::Plan {
            config: &config,
            out: folder.path(),
            threads: 2,
            networks: &graphs,
            stop: &stop,
            made: Made::default(),
        };
        study::run(&plan, &|_| ()).unwrap()
    };
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let first = experiment();
    let tables = ["results.csv", "training.csv"].map(read);
    assert_eq!(tables[1].lines().count(), 4, "{}", tables[1]);
    assert!(folder.path().join("training.png").exists());
    let page = read("report.html");
    assert!(
        page.contains("in 180 decisions") && page.contains("Training: the reward"),
        "{page}"
    );

    let trained = folder.path().join("train/00-dqn_queues_1_hidden_16_batch_16_");
    let policy = format!("dqn[dir={}]", trained.display());
    let context = config.context().unwrap();
    for (seed, found) in first
        .seeds
        .iter()
        .zip(first.runs.iter().filter(|run| run.policy == network))
    {
        let outcome = run(&context, &mut *parse(&policy, &context, *seed).unwrap(), *seed).0;
        assert_eq!(found.state_hash, format!("{:016x}", outcome.state_hash));
    }
    // It learned from a workload that does not drift: the one of `simulate train` with the same seed.
    let mut plain = config.clone();
    plain.workload.drift = Default::default();
    let out = folder.path().join("plain");
    let plan = Plan {
        config: &plain,
        policy: network,
        episodes: 3,
        seed: 1,
        load: None,
        vary: false,
        checkpoint_interval: 9,
        out: &out,
        resume: false,
        networks: &graphs,
    };
    assert_eq!(train::run(&plan, &|_| (), &|| false).unwrap(), first.training[0]);

    let unit = trained.with_extension("json");
    std::fs::remove_file(&unit).unwrap();
    experiment();
    assert!(unit.exists());
    assert_eq!(["results.csv", "training.csv"].map(read), tables);
}

#[test]
fn the_terminal_shows_what_the_training_came_to_and_nothing_that_the_library_says() {
    if !ready() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let library = library::find(None)
        .or_else(|_| library::find(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv"))));
    let output = scx_augur(&[
        "simulate",
        "train",
        "--policy",
        "dqn",
        "--scenario",
        "multiprocessor",
        "--episodes",
        "1",
        "--tasks",
        "200",
        "--out",
        out.to_str().unwrap(),
        "--tensorflow",
        library.unwrap().library.to_str().unwrap(),
    ]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        !said.contains("tensorflow") && !said.contains("NodeDef"),
        "{said}"
    );
}

fn context(scenario: Scenario, change: impl FnOnce(&mut Config)) -> Context {
    let mut config = scenario.config();
    config.workload.tasks = 6_000;
    change(&mut config);
    config.context().unwrap()
}

/// The context with a load of what all devices together can do.
fn loaded(mut context: Context, load: f64) -> Context {
    context.workload.rate_per_s = load * train::capacity_per_s(&Options::of(&context, 0));
    context
}

/// Mean completion in ms and the share of missed deadlines, over the seeds.
fn figures(context: &Context, policy: &str) -> (f64, f64) {
    let of = |&seed: &u64| run(context, &mut *parse(policy, context, seed).unwrap(), seed).0;
    let all: Vec<Outcome> = SEEDS.iter().map(of).collect();
    let mean = |value: &dyn Fn(&Outcome) -> f64| all.iter().map(value).sum::<f64>() / all.len() as f64;
    (
        mean(&|outcome| outcome.completion_mean_ns / 1e6),
        mean(&|outcome| outcome.sla_misses as f64 / outcome.tasks as f64),
    )
}

/// Least work is within a few thousandths of what any rule reaches here in mean completion; there is more to gain in deadlines.
#[test]
fn the_shipped_dqn_misses_fewer_deadlines_than_any_rule_and_takes_no_longer() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("model_dir/dqn-multiprocessor");
    let dqn = format!("dqn[dir={}]", directory.display());
    for load in [0.7, 0.8, 0.95] {
        let context = loaded(context(Scenario::Multiprocessor, |_| ()), load);
        let learned = figures(&context, &dqn);
        for (other, longer) in [("round_robin", 0.6), ("least_work", 1.01), ("eft", 1.005)] {
            let theirs = figures(&context, other);
            println!("load {load}: dqn {learned:?}, {other} {theirs:?}");
            assert!(learned.0 < longer * theirs.0, "{load} {other}");
            assert!(learned.1 < theirs.1, "{load} {other}");
        }
    }
}

/// Trained on four devices; slow and fast ones, CPUs and GPUs.
#[test]
fn the_shipped_graph_serves_any_number_of_devices() {
    for (cpus, gpus) in [(4, 0), (2, 2), (8, 8), (16, 48), (64, 0)] {
        let context = context(Scenario::CpuGpu, |config| {
            config.machine.cpus = cpus;
            config.machine.gpus = gpus;
            config.machine.cpu_speeds = (0..cpus).map(|at| 0.6 + 0.2 * (at % 6) as f64).collect();
            config.machine.gpu_speeds = (0..gpus).map(|at| 0.7 + 0.3 * (at % 3) as f64).collect();
        });
        for load in [0.5, 0.8] {
            let context = loaded(context.clone(), load);
            let (graph, eft) = (figures(&context, "graph").0, figures(&context, "eft").0);
            println!("{cpus} CPUs, {gpus} GPUs, load {load}: graph {graph:.3} ms, eft {eft:.3} ms");
            assert!(graph <= 1.05 * eft, "{cpus} {gpus} {load}: {graph} {eft}");
        }
    }
}

#[test]
fn wrong_use_is_one_sentence() {
    let say = |arguments: &[&str], code, words| fails(&[&["simulate"], arguments].concat(), code, words);
    say(&["--policies", "dqn"], 2, "needs the folder of a trained one");
    say(
        &["--policies", "dqn[dir=no/where]"],
        2,
        "cannot read no/where/policy.msgpack",
    );
    let four = "dqn[dir=model_dir/dqn-multiprocessor]";
    say(
        &["--policies", four],
        2,
        "was trained for 4 devices, and this machine has 5",
    );
    let mistaken = "graph[dir=model_dir/dqn-multiprocessor]";
    say(&["--policies", mistaken], 2, "is a trained 'dqn', not a 'graph'");
    let out = ["--out", "target/never"];
    say(
        &["train", "--policy", "eft", out[0], out[1]],
        2,
        "dqn and graph can",
    );
    say(
        &["train", "--policy", "dqn[gamma=2]", out[0], out[1]],
        2,
        "gamma between 0 and 1",
    );
    say(
        &[
            "train",
            "--policy",
            "dqn",
            "--tensorflow",
            "/dev/null",
            out[0],
            out[1],
        ],
        1,
        "TensorFlow",
    );
}
