// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur experiment`: what was stopped and went on, tables against sums made here, the page, and bad input.

use crate::common::scx_augur;
use augur_devices::experiment::simulate::{self, Config};
use augur_devices::experiment::study::{self, Plan, Step};
use augur_devices::policy::{parse, registry};
use augur_devices::report::device::Figures;
use augur_devices::report::study::{Lessons, Made, Run, Study};
use augur_devices::sim::{Done, Options, Outcome};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Small enough for a second.
pub const SMALL: &str = "\
[experiment]
measure = false
seeds = 2
policies = [\"round_robin\", \"eft\", \"hybrid_ml[trees=5,pretrain_tasks=60]\", \"clairvoyant\"]
heatmap = [3, 2]
windows = 6
learning_tasks = [20, 60]
learning_trees = [1, 5]
held_out_tasks = 100
shifts = [{ task = 30, what = \"half of them\" }]
[workload]
tasks = 60
[hybrid_ml.forest]
trees = 8
";
const TABLES: [&str; 10] = [
    "results",
    "utilisation",
    "gpu_fraction",
    "summary",
    "win_loss",
    "regret",
    "heatmap",
    "learning",
    "importance",
    "timeline",
];

fn small() -> Config {
    study::defaults().with_toml(SMALL).unwrap()
}

fn run(out: &Path, threads: usize, stop: &AtomicBool, tell: &(dyn Fn(Step) + Sync)) -> anyhow::Result<Study> {
    let config = small();
    let plan = Plan {
        config: &config,
        out,
        threads,
        networks: Path::new(""),
        stop,
        made: Made::default(),
    };
    study::run(&plan, tell)
}

fn whole(out: &Path) -> Study {
    run(out, 2, &AtomicBool::new(false), &|_| ()).unwrap()
}

/// What must be the same each time.
fn tables(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = TABLES.map(|name| format!("{name}.csv"));
    let names = names.into_iter().chain(["summary.json".to_owned()]);
    names
        .filter(|name| name != "summary.json" || out.join(name).exists())
        .map(|name| (name.clone(), std::fs::read(out.join(name)).unwrap()))
        .collect()
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

/// A table as rows of words, by column.
pub fn rows(out: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(out.join(format!("{name}.csv"))).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

pub fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

#[test]
fn what_was_stopped_and_went_on_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    whole(&one);
    let (stop, units) = (AtomicBool::new(false), AtomicUsize::new(0));
    let stopped = run(&other, 1, &stop, &|step| {
        // In the middle of what is scheduled: profile, 2 of tasks, 4 of training come first.
        if matches!(step, Step::Unit) && units.fetch_add(1, Ordering::Relaxed) == 9 {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let said = format!("{:#}", stopped.unwrap_err());
    assert!(said.contains("interrupted") && said.contains("other"), "{said}");
    let left = files(&other);
    // Two of tasks, four forests and three runs have a file more.
    assert_eq!(left.len(), 20, "the settings and ten units: {left:?}");
    for path in left
        .iter()
        .filter(|path| path.extension() == Some("json".as_ref()))
    {
        let text = std::fs::read(path).unwrap();
        assert!(
            serde_json::from_slice::<serde_json::Value>(&text).is_ok(),
            "{path:?} is torn"
        );
    }
    let kept = AtomicUsize::new(0);
    run(&other, 2, &AtomicBool::new(false), &|step| {
        if let Step::Phase { kept: found, .. } = step {
            kept.fetch_add(found, Ordering::Relaxed);
        }
    })
    .unwrap();
    assert_eq!(kept.into_inner(), 10);
    assert_eq!(tables(&one), tables(&other));
}

#[test]
fn cells_windows_and_files_are_those_of_a_plain_simulation() {
    let folder = tempfile::tempdir().unwrap();
    whole(folder.path());
    let config = small();
    let context = config.context().unwrap();
    // Sizes from 100 to 5000 in three, intensities from 0 to 1 in two, tasks in six windows.
    let (mut cells, mut windows) = ([(0u64, 0u64); 6], [[0u64; 6]; 2]);
    for (at, seed) in config.experiment.all_seeds().into_iter().enumerate() {
        let options = Options {
            devices: context.devices.clone(),
            physics: context.physics.clone(),
            workload: context.workload.clone(),
            seed,
            listed: None,
        };
        let mut left = |done: &Done| {
            let took_ns = done.finish_ns - done.task.arrival_ns;
            let size = ((done.task.size - 100.0) / (4900.0 / 3.0)) as usize;
            let cell = &mut cells[size * 2 + usize::from(done.task.intensity >= 0.5)];
            (cell.0, cell.1) = (cell.0 + 1, cell.1 + took_ns);
            windows[at][done.task.number as usize / 10] += took_ns;
            ControlFlow::Continue(())
        };
        let mut policy = parse("eft", &context, seed).unwrap();
        augur_devices::sim::run(&options, &mut *policy, &mut left).unwrap();
    }
    let of_eft = |name: &str| {
        rows(folder.path(), name)
            .into_iter()
            .filter(|row| row["policy"] == "eft")
    };
    let found: Vec<(u64, f64)> = of_eft("heatmap")
        .map(|row| (row["tasks"].parse().unwrap(), number(&row, "completion_mean_ns")))
        .collect();
    let wanted = cells.map(|(tasks, sum_ns)| (tasks, sum_ns as f64 / tasks as f64));
    assert_eq!(found, wanted);
    for (window, row) in of_eft("timeline").enumerate() {
        assert_eq!(number(&row, "first_task"), 10.0 * window as f64);
        let mean_ns = (windows[0][window] + windows[1][window]) as f64 / 20.0;
        assert!((number(&row, "completion_mean_ns") / mean_ns - 1.0).abs() < 1e-12);
    }
    // Nobody is done before the clairvoyant by a decision, and a forest errs less after 60 tasks than after 20.
    for row in rows(folder.path(), "regret")
        .iter()
        .filter(|row| row["kind"] == "decision")
    {
        assert_eq!(
            number(row, "mean_ns") == 0.0,
            row["policy"] == "clairvoyant",
            "{row:?}"
        );
    }
    let forest: Vec<f64> = rows(folder.path(), "learning")
        .iter()
        .filter(|row| row["learner"] == "random_forest" && row["by"] == "tasks")
        .map(|row| number(row, "share_error"))
        .collect();
    assert!(forest.len() == 2 && forest[1] < forest[0], "{forest:?}");
    parquet_has_the_rows_of(folder.path());
}

fn parquet_has_the_rows_of(out: &Path) {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    for name in TABLES {
        let file = std::fs::File::open(out.join(format!("{name}.parquet"))).unwrap();
        let table = SerializedFileReader::new(file).unwrap();
        let first = rows(out, name);
        let row = table.get_row_iter(None).unwrap().next().unwrap().unwrap();
        let words = first[0].values().any(|word| word == row.get_string(0).unwrap());
        let count = table.metadata().file_metadata().num_rows() as usize;
        assert!(words && count == first.len(), "{name}");
    }
}

/// Half of the tasks come with slow GPUs; one policy looks for that, and notices.
const DRIFTING: &str = "\
[experiment]
measure = false
seeds = 2
policies = [\"hybrid_ml[alone=0,retrain_interval=0]\", \"hybrid_ml[alone=0,drift=adwin]\", \"clairvoyant\"]
windows = 8
learning_tasks = [20]
learning_trees = [1]
held_out_tasks = 20
shifts = [{ task = 100, what = \"nothing\" }]
[workload]
tasks = 800
rate_per_s = 5
[workload.drift]
at = [400]
window_tasks = 50
[hybrid_ml]
pretrain_tasks = 200
window = 200
[hybrid_ml.forest]
trees = 5
depth = 6
";

/// What a drift did survives a break, and is what `simulate` says, which keeps no files.
#[test]
fn drift_is_seen_and_survives_a_break() {
    let folder = tempfile::tempdir().unwrap();
    let config = study::defaults().with_toml(DRIFTING).unwrap();
    let study = |stop_after: usize| {
        let (stop, units) = (AtomicBool::new(false), AtomicUsize::new(0));
        let plan = Plan {
            config: &config,
            out: folder.path(),
            threads: 1,
            networks: Path::new(""),
            stop: &stop,
            made: Made::default(),
        };
        study::run(&plan, &|step| {
            if matches!(step, Step::Unit) && units.fetch_add(1, Ordering::Relaxed) + 1 == stop_after {
                stop.store(true, Ordering::Relaxed);
            }
        })
    };
    // Profile, two of tasks, four of training, and all but one of what is scheduled.
    study(12).unwrap_err();
    let study = study(usize::MAX).unwrap();
    let plan = simulate::Plan {
        config: &config,
        policies: &config.experiment.policies,
        seeds: config.experiment.all_seeds(),
        out: None,
        threads: 2,
    };
    let plain = simulate::run(&plan, &|_| ControlFlow::Continue(())).unwrap();
    assert_eq!(study.drift, plain.drift);
    let drift = study.drift.unwrap();
    let [frozen, adaptive, clairvoyant] = &drift.policies[..] else {
        panic!("{drift}");
    };
    assert_eq!(
        (frozen.recovered, adaptive.recovered, clairvoyant.recovered),
        (0, 2, 2),
        "{drift}"
    );
    assert_eq!((frozen.false_alarms, adaptive.detected), (None, 2), "{drift}");
    let marks = study
        .timeline
        .marks
        .iter()
        .map(|mark| (mark.task, mark.what.as_str()));
    assert_eq!(marks.collect::<Vec<_>>(), [(100, "nothing"), (400, "drift")]);
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    let (_, timeline) = page.split_once("<section id=\"timeline\">").unwrap();
    let (timeline, _) = timeline.split_once("</section>").unwrap();
    // A ring where the adaptive one recovered, on a screen and on a phone, and none on the others' lines.
    assert_eq!(timeline.matches("r=\"10\"").count(), 2, "{timeline}");
    let recovered = adaptive.recovered_after_tasks.unwrap();
    assert!(
        timeline.contains(&format!("<td>{recovered:.0}</td>")),
        "{timeline}"
    );
    let rows = rows(folder.path(), "drift");
    assert_eq!(rows.len(), 6);
    assert_eq!(
        number(&rows[2], "recovered_after_tasks") + number(&rows[3], "recovered_after_tasks"),
        2.0 * recovered
    );
}

/// Three seeds: `slow` is behind `fast` by 1, 2 and 3 ms, so by 2 ± 4.303 / √3; `same` is now before and now behind it.
#[test]
fn wins_losses_and_ties_are_told_apart() {
    let runs = |policy: &str, means_ms: [f64; 3]| {
        (1..)
            .zip(means_ms)
            .map(move |(seed, mean_ms)| Run {
                figures: Figures {
                    policy: policy.to_owned(),
                    seed,
                    outcome: Outcome {
                        completion_mean_ns: mean_ms * 1e6,
                        ..Outcome::default()
                    },
                    ..Figures::default()
                },
                ..Run::default()
            })
            .collect::<Vec<Run>>()
    };
    let all = [
        runs("fast", [10.0, 20.0, 30.0]),
        runs("slow", [11.0, 22.0, 33.0]),
        runs("slower", [14.0, 24.1, 34.2]),
        runs("same", [10.5, 19.5, 30.1]),
    ]
    .concat();
    let study = Study::new(Vec::new(), None, &all, &[] as &[Lessons], Default::default());
    let duel = |one: &str, other: &str| {
        let found = study
            .win_loss
            .iter()
            .find(|duel| duel.policy == one && duel.against == other);
        let duel = found.unwrap();
        (duel.wins, duel.losses, duel.verdict)
    };
    assert_eq!(duel("fast", "slower"), (3, 0, "better"));
    assert_eq!(duel("slower", "fast"), (0, 3, "worse"));
    // Won three times, and yet 0 is inside 2 ± 2.48.
    assert_eq!(duel("fast", "slow"), (3, 0, "tie"));
    assert_eq!(duel("fast", "same"), (2, 1, "tie"));
    assert_eq!(study.best().unwrap().policy, "fast");
    assert_eq!(study.tied_with("fast"), ["slow", "same"]);
    let ahead = study
        .win_loss
        .iter()
        .find(|duel| duel.against == "slow")
        .unwrap()
        .ahead_ns;
    assert!(
        (ahead.high / 1e6 - 2.0 - 4.303 / 3f64.sqrt()).abs() < 1e-9,
        "{ahead:?}"
    );
}

#[test]
fn the_page_has_every_part_and_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    whole(folder.path());
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for part in [
        "results",
        "race",
        "tail",
        "heatmap",
        "win-loss",
        "frontier",
        "regret",
        "devices",
        "learning",
        "importance",
        "timeline",
        "decision-time",
        "machine",
    ] {
        assert!(page.contains(&format!("<section id=\"{part}\">")), "no {part}");
        assert!(page.contains(&format!("href=\"#{part}\"")), "no way to {part}");
    }
    assert!(page.contains("half of them") && page.contains("<meta name=\"viewport\""));
    let pictures: Vec<PathBuf> = files(folder.path())
        .into_iter()
        .filter(|path| path.extension() == Some("png".as_ref()))
        .collect();
    assert_eq!(
        (
            pictures.len(),
            page.matches("<svg ").count(),
            page.matches("</svg>").count()
        ),
        (15, 30, 30)
    );
    for path in pictures {
        let reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap()));
        let mut reader = reader.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let inked = pixels.iter().filter(|&&value| value < 250).count();
        assert!(reader.info().width == 1920 && inked > 5000, "{path:?} is empty");
    }
}

#[test]
fn the_example_is_one() {
    let example = include_str!("../../examples/experiment.toml");
    let config = study::defaults().with_toml(example).unwrap();
    config.experiment.check().unwrap();
    assert_eq!(config.context().unwrap().devices.all().len(), 6);
    for policy in &config.experiment.policies {
        registry::check(policy, &config.context().unwrap()).unwrap();
    }
}

#[test]
fn bad_input_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let file = |text: &str| {
        std::fs::write(place("settings.toml"), text).unwrap();
        place("settings.toml")
    };
    let out = place("out");
    for (text, word) in [
        ("[experiment]\nseeds = 2\nspeed = 1\n", "line 3"),
        ("[experiment]\n\npolicies = \"eft\"\n", "line 3"),
        ("[experiment\n", "line 1"),
        ("[experiment]\nseeds = 0\n", "experiment.seeds"),
        ("[experiment]\nheatmap = [0, 3]\n", "experiment.heatmap"),
        (
            "[experiment]\nlearning_tasks = [50, 20]\n",
            "experiment.learning_tasks",
        ),
        ("[experiment]\npolicies = [\"eft\", \"eft\"]\n", "twice"),
    ] {
        refused(&["--config", &file(text), "--out", &out], 1, word);
    }
    refused(&["--out", &out, "--policies", "eft,nobody"], 2, "'nobody'");
    refused(&["--config", &place("none.toml"), "--out", &out], 1, "none.toml");
    assert!(!Path::new(&out).exists());
    let taken = place("settings.toml") + "/out";
    refused(&["--out", &taken, "--tasks", "9"], 1, "settings.toml/out");
    let profile = "[experiment]\nhardware_profile = \"/nowhere.json\"\n";
    refused(&["--config", &file(profile), "--out", &out], 1, "/nowhere.json");
}

fn experiment(arguments: &[&str]) -> std::process::Output {
    scx_augur(&[&["experiment"], arguments].concat())
}

fn refused(arguments: &[&str], code: i32, word: &str) {
    let output = experiment(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("scx_augur: ") && last.contains(word),
        "{arguments:?} should name {word}: {said}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_folder_belongs_to_one_set_of_settings() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (config, out) = (place("settings.toml"), place("out"));
    std::fs::write(&config, SMALL).unwrap();
    let arguments = [
        "--config",
        &config,
        "--out",
        &out,
        "--policies",
        "eft,clairvoyant",
    ];
    let first = experiment(&[&arguments[..], &["--json"]].concat());
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(
        (&report["tasks"], &report["policies"][1]["policy"]),
        (&60.into(), &"clairvoyant".into())
    );
    let again = experiment(&arguments);
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        again.status.success() && said.contains("schedule: done before (4)"),
        "{said}"
    );
    assert!(String::from_utf8(again.stdout).unwrap().contains("report.html"));
    refused(
        &[&arguments[..], &["--tasks", "61"]].concat(),
        1,
        "`tasks = 60`, here `tasks = 61`",
    );
    let unit = place("out/runs/01-clairvoyant-2.json");
    std::fs::write(&unit, "{\"figures\": ").unwrap();
    refused(&arguments, 1, "01-clairvoyant-2.json is damaged; remove it");
}
