// SPDX-License-Identifier: GPL-2.0-only
//! List schedulers: the makespans that their papers give, and what branch and bound and brute force say.

use augur_devices::policy::list::{self, Schedule, bound, optimal, rank};
use augur_devices::workload::Graph;
use proptest::prelude::*;

const POLICIES: [&str; 10] = [
    "heft",
    "cpop",
    "peft",
    "lookahead",
    "eft",
    "least_work",
    "greedy",
    "round_robin",
    "random[seed=3]",
    "portfolio",
];

fn published(name: &str) -> Graph {
    let path = format!("{}/tests/graphs/{name}.json", env!("CARGO_MANIFEST_DIR"));
    Graph::from_json(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn schedule(graph: &Graph, policy: &str) -> Schedule {
    let mut schedule = Schedule::new(graph);
    list::parse(policy).unwrap()(graph, &mut schedule);
    assert_eq!(schedule.fault(graph), None, "{policy}");
    schedule
}

fn makespan(graph: &Graph, policy: &str) -> f64 {
    schedule(graph, policy).makespan()
}

/// Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002: figures 2 to 4, table 3.
#[test]
fn the_graph_of_the_heft_paper() {
    let graph = published("topcuoglu-2002");
    let ranks = [
        108.0, 77.0, 80.0, 80.0, 69.0, 63.333, 42.667, 35.667, 44.333, 14.667,
    ];
    for (found, wanted) in rank::upward(&graph).iter().zip(ranks) {
        assert!((found - wanted).abs() < 1e-3, "{found} and not {wanted}");
    }
    assert_eq!(makespan(&graph, "heft"), 80.0);
    assert_eq!(makespan(&graph, "cpop"), 86.0);
}

/// Arabnejad, Barbosa, IEEE TPDS 25(3), 2014: figures 1 and 2, and the text beside them.
#[test]
fn the_graph_of_the_peft_paper() {
    let graph = published("arabnejad-2014");
    let costs = [
        64, 68, 86, 42, 39, 42, 27, 41, 43, 42, 39, 50, 28, 37, 28, 42, 39, 44, 13, 16, 22, 13, 16, 33, 13,
        16, 20,
    ];
    let costs = costs.into_iter().chain([0; 3]).map(f64::from);
    assert_eq!(rank::optimistic_costs(&graph), costs.collect::<Vec<f64>>());
    assert_eq!(makespan(&graph, "peft"), 122.0);
    assert_eq!(makespan(&graph, "heft"), 133.0);
    assert_eq!(makespan(&graph, "lookahead"), 127.0);
}

#[test]
fn the_shortest_schedules_of_the_published_graphs_are_proven() {
    for name in ["topcuoglu-2002", "arabnejad-2014"] {
        let graph = published(name);
        let found = optimal::search(&graph, 20_000_000, &|| false);
        assert!(found.proven, "{name}: {} nodes", found.nodes);
        assert_eq!(found.schedule.fault(&graph), None);
        println!("{name}: {} after {} nodes", found.bound, found.nodes);
        for policy in POLICIES {
            assert!(makespan(&graph, policy) >= found.bound, "{policy} on {name}");
        }
    }
}

#[test]
fn a_search_that_gives_up_says_so() {
    let found = optimal::search(&published("topcuoglu-2002"), 5, &|| false);
    assert!(!found.proven && found.bound < found.schedule.makespan());
}

/// Layers of tasks, each with up to three parents in the layer before; times and transfers of up to 20, drawn by a seed.
fn layers(tasks: usize, devices: usize, layers: usize, seed: u64) -> Graph {
    let mut state = seed;
    let mut draw = |most: u64| {
        // Knuth's MMIX generator; the high bits are the good ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    let layer = |task: usize| task * layers / tasks;
    let rows = (0..tasks).map(|task| {
        let times = (0..devices).map(|_| 1.0 + draw(20) as f64).collect();
        (format!("T{task}"), 0.0, times)
    });
    let rows: Vec<_> = rows.collect();
    let mut edges: Vec<(String, String, f64)> = Vec::new();
    for task in 0..tasks {
        let before: Vec<usize> = (0..tasks)
            .filter(|&other| layer(other) + 1 == layer(task))
            .collect();
        for _ in 0..before.len().min(3) {
            let parent = before[draw(before.len() as u64) as usize];
            let edge = (format!("T{parent}"), format!("T{task}"), draw(20) as f64);
            if !edges
                .iter()
                .any(|other| (&other.0, &other.1) == (&edge.0, &edge.1))
            {
                edges.push(edge);
            }
        }
    }
    let names = (0..devices).map(|device| format!("P{device}")).collect();
    Graph::new(names, rows, &edges).unwrap()
}

/// The longer the search, the shorter the schedule and the higher the bound; both are true at any time, and where they meet
/// it is the shortest. A search that is told to stop does so at once.
#[test]
fn a_search_has_a_schedule_and_a_bound_at_any_time() {
    for seed in 1..=3 {
        let graph = layers(20, 3, 5, seed);
        let done = optimal::search(&graph, u64::MAX, &|| false);
        assert!(done.proven && done.bound == done.schedule.makespan());
        let (mut bound, mut best) = (0.0, f64::INFINITY);
        for most_nodes in [0, 100, 10_000, 60_000, 200_000] {
            let found = optimal::search(&graph, most_nodes, &|| false);
            assert_eq!(found.schedule.fault(&graph), None);
            let makespan = found.schedule.makespan();
            assert!(
                bound <= found.bound && found.bound <= done.bound,
                "{seed}: {} {}",
                found.bound,
                done.bound
            );
            assert!(
                done.bound <= makespan && makespan <= best,
                "{seed}: {makespan} {best}"
            );
            (bound, best) = (found.bound, makespan);
        }
    }
    let large = layers(40, 8, 6, 1);
    let found = optimal::search(&large, u64::MAX, &|| true);
    assert!(
        found.bound <= found.schedule.makespan() && found.nodes < 100_000,
        "{found:?}"
    );
}

/// A graph of 30 tasks on four devices is done within what a machine does in a second or so.
#[test]
fn thirty_tasks_on_four_devices_are_proven() {
    let found = optimal::search(&layers(30, 4, 10, 4), 400_000, &|| false);
    println!(
        "{} after {} nodes, at least {}",
        found.schedule.makespan(),
        found.nodes,
        found.bound
    );
    assert!(
        found.proven,
        "{} {} {}",
        found.nodes,
        found.bound,
        found.schedule.makespan()
    );
}

/// Every order that keeps parents before children, on every device: what branch and bound must find, too.
fn brute_force(graph: &Graph, done: &mut Vec<(usize, usize, f64)>, least: &mut f64) {
    if done.len() == graph.len() {
        *least = done
            .iter()
            .fold(0.0, |end: f64, slot| end.max(slot.2))
            .min(*least);
        return;
    }
    let before = done.clone();
    for task in 0..graph.len() {
        let placed = |task: usize| before.iter().find(|slot| slot.0 == task).copied();
        if placed(task).is_some() || graph.parents(task).iter().any(|edge| placed(edge.task).is_none()) {
            continue;
        }
        for device in 0..graph.devices().len() {
            let time = graph.time(task, device);
            if time.is_infinite() {
                continue;
            }
            let free = done
                .iter()
                .filter(|slot| slot.1 == device)
                .fold(0.0, |end: f64, slot| end.max(slot.2));
            let start = graph
                .parents(task)
                .iter()
                .fold(free.max(graph.release(task)), |start, edge| {
                    let (_, from, finish) = placed(edge.task).unwrap();
                    start.max(finish + if from == device { 0.0 } else { edge.transfer })
                });
            done.push((task, device, start + time));
            brute_force(graph, done, least);
            done.pop();
        }
    }
}

prop_compose! {
    /// Small graphs with releases, transfers, and devices where a task cannot run.
    fn graphs()(devices in 1usize..4, tasks in 1usize..6)(
        times in prop::collection::vec(prop::collection::vec(prop::option::weighted(0.85, 0u32..20), devices), tasks),
        releases in prop::collection::vec(prop_oneof![3 => Just(0u32), 1 => 0u32..15], tasks),
        edges in prop::collection::vec(prop::option::weighted(0.4, 0u32..25), tasks * tasks),
        devices in Just(devices),
        tasks in Just(tasks),
    ) -> Graph {
        let names = (0..devices).map(|device| format!("P{device}")).collect();
        let rows = times.iter().zip(&releases).enumerate().map(|(task, (times, &release))| {
            let mut times: Vec<f64> = times.iter().map(|time| time.map_or(f64::INFINITY, f64::from)).collect();
            if times.iter().all(|time| time.is_infinite()) {
                times[0] = 7.0;
            }
            (format!("T{task}"), f64::from(release), times)
        });
        let edges: Vec<(String, String, f64)> = (0..tasks * tasks)
            .filter(|at| at / tasks < at % tasks)
            .filter_map(|at| Some((format!("T{}", at / tasks), format!("T{}", at % tasks), f64::from(edges[at]?))))
            .collect();
        Graph::new(names, rows.collect(), &edges).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn branch_and_bound_finds_what_brute_force_finds(graph in graphs()) {
        let mut least = f64::INFINITY;
        brute_force(&graph, &mut Vec::new(), &mut least);
        let found = optimal::search(&graph, 1_000_000, &|| false);
        prop_assert!(found.proven);
        prop_assert_eq!(found.schedule.fault(&graph), None);
        prop_assert!((found.schedule.makespan() - least).abs() < 1e-6, "{} and not {least}", found.schedule.makespan());
        prop_assert!(bound::makespan(&graph) <= least + 1e-9);
        for policy in POLICIES {
            prop_assert!(makespan(&graph, policy) >= least - 1e-9, "{policy}");
        }
    }

    #[test]
    fn a_portfolio_is_never_worse_than_its_members(graph in graphs()) {
        let best = makespan(&graph, "portfolio");
        for policy in ["heft", "cpop", "peft", "lookahead", "eft", "least_work", "greedy"] {
            prop_assert!(best <= makespan(&graph, policy), "{policy}");
        }
    }
}
