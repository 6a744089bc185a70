// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur simulate` from the outside: what it prints, what it writes, and what it says to bad input.

use crate::common::{self, fails};
use assert_cmd::Command;
use serde_json::{Value, json};

const GRAPH: &str = "tests/graphs/topcuoglu-2002.json";

fn read(arguments: &[&str]) -> Value {
    common::json(&[&["simulate"], arguments].concat())
}

#[test]
fn a_graph_has_the_json_that_others_rely_on() {
    let report = read(&[
        "graph",
        GRAPH,
        "--policy",
        "heft,random[seed=2]",
        "--optimal",
        "--json",
    ]);
    let results = report["results"].as_array().unwrap();
    assert_eq!(
        (&results[0]["policy"], &results[0]["makespan"]),
        (&json!("heft"), &json!(80.0))
    );
    assert_eq!(results[1]["policy"], "random[seed=2]");
    // The first task of the published schedule is T1 on P3 from 0 to 9.
    assert_eq!(
        results[0]["schedule"][0],
        json!({"task": "T1", "device": "P3", "start": 0.0, "finish": 9.0})
    );
    assert_eq!(
        (results.len(), results[0]["schedule"].as_array().unwrap().len()),
        (2, 10)
    );
    assert_eq!(report["optimal"], report["bound"]);
    let optimal = read(&["graph", GRAPH, "--policy", "optimal", "--json"]);
    assert_eq!(optimal["results"][0]["makespan"], report["optimal"]);
    let open = read(&[
        "graph",
        GRAPH,
        "--policy",
        "heft",
        "--optimal",
        "--max-nodes",
        "3",
        "--json",
    ]);
    assert!(
        open["optimal"].is_null() && open["bound"].as_f64().unwrap() < report["optimal"].as_f64().unwrap()
    );
}

/// A search that is stopped has a schedule, a bound and the gap between them; one that is not is done.
#[test]
fn a_search_says_what_it_has() {
    let stopped = read(&["graph", GRAPH, "--optimal", "--time-limit", "0", "--json"]);
    let number = |report: &Value, name: &str| report[name].as_f64().unwrap();
    let (best, bound) = (number(&stopped, "best"), number(&stopped, "bound"));
    // 73 is the shortest; the best of HEFT, PEFT and lookahead is 76.
    assert!(
        stopped["optimal"].is_null() && bound <= 73.0 && (73.0..=76.0).contains(&best),
        "{stopped}"
    );
    assert!((number(&stopped, "gap") - (best / bound - 1.0)).abs() < 1e-12);
    let done = read(&["graph", GRAPH, "--optimal", "--json"]);
    assert_eq!(
        (&done["optimal"], &done["best"], &done["gap"]),
        (&json!(73.0), &json!(73.0), &json!(0.0))
    );
}

/// A name that a policy had earlier is read, and called by today's.
#[test]
fn the_earlier_name_of_the_clairvoyant_policy_is_read() {
    let report = read(&["--tasks", "50", "--policies", "eft,oracle[step=0.1]", "--json"]);
    assert_eq!(report["results"][1]["policy"], "clairvoyant[step=0.1]");
    for run in report["results"].as_array().unwrap() {
        assert!(run["completion_bound_ns"].as_f64().unwrap() <= run["completion_mean_ns"].as_f64().unwrap());
        assert!(run["completion_p50_ns"].as_u64() <= run["completion_max_ns"].as_u64());
    }
    assert_eq!(report["results"][1]["behind_clairvoyant"], json!(0.0));
}

#[test]
fn a_queue_has_the_json_that_others_rely_on() {
    let report = read(&[
        "queue",
        "--servers",
        "2",
        "--load",
        "0.5",
        "--service",
        "exponential",
        "--policy",
        "least_work",
        "--jobs",
        "400000",
        "--seed",
        "3",
        "--json",
    ]);
    let run = report["results"][0].as_object().unwrap();
    let keys: Vec<&str> = run.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "closed_form",
            "mean_sojourn",
            "mean_wait",
            "p95_sojourn",
            "p95_wait",
            "p99_sojourn",
            "p99_wait",
            "policy",
            "theory"
        ]
    );
    // M/M/2: of those that wait, P(W > t) = C · e^(−2 · (1 − 0.5) · t) with C = 1/3; t = ln(C / 0.05) and ln(C / 0.01).
    for (name, share) in [("p95_wait", 0.05f64), ("p99_wait", 0.01)] {
        let exact = (1.0 / 3.0 / share).ln();
        assert!((run[name].as_f64().unwrap() / exact - 1.0).abs() < 0.03, "{name}");
    }
    // Two servers at half load: a third waits, 1/3 on average.
    assert!((run["closed_form"].as_f64().unwrap() - 4.0 / 3.0).abs() < 1e-9);
    assert!((run["mean_sojourn"].as_f64().unwrap() * 0.75 - 1.0).abs() < 0.01);
}

#[test]
fn a_simulation_leaves_all_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results");
    let arguments = [
        "--tasks",
        "500",
        "--gpus",
        "2",
        "--policies",
        "eft,clairvoyant[step=0.1]",
        "--seeds",
        "3",
        "--json",
    ];
    let report = read(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
    assert_eq!(report["devices"], json!(["CPU0", "GPU0", "GPU1"]));
    assert_eq!(report["results"].as_array().unwrap().len(), 6);
    assert_eq!(report["win_loss"].as_array().unwrap().len(), 2);
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 8, "{names:?}");
    assert_eq!(
        std::fs::read_to_string(out.join("results.csv"))
            .unwrap()
            .lines()
            .count(),
        7
    );
    let table = std::fs::File::open(out.join("tasks-eft-1.parquet")).unwrap();
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let table = SerializedFileReader::new(table).unwrap();
    let rows: Vec<_> = table.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 500);
    // The table's mean is the report's.
    use parquet::record::RowAccessor;
    let completion =
        |row: &parquet::record::Row| (row.get_long(9).unwrap() - row.get_long(5).unwrap()) as f64;
    let mean = rows.iter().map(completion).sum::<f64>() / 500.0;
    assert!((report["results"][0]["completion_mean_ns"].as_f64().unwrap() / mean - 1.0).abs() < 1e-12);
}

#[test]
fn settings_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(
        &path,
        "[workload]\ntasks = 50\n[machine]\ncpus = 3\ngpus = 0\n[machine.cpu]\npower_w = 0\n",
    )
    .unwrap();
    let report = read(&[
        "--config",
        path.to_str().unwrap(),
        "--policies",
        "least_work",
        "--json",
    ]);
    assert_eq!(
        (&report["tasks"], &report["devices"]),
        (&json!(50), &json!(["CPU0", "CPU1", "CPU2"]))
    );
    assert_eq!(report["results"][0]["energy_j"], json!(0.0));
}

/// Least work remaining and earliest finish are ahead of taking turns where speeds differ; the files' settings lie over the scenario's.
#[test]
fn the_multiprocessor_scenario_has_its_baselines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, "[workload]\ntasks = 3000\n").unwrap();
    let report = read(&[
        "--scenario",
        "multiprocessor",
        "--config",
        path.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(
        (&report["tasks"], &report["devices"][3]),
        (&json!(3000), &json!("CPU3"))
    );
    let mean = |policy: &str| {
        let runs = report["results"].as_array().unwrap();
        let run = runs.iter().find(|run| run["policy"] == policy).unwrap();
        run["completion_mean_ns"].as_f64().unwrap()
    };
    assert!(mean("least_work").max(mean("eft")) < 0.7 * mean("round_robin"));
}

/// Wrong input, and a word of the sentence that names the place.
#[test]
fn bad_input_is_one_sentence_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let graph = |tasks: &str, edges: &str| {
        let text = format!("{{\"devices\":[\"P\",\"Q\"],\"tasks\":[{tasks}],\"edges\":[{edges}]}}");
        file(
            &format!(
                "{:x}.json",
                text.len() * 31 + text.bytes().map(usize::from).sum::<usize>()
            ),
            &text,
        )
    };
    let a = "{\"id\":\"A\",\"time\":[1,2]},{\"id\":\"B\",\"time\":[1,2]}";
    let edge = |from: &str, to: &str, transfer: &str| {
        format!("{{\"from\":\"{from}\",\"to\":\"{to}\",\"transfer\":{transfer}}}")
    };
    let graphs = [
        (
            1,
            graph(a, &[edge("A", "B", "1"), edge("B", "A", "1")].join(",")),
            "circle",
        ),
        (
            1,
            graph("{\"id\":\"A\",\"time\":[null,null]}", ""),
            "'A' fits no device",
        ),
        (
            1,
            graph("{\"id\":\"A\",\"time\":[-3,1]}", ""),
            "'A' has the time -3",
        ),
        (
            1,
            graph(
                "{\"id\":\"A\",\"time\":[1e308,1]},{\"id\":\"B\",\"time\":[1e308,1]}",
                "",
            ),
            "add up to more than",
        ),
        (
            1,
            graph("{\"id\":\"A\",\"time\":[3,1],\"release\":-1}", ""),
            "release -1",
        ),
        (1, graph("{\"id\":\"A\",\"time\":[3]}", ""), "'A' has 1 times"),
        (1, graph(&a.replace('B', "A"), ""), "'A' is there twice"),
        (1, graph(a, &edge("A", "X", "1")), "'X'"),
        (1, graph(a, &edge("A", "B", "-1")), "transfer -1"),
        (
            1,
            file("torn.json", "{\"devices\": [\"P\"],\n \"tasks\": ["),
            "line 2",
        ),
        (
            1,
            file("unknown.json", "{\"devices\": [],\n \"jobs\": []}"),
            "jobs",
        ),
        (
            1,
            folder.path().join("not-there").to_str().unwrap().to_owned(),
            "not-there",
        ),
    ];
    for (code, path, word) in graphs {
        refused(&["graph", &path], code, word);
    }
    refused(&["graph", GRAPH, "--policy", "nobody"], 2, "'nobody'");
    refused(&["graph", GRAPH, "--policy", "heft,heft"], 2, "twice");
    refused(&["graph", GRAPH, "--policy", "heft[x=1]"], 2, "'x'");
    refused(&["queue", "--load", "1"], 2, "--load 1");
    refused(&["queue", "--service", "hyper:0.5"], 2, "hyper:0.5");
    refused(&["queue", "--policy", "eft"], 2, "'eft'");
    for (text, word) in [
        ("[workload]\ntasks = 5\nspeed = 1\n", "line 3"),
        ("[workload\n", "line 1"),
        ("[machine.gpu]\n\npower_w = \"much\"\n", "line 3"),
        ("[workload]\nrate_per_s = -1\n", "rate_per_s"),
        ("[workload]\nsize = [5, 1]\n", "workload.size"),
        ("[workload]\nmemory_mb = [10, 100000]\n", "fits no device"),
        ("[machine]\ncpus = 0\ngpus = 0\n", "machine.cpus"),
        (
            "[machine]\ngpu_speeds = [1.0]\n",
            "gpu_speeds has 1 speeds, but machine.gpus is 4",
        ),
        ("[machine]\ncpus = 3\ncpu_speeds = [1.0, 2.0]\n", "cpu_speeds"),
        ("[hybrid_ml.forest]\ntrees = 0\n", "trees"),
        ("[workload.drift]\ngpu_speed = 0\n", "drift.gpu_speed"),
        ("[workload.drift]\nsize = [9, 1]\n", "drift.size"),
    ] {
        refused(&["--config", &file("wrong.toml", text)], 1, word);
    }
    refused(&["--policies", "dqn2"], 2, "'dqn2'");
    refused(&["--policies", "hybrid_ml[model=svm]"], 2, "'svm'");
    refused(&["--policies", "hybrid_ml[drift=nobody]"], 2, "'nobody'");
    refused(&["--drift-at", "9,3"], 1, "workload.drift.at");
    refused(&["--tasks", "9", "--drift-at", "9"], 1, "below workload.tasks");
    refused(&["--profile", GRAPH], 1, GRAPH);
    refused(&["--policies", "eft", "--tasks", "9", "--out", GRAPH], 1, GRAPH);
}

fn refused(arguments: &[&str], code: i32, word: &str) {
    fails(&[&["simulate"], arguments].concat(), code, word);
}

/// The command line before the environment, that before a file, and a file before what is so by itself.
#[test]
fn who_is_heard_first() {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let settings = "[machine]\ngpus = 1\n[hybrid_ml]\nretrain_interval = 1000000\npretrain_tasks = 100\n[hybrid_ml.forest]\ntrees = 10\n";
    std::fs::write(file.path(), settings).unwrap();
    let file = file.path().to_str().unwrap();
    let run = |environment: &[(&str, &str)], arguments: &[&str]| -> Value {
        let mut command = Command::cargo_bin("scx_augur").unwrap();
        command.env_remove("NUM_GPUS").env_remove("RETRAIN_INTERVAL");
        command.envs(environment.iter().copied());
        command.args(["simulate", "--tasks", "120", "--json", "--policies"]);
        let done = command.args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    let gpus = |report: Value| report["devices"].as_array().unwrap().len() - 1;
    let three = [("NUM_GPUS", "3")];
    assert_eq!(gpus(run(&[], &["eft"])), 4);
    assert_eq!(gpus(run(&[], &["eft", "--config", file])), 1);
    assert_eq!(gpus(run(&three, &["eft", "--config", file])), 3);
    assert_eq!(gpus(run(&three, &["eft", "--config", file, "--gpus", "2"])), 2);
    // How often the forest is trained again shows in what is decided.
    let hash = |report: Value| report["results"][0]["state_hash"].as_str().unwrap().to_owned();
    let often = [("RETRAIN_INTERVAL", "20")];
    let never = hash(run(&[], &["hybrid_ml", "--config", file]));
    let again = hash(run(&often, &["hybrid_ml", "--config", file]));
    assert_ne!(never, again);
    assert_eq!(
        again,
        hash(run(&[], &["hybrid_ml[retrain_interval=20]", "--config", file]))
    );
    assert_eq!(
        never,
        hash(run(
            &often,
            &["hybrid_ml[retrain_interval=1000000]", "--config", file]
        ))
    );
}

/// A device that is at its limit is named, with the share of time in which it worked.
#[test]
fn an_overloaded_device_is_named() {
    let told = |rate: u32| {
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        std::fs::write(file.path(), format!("[workload]\nrate_per_s = {rate}.0\n")).unwrap();
        let arguments = ["simulate", "--policies", "eft", "--tasks", "500", "--config"];
        let done = common::scx_augur(&[&arguments[..], &[file.path().to_str().unwrap()]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8([done.stdout, done.stderr].concat()).unwrap()
    };
    let full = told(4000);
    let line = full.lines().find(|line| line.contains("overloaded under eft"));
    assert!(line.is_some_and(|line| line.contains("%")), "{full}");
    assert!(!told(20).contains("overloaded"), "{}", told(20));
}
