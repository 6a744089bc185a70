// SPDX-License-Identifier: GPL-2.0-only
//! Queues decided at arrival against queueing theory, at two million jobs.

use augur_devices::experiment::queue::{Plan, run};
use augur_devices::workload::Service;

const PLAN: Plan = Plan {
    servers: 4,
    load: 0.7,
    service: Service::Exponential,
    jobs: 2_000_000,
    seed: 1,
};

fn check(plan: &Plan, policy: &str, theory: &str, closed: f64) {
    let found = run(plan, policy, |_| ()).unwrap();
    assert_eq!(found.theory, theory);
    assert!(
        (found.closed_form.unwrap() - closed).abs() < 1e-3,
        "{:?} and not {closed}",
        found.closed_form
    );
    let error = found.mean_sojourn / closed - 1.0;
    println!(
        "{policy}, {theory}: {:.4}, closed form {closed:.4}, {:+.2} %",
        found.mean_sojourn,
        error * 100.0
    );
    assert!(error.abs() < 0.01, "{found:?}");
    assert!(
        (found.mean_sojourn - found.mean_wait - 1.0).abs() < 0.01,
        "{found:?}"
    );
}

#[test]
fn random_is_m_m_1() {
    check(&PLAN, "random", "M/M/1", 1.0 / 0.3);
    let found = run(&PLAN, "random", |_| ()).unwrap();
    // The sojourn of M/M/1 is exponential.
    assert!(
        (found.p95_sojourn / (20f64.ln() / 0.3) - 1.0).abs() < 0.02,
        "{found:?}"
    );
}

#[test]
fn round_robin_is_e_c_m_1() {
    // σ = (4ρ/(4ρ + 1 − σ))⁴ at ρ = 0.7, by hand: σ = 0.5519; 1/(1 − σ).
    let sigma = (0..200).fold(0.5, |sigma: f64, _| (2.8 / (3.8 - sigma)).powi(4));
    check(&PLAN, "round_robin", "E_c/M/1", 1.0 / (1.0 - sigma));
}

#[test]
fn least_work_is_m_m_c() {
    // Erlang's C of 4 servers with 2.8 offered is 0.4287 (tables of Cooper, "Introduction to Queueing Theory").
    check(&PLAN, "least_work", "M/M/c", 1.0 + 0.428_66 / (4.0 * 0.3));
}

#[test]
fn other_services_are_m_g_1() {
    let deterministic = Plan {
        service: Service::Deterministic,
        ..PLAN
    };
    check(&deterministic, "random", "M/D/1", 1.0 + 0.7 / 0.6);
    let hyper = Plan {
        service: Service::Hyper(4.0),
        load: 0.5,
        ..PLAN
    };
    check(&hyper, "random", "M/H2/1", 1.0 + 0.5 * 5.0);
    assert_eq!(
        run(
            &Plan {
                jobs: 1000,
                ..deterministic
            },
            "round_robin",
            |_| ()
        )
        .unwrap()
        .closed_form,
        None
    );
}

#[test]
fn mirrored_draws_are_one_less_the_plain_ones() {
    use augur_devices::workload::Antithetic;
    use rand::{RngExt, SeedableRng};
    let generator = augur_base::random::Generator::seed_from_u64(5);
    let (mut plain, mut mirrored) = (
        Antithetic::plain(generator.clone()),
        Antithetic::mirrored(generator),
    );
    let (mut sum, mut greatest) = (0.0, 0.0f64);
    for _ in 0..10_000 {
        let (one, other) = (plain.random::<f64>(), mirrored.random::<f64>());
        assert!((one + other - 1.0).abs() < 1e-12);
        sum += one;
        greatest = greatest.max(other);
    }
    assert!((sum / 10_000.0 - 0.5).abs() < 0.01 && greatest > 0.999);
}
