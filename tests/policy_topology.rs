// SPDX-License-Identifier: GPL-2.0-only
//! Machines: what a shape means, what is refused, how far things are apart.
#![allow(clippy::unwrap_used)]

use augur_base::topology::{Cpu, Distance, Machine};

fn machine(spec: &str) -> Machine {
    Machine::from_spec(spec).unwrap()
}

fn cpu(id: usize, core: usize, llc: usize, node: usize) -> Cpu {
    Cpu {
        id,
        core,
        llc,
        node,
        capacity: 1.0,
        domain: 7,
    }
}

#[test]
fn a_shape_prints_what_it_holds() {
    let check = |spec: &str, expected: &str| assert_eq!(machine(spec).to_string(), expected, "{spec}");
    check("2x2x4x2", "2 nodes, 4 LLCs, 16 cores, 32 CPUs, 4 domains");
    check("2x2x4", "2 nodes, 4 LLCs, 16 cores, 16 CPUs, 4 domains");
    check("2x2", "1 node, 2 LLCs, 4 cores, 4 CPUs, 2 domains");
    check("4", "1 node, 1 LLC, 4 cores, 4 CPUs, 1 domain");
    check("1", "1 node, 1 LLC, 1 core, 1 CPU, 1 domain");
}

#[test]
fn a_bad_shape_is_refused_in_one_sentence() {
    let check = |spec: &str, expected: &str| {
        let error = Machine::from_spec(spec).unwrap_err();
        assert_eq!(format!("{error:#}"), expected);
    };
    let form = "is not of the form C, LxC, NxLxC or NxLxCxT, such as 2x2x4x2";
    for spec in [
        "",
        "x",
        "2x",
        "+2x2",
        "2x2x2x2x2",
        "two",
        "2 x 2",
        "99999999999999999999",
    ] {
        check(spec, &format!("topology '{spec}' {form}"));
    }
    check(
        "2x0",
        "topology '2x0' has a zero in it; every level needs at least one",
    );
    check(
        "9999999999x9999999999",
        "topology '9999999999x9999999999' has more than 8192 CPUs",
    );
    check("8193", "topology '8193' has more than 8192 CPUs");
}

#[test]
fn contradictions_between_cpus_are_refused() {
    let check = |cpus: Vec<Cpu>, expected: &str| {
        assert_eq!(Machine::from_cpus(cpus, None).unwrap_err().to_string(), expected);
    };
    check(vec![], "a machine needs at least one CPU");
    check(vec![cpu(3, 0, 0, 0), cpu(3, 1, 0, 0)], "CPU 3 is listed twice");
    check(
        vec![cpu(0, 5, 0, 0), cpu(1, 5, 1, 0)],
        "core 5 is behind two last-level caches, 0 and 1",
    );
    check(
        vec![cpu(0, 0, 2, 0), cpu(1, 1, 2, 1)],
        "last-level cache 2 is in two NUMA nodes, 0 and 1",
    );
    for (capacity, text) in [(0.0, "0"), (-1.0, "-1"), (1.5, "1.5"), (f32::NAN, "NaN")] {
        let weak = Cpu {
            capacity,
            ..cpu(4, 0, 0, 0)
        };
        check(
            vec![weak],
            &format!("CPU 4 has capacity {text}; it must be above 0 and at most 1"),
        );
    }
    let error = Machine::from_cpus(vec![cpu(0, 0, 0, 0)], Some(0))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "a domain of at most 0 CPUs cannot hold any; allow at least 1"
    );
}

#[test]
fn ids_may_have_holes_and_any_order() {
    let machine = Machine::from_cpus(vec![cpu(9, 4, 1, 0), cpu(2, 1, 0, 0), cpu(5, 1, 0, 0)], None).unwrap();
    assert_eq!(
        machine
            .cpus
            .iter()
            .map(|cpu| (cpu.id, cpu.domain))
            .collect::<Vec<_>>(),
        [(2, 0), (5, 0), (9, 1)]
    );
    assert_eq!(machine.domains[0].cpus, [2, 5]);
    assert_eq!(machine.domains[0].capacity, 2.0);
    assert_eq!(machine.cpu(9).map(|cpu| cpu.core), Some(4));
    assert_eq!(machine.cpu(3), None);
}

#[test]
fn distance_grows_with_what_is_not_shared() {
    let machine = machine("2x2x2x2");
    let check = |a: usize, b: usize, expected: Distance| {
        assert_eq!(machine.distance(a, b), expected, "{a} to {b}");
        assert_eq!(machine.distance(b, a), expected, "{b} to {a}");
    };
    check(0, 0, Distance::Same);
    check(0, 1, Distance::Core);
    check(0, 2, Distance::Llc);
    check(0, 4, Distance::Node);
    check(0, 8, Distance::Remote);
    check(0, 99, Distance::Remote);
    check(99, 99, Distance::Remote);
    assert_eq!((Distance::Same.ordinal(), Distance::Remote.ordinal()), (0, 4));
}

#[test]
fn nearest_domains_follow_the_topology() {
    let machine = machine("2x3x1");
    assert_eq!(machine.nearest_domains(1), [0, 2, 3, 4, 5]);
    assert_eq!(machine.nearest_domains(4), [3, 5, 0, 1, 2]);
    assert_eq!(machine.domain_distance(4, 4), Distance::Same);
    assert_eq!(machine.domain_distance(0, 1), Distance::Node);
    assert_eq!(machine.domain_distance(0, 3), Distance::Remote);
    assert_eq!(machine.domain_distance(0, 6), Distance::Remote);
}

#[test]
fn a_large_cache_is_split_along_cores() {
    let check = |cpus: Vec<Cpu>, max: usize, expected: &[&[usize]]| {
        let machine = Machine::from_cpus(cpus, Some(max)).unwrap();
        assert_eq!(
            machine
                .domains
                .iter()
                .map(|domain| &domain.cpus[..])
                .collect::<Vec<_>>(),
            expected
        );
        for (index, domain) in machine.domains.iter().enumerate() {
            assert!(
                domain
                    .cpus
                    .iter()
                    .all(|&id| machine.cpu(id).is_some_and(|cpu| cpu.domain == index))
            );
        }
    };
    let smt = || (0..8).map(|id| cpu(id, id % 4, 0, 0)).collect::<Vec<_>>();
    check(smt(), 8, &[&[0, 1, 2, 3, 4, 5, 6, 7]]);
    check(smt(), 7, &[&[0, 1, 4, 5], &[2, 3, 6, 7]]);
    check(smt(), 4, &[&[0, 1, 4, 5], &[2, 3, 6, 7]]);
    check(smt(), 1, &[&[0, 4], &[1, 5], &[2, 6], &[3, 7]]);
    // Two cores with siblings and four without: as even as whole cores allow.
    let hybrid = vec![0, 0, 1, 1, 2, 3, 4, 5];
    let hybrid = hybrid
        .into_iter()
        .enumerate()
        .map(|(id, core)| cpu(id, core, 0, 0))
        .collect();
    check(hybrid, 4, &[&[0, 1, 2, 3], &[4, 5, 6, 7]]);
}

#[test]
fn the_halves_of_a_split_cache_are_near() {
    let cpus = (0..6).map(|id| cpu(id, id, id / 4, 0)).collect();
    let machine = Machine::from_cpus(cpus, Some(2)).unwrap();
    assert_eq!(machine.domain_distance(0, 1), Distance::Llc);
    assert_eq!(machine.nearest_domains(1), [0, 2]);
    assert_eq!(machine.nearest_domains(2), [0, 1]);
}
