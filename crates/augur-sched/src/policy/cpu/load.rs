// SPDX-License-Identifier: GPL-2.0-only
//! Exponentially decayed averages, in the fixed point of `bpf/load.bpf.h`: the same numbers as the live scheduler's.
//!
//! An average moves from its value v towards a target t with half-life H: v' = t + (v - t) * 2^(-dt/H). Time is counted
//! in steps of H/32; the remainder is carried to the next update, so frequent updates lose nothing.

/// A duty cycle of 1.
pub const DUTY_ONE: u64 = 1 << 20;

/// Weight of nice 0.
pub const NICE0_WEIGHT: u32 = 1024;

/// Half-life of the averages.
pub const HALFLIFE_NS: u64 = 50_000_000;

/// A burst up to this is short.
pub const SHORT_RUN_NS: u64 = 1_000_000;

/// What is assumed of a task that has never slept: long enough not to interrupt anybody.
pub const UNKNOWN_RUN_NS: u64 = 8 * SHORT_RUN_NS;

/// round(2^16 * 2^(-n/32))
const DECAY_STEPS: [u32; 32] = [
    65536, 64132, 62757, 61413, 60097, 58809, 57549, 56316, 55109, 53928, 52773, 51642, 50535, 49452, 48393,
    47356, 46341, 45348, 44376, 43425, 42495, 41584, 40693, 39821, 38968, 38133, 37316, 36516, 35734, 34968,
    34219, 33486,
];

/// The kernel's sched_prio_to_weight: nice -20 to 19, 25 % a step.
const NICE_WEIGHTS: [u32; 40] = [
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121,
    2501, 1991, 1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29,
    23, 18, 15,
];

/// The weight of a kernel priority (100 is nice -20, 120 is nice 0); nice 0 for priorities that are not a nice value.
pub fn weight_of_prio(prio: i32) -> u32 {
    usize::try_from(prio - 100)
        .ok()
        .and_then(|index| NICE_WEIGHTS.get(index))
        .copied()
        .unwrap_or(NICE0_WEIGHT)
}

/// `value` after `steps` steps towards `target`.
pub fn decay_towards(value: u64, target: u64, steps: u64) -> u64 {
    let halvings = steps >> 5;
    if halvings > 30 {
        return target;
    }
    let factor = u64::from(DECAY_STEPS[(steps & 31) as usize]);
    let kept = (value.abs_diff(target) * factor) >> (16 + halvings);
    if value < target {
        target - kept
    } else {
        target + kept
    }
}

/// Brings an average to `now_ns`, given what it saw since `*at_ns`.
pub fn average(value: &mut u64, target: u64, at_ns: &mut u64, now_ns: u64) {
    const STEP_NS: u64 = HALFLIFE_NS / 32;
    let steps = now_ns.saturating_sub(*at_ns) / STEP_NS;
    if steps > 0 {
        *value = decay_towards(*value, target, steps);
        *at_ns += steps * STEP_NS;
    }
}

/// Half new, half old: bursts change with what a task does next, so an old one says little.
pub fn smooth(old: u64, new: u64) -> u64 {
    (old >> 1) + (new >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_halves_its_distance_in_a_half_life() {
        assert_eq!(decay_towards(0, 1 << 20, 32), 1 << 19);
        assert_eq!(decay_towards(1 << 20, 0, 64), 1 << 18);
        let (mut value, mut at) = (0, 0);
        // Many small updates end where one large one does, but for a step.
        for now in (0..=HALFLIFE_NS).step_by(100_000) {
            average(&mut value, DUTY_ONE, &mut at, now);
        }
        assert!(value.abs_diff(DUTY_ONE / 2) < DUTY_ONE / 200, "{value}");
    }

    #[test]
    fn weights_are_the_kernels() {
        assert_eq!(
            (weight_of_prio(120), weight_of_prio(100), weight_of_prio(139)),
            (1024, 88761, 15)
        );
        assert_eq!((weight_of_prio(0), weight_of_prio(1000)), (1024, 1024));
    }
}
