// SPDX-License-Identifier: GPL-2.0-only
//! Queueing theory's closed forms, in mean service times (Kleinrock, "Queueing Systems" I, 1975).

/// Mean wait of M/G/1 at `load` by the service's squared coefficient of variation (Pollaczek, Khinchine).
pub fn m_g_1_wait(load: f64, scv: f64) -> f64 {
    load * (1.0 + scv) / (2.0 * (1.0 - load))
}

/// Mean wait of M/M/c at `load` for each server.
pub fn m_m_c_wait(servers: usize, load: f64) -> f64 {
    erlang_c(servers, load) / (servers as f64 * (1.0 - load))
}

/// The probability of waiting in M/M/c, by the recursion over Erlang's B.
pub fn erlang_c(servers: usize, load: f64) -> f64 {
    let offered = servers as f64 * load;
    let blocked = (1..=servers).fold(1.0, |blocked, c| {
        offered * blocked / (c as f64 + offered * blocked)
    });
    blocked / (1.0 - load * (1.0 - blocked))
}

/// Mean wait of E_c/M/1: every c-th of a Poisson stream, with exponential service. σ/(1 − σ), where σ is the root below 1
/// of σ = A*(1 − σ), and A* the transform of the Erlang distribution.
pub fn e_c_m_1_wait(phases: usize, load: f64) -> f64 {
    let rate = phases as f64 * load;
    let transform = |s: f64| (rate / (rate + s)).powf(phases as f64);
    let (mut low, mut high) = (0.0, 1.0 - 1e-12);
    // A*(1 − σ) − σ falls from above 0 to below it, then rises to 0 at 1; the first root is wanted.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if transform(1.0 - middle) > middle {
            low = middle;
        } else {
            high = middle;
        }
    }
    low / (1.0 - low)
}

/// The mean wait where each job goes to the one of `d` drawn servers that has the fewest jobs, in the limit of many servers:
/// the sum over i of load^((d^i - d) / (d - 1)), less the service (Mitzenmacher, IEEE TPDS 12(10), 2001, corollary 4). For
/// two servers or more to choose from.
pub fn supermarket_wait(d: usize, load: f64) -> f64 {
    let d = d as f64;
    // The exponent is d + d² + … + d^(i-1).
    let (mut exponent, mut power, mut sum) = (0.0, 1.0, 0.0);
    loop {
        power *= d;
        exponent += power;
        let term = load.powf(exponent);
        sum += term;
        if term < 1e-15 {
            return sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn textbook_values() {
        // One server waits with probability ρ; two servers at ρ = 0.5 with 1/3.
        assert!((erlang_c(1, 0.7) - 0.7).abs() < 1e-12);
        assert!((erlang_c(2, 0.5) - 1.0 / 3.0).abs() < 1e-12);
        assert!((m_m_c_wait(1, 0.8) - 4.0).abs() < 1e-9);
        assert!((m_g_1_wait(0.8, 1.0) - 4.0).abs() < 1e-9);
        // E_1/M/1 is M/M/1. E_2/M/1: σ² − (1 + 4ρ)σ + 4ρ² = 0 after the root 1 is taken out.
        assert!((e_c_m_1_wait(1, 0.8) - 4.0).abs() < 1e-6);
        let (load, b) = (0.6, 1.0 + 4.0 * 0.6);
        let sigma = (b - f64::sqrt(b * b - 16.0 * load * load)) / 2.0;
        assert!((e_c_m_1_wait(2, load) - sigma / (1.0 - sigma)).abs() < 1e-9);
    }
}
