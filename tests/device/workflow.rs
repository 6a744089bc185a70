// SPDX-License-Identifier: GPL-2.0-only
//! Workflows of other tools: published instances against what a script adds up, the formats' corners, schedules as
//! pictures.

use crate::common::{fails, json};
use augur_devices::policy::list::{self, Schedule};
use augur_devices::workload::Workflow;
use augur_devices::workload::workflow::{Format, Site};
use proptest::prelude::*;
use std::io::Read;

/// File, format, then what `tests/graphs/elsewhere/sums.py` prints: tasks, dependencies, runtimes, bytes, longest chain.
const PUBLISHED: [(&str, Format, usize, usize, f64, f64, f64); 4] = [
    (
        "forkjoin-10.wfcommons-1.5.json",
        Format::WfCommons,
        10,
        16,
        1028.704,
        145_454_560.0,
        307.36,
    ),
    (
        "blast-small.wfcommons-1.4.json.gz",
        Format::WfCommons,
        43,
        120,
        382.91272,
        794.0,
        10.413171,
    ),
    (
        "montage-25.dax",
        Format::Dax,
        25,
        45,
        227.75,
        323_399_452.0,
        46.51,
    ),
    (
        "daggen-100.dot",
        Format::Dot,
        102,
        130,
        53_958_892_600_000.0,
        525_893_866_000.0,
        14_957_250_300_000.0,
    ),
];

pub fn path(name: &str) -> String {
    format!("tests/graphs/elsewhere/{name}")
}

fn text(name: &str) -> String {
    let bytes = std::fs::read(path(name)).unwrap();
    let mut text = String::new();
    match name.ends_with(".gz") {
        true => flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text),
        false => bytes.as_slice().read_to_string(&mut text),
    }
    .unwrap();
    text
}

fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-9 * wanted.abs()
}

#[test]
fn published_workflows_add_up_as_a_script_adds_them() {
    for (name, format, tasks, edges, work, bytes, chain) in PUBLISHED {
        let text = text(name);
        assert_eq!(Format::of(&text), Some(format), "{name}");
        let workflow = Workflow::read(&text, format).unwrap();
        assert_eq!(
            (workflow.tasks.len(), workflow.edges.len()),
            (tasks, edges),
            "{name}"
        );
        let sum: f64 = workflow.tasks.iter().map(|task| task.work).sum();
        assert!(near(sum, work), "{name}: {sum}");
        let sum: f64 = workflow.edges.iter().map(|edge| edge.bytes).sum();
        assert!(near(sum, bytes), "{name}: {sum}");
        // A device for each task and transfers that cost nothing: nobody waits but for those before.
        let site = Site {
            speeds: vec![1.0; tasks],
            bandwidth_mb_per_s: 1e18,
        };
        let graph = workflow.graph(&site).unwrap();
        let mut schedule = Schedule::new(&graph);
        list::parse("heft").unwrap()(&graph, &mut schedule);
        assert!(
            near(schedule.makespan(), chain),
            "{name}: {}",
            schedule.makespan()
        );
    }
}

#[test]
fn the_command_reads_them_all_and_keeps_to_their_lower_bounds() {
    for (name, _, tasks, _, work, _, chain) in PUBLISHED {
        let report = json(&["simulate", "graph", &path(name), "--speeds", "1,1,1", "--json"]);
        for run in report["results"].as_array().unwrap() {
            assert_eq!(run["schedule"].as_array().unwrap().len(), tasks, "{name}");
            let makespan = run["makespan"].as_f64().unwrap();
            let least = chain.max(work / 3.0) * (1.0 - 1e-9);
            assert!(makespan >= least && makespan <= work * 2.0, "{name}: {run}");
        }
    }
    // Twice the speed and twice the bandwidth are half the time.
    let makespan = |speeds: &str, bandwidth: &str| {
        let arguments = ["--speeds", speeds, "--bandwidth-mb-per-s", bandwidth];
        let montage = path("montage-25.dax");
        let report = json(&[&["simulate", "graph", &montage, "--json"], &arguments[..]].concat());
        report["results"][0]["makespan"].as_f64().unwrap()
    };
    assert!(near(makespan("2,2,1", "100"), 2.0 * makespan("4,4,2", "200")));
}

/// The older layouts: 1.3 has `runtime` and `size`, 1.0 has `jobs`.
#[test]
fn older_wfcommons_say_the_same() {
    let tasks = r#"[
        {"name": "a_ID1", "type": "compute", "runtime": 2.5, "parents": [], "children": ["b_ID2"],
         "files": [{"link": "output", "name": "f", "size": 3000000}, {"link": "output", "name": "unread", "size": 9}]},
        {"name": "b_ID2", "id": "ID2", "type": "compute", "runtime": 4, "parents": ["a_ID1"], "cores": 8,
         "files": [{"link": "input", "name": "f", "size": 3000000}, {"link": "input", "name": "own", "size": 7}]},
        {"name": "c_ID3", "type": "compute", "runtime": 1, "parents": ["ID2"], "files": []}]"#;
    for name in ["tasks", "jobs"] {
        let text =
            format!("{{\"schemaVersion\": \"1.3\", \"workflow\": {{\"makespan\": 9, \"{name}\": {tasks}}}}}");
        let workflow = Workflow::read(&text, Format::of(&text).unwrap()).unwrap();
        let work: Vec<f64> = workflow.tasks.iter().map(|task| task.work).collect();
        assert_eq!(work, [2.5, 4.0, 1.0]);
        let edges: Vec<(usize, usize, f64)> = workflow
            .edges
            .iter()
            .map(|edge| (edge.from, edge.to, edge.bytes))
            .collect();
        assert_eq!(edges, [(0, 1, 3e6), (1, 2, 0.0)]);
        assert!(workflow.notes[0].starts_with("1 tasks ran on several cores"));
    }
}

#[test]
fn dot_is_read_as_its_grammar_has_it() {
    let text = r##"/* a
comment */ strict DiGraph "my graph" { // another
# a preprocessor's
  rankdir=LR; node [time=1, style="filled"] edge [size=5]
  a [runtime="2.5" label=<<b>bold</b> text>]; "b" + "c":p:ne [time=3] -1.5e3
  a -> "bc" -> { d; e [cost=1e1] } [size="2e6", color=red]
  subgraph cluster_x { node [time=7] f; edge [bytes=1] f -> a } -> g:s
  a -> d [size=-1]
  x=y
}"##;
    let workflow = Workflow::read(text, Format::of(text).unwrap()).unwrap();
    let found: Vec<(&str, f64)> = workflow
        .tasks
        .iter()
        .map(|task| (task.id.as_str(), task.work))
        .collect();
    let wanted = [
        ("a", 2.5),
        ("bc", 3.0),
        ("-1.5e3", 1.0),
        ("d", 1.0),
        // The default `time` goes before `cost`.
        ("e", 1.0),
        ("f", 7.0),
        ("g", 1.0),
    ];
    assert_eq!(found, wanted);
    let edges: Vec<(&str, &str, f64)> = workflow
        .edges
        .iter()
        .map(|edge| (wanted[edge.from].0, wanted[edge.to].0, edge.bytes))
        .collect();
    let arrows = [
        ("a", "bc", 2e6),
        ("bc", "d", 2e6),
        ("bc", "e", 2e6),
        ("f", "a", 5.0),
        ("f", "g", 5.0),
        ("a", "g", 5.0),
        ("a", "d", 0.0),
    ];
    assert_eq!(edges, arrows);
}

#[test]
fn what_is_wrong_with_a_workflow_is_one_sentence_that_names_the_place() {
    let split = |specification: &str, execution: &str| {
        format!("{{\"workflow\": {{\"specification\": {specification}, \"execution\": {execution}}}}}")
    };
    let one = r#"{"tasks": [{"id": "A"}]}"#;
    let ran = r#"{"tasks": [{"id": "A", "runtimeInSeconds": 1}]}"#;
    let dax = |inside: &str| format!("<adag>\n{inside}</adag>");
    let cases = [
        (r#"{"workflow": {"specification": {"tasks": []}}}"#.to_owned(), "no execution"),
        (split(one, r#"{"tasks": []}"#), "'A' is specified, but was not executed"),
        (split(one, r#"{"tasks": [{"id": "A"}]}"#), "'A' has no runtime"),
        (split(one, &ran.replace('1', "-1")), "'A' has the runtime -1"),
        (split(r#"{"tasks": [{"id": "A", "parents": ["B"]}]}"#, ran), "names task 'B'"),
        (split(r#"{"tasks": [{"id": "A", "inputFiles": ["f"]}]}"#, ran), "file 'f'"),
        (split(r#"{"tasks": [{"id": "A", "children": ["A"]}]}"#, ran), "'A' depends on itself"),
        (split("{\"tasks\": [\n{\"id\": 5}]}", ran), "line 2"),
        (r#"{"workflow": {}}"#.to_owned(), "neither a specification nor tasks"),
        (r#"{"workflow": {"tasks": [{"name": "A", "runtime": 1, "files": [{"link": "x", "name": "f", "size": 1}]}]}}"#.to_owned(), "link is 'x'"),
        ("<other/>".to_owned(), "'other'"),
        (dax("<job id='A'/>"), "line 2: job 'A' has no runtime"),
        (dax("\n<job id='A' runtime='much'/>"), "line 3: the runtime 'much'"),
        (dax("<job id='A' runtime='NaN'/>"), "'A' has the runtime NaN"),
        (dax("<job id='A' runtime='1'/><job id='A' runtime='1'/>"), "'A' is there twice"),
        (dax("<job id='A' runtime='1'/><child ref='A'><parent ref='B'/></child>"), "'B'"),
        (dax("<job id='A' runtime='1'><uses link='input'/></job>"), "line 2: 'uses' names no file"),
        (dax("<dax id='A' file='x'/>"), "line 2: 'dax'"),
        (dax("<job"), "wrong XML"),
        (dax(""), "no tasks"),
        ("digraph { a -> b }".to_owned(), "node 'a' does not say what it takes"),
        ("digraph {\n a [time=soon] }".to_owned(), "'soon' is not a number"),
        ("digraph {\n a [time=-1] }".to_owned(), "'a' takes -1"),
        ("digraph { a [time=1]\n b [time=1]\n a -> b [size=big] }".to_owned(), "line 3: the arrow from 'a' to 'b'"),
        ("graph { a -- b }".to_owned(), "no arrows"),
        ("digraph {\n a -- b }".to_owned(), "line 2: '--'"),
        ("digraph {\n a -> }".to_owned(), "line 2: '}'"),
        ("digraph {\n\n a [time=\"1]".to_owned(), "line 3: the string"),
        ("digraph { a [time=1]".to_owned(), "the end of the file"),
        ("digraph { a [time=1] }\n}".to_owned(), "line 2: there is more"),
        ("digraph { /* a".to_owned(), "the comment"),
        ("digraph { a [time=1] b [time=1] a -> b -> a }".to_owned(), "'a' → 'b' → 'a' depend on each other in a circle"),
        (
            format!(
                "digraph {{ node [time=1] {} n0 }}",
                (0..30).map(|at| format!("n{at} -> ")).collect::<String>()
            ),
            "→ …",
        ),
        ("digraph { a [time=1] a -> a }".to_owned(), "'a' depends on itself"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let name = file.to_str().unwrap();
    for (text, words) in cases {
        let format = Format::of(&text).unwrap();
        let read = Workflow::read(&text, format).and_then(|workflow| workflow.graph(&Site::default()));
        let said = format!("{:#}", read.unwrap_err());
        assert!(said.contains(words) && !said.contains('\n'), "{text}: {said}");
    }
    for (bytes, words) in [
        (&b"nothing of that kind"[..], "none of WfCommons JSON, DAX, DOT"),
        (b"", "none of WfCommons JSON, DAX, DOT"),
        (b"digraph {\n a [time=\xff] }", "not text (UTF-8)"),
        (b"\x1f\x8b\x08\x00torn", "cannot read"),
        (b"graph { a -- b }", "no arrows"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        fails(&["simulate", "graph", name], 1, words);
    }
    let montage = path("montage-25.dax");
    fails(&["simulate", "graph", &montage, "--format", "dot"], 1, "line 1");
    for (option, value, words) in [
        ("--speeds", "1,0", "the speed '0'"),
        ("--speeds", "", "the speed ''"),
        ("--bandwidth-mb-per-s", "NaN", "above 0"),
        ("--gantt", "a.pdf", "a.pdf"),
    ] {
        fails(&["simulate", "graph", &montage, option, value], 2, words);
    }
    let own = "tests/graphs/topcuoglu-2002.json";
    fails(&["simulate", "graph", own, "--speeds", "1,1"], 2, "other tools");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is broken in a file: a graph, or one sentence.
    #[test]
    fn a_broken_workflow_is_a_sentence(
        which in 0usize..4,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, ".{0,3}|[{}\\[\\]<>\"=/;-]{1,3}"), 1..6),
    ) {
        let (name, format, ..) = PUBLISHED[which];
        let mut text: Vec<char> = text(name).chars().take(6_000).collect();
        for (at, gone, put) in edits {
            let at = at.index(text.len());
            let end = (at + gone).min(text.len());
            text.splice(at..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        let _ = Format::of(&text);
        for format in [format, Format::Dot] {
            match Workflow::read(&text, format).and_then(|workflow| workflow.graph(&Site::default())) {
                Ok(graph) => prop_assert!(!graph.is_empty()),
                Err(err) => prop_assert!(!format!("{err:#}").contains('\n'), "{err:#}"),
            }
        }
    }
}
