// SPDX-License-Identifier: GPL-2.0-only
//! Detections of river 0.26.1 with its default parameters (`ADWIN`, `PageHinkley`, `binary.DDM`), on its documentation's
//! examples and on streams that both sides draw from one generator. river begins anew after each detection, and so do these.

use super::*;

/// Where a detector says that there is a drift.
fn detections(kind: Kind, stream: impl Iterator<Item = f64>) -> Vec<usize> {
    let mut detector = kind.detector().unwrap();
    let mut found = Vec::new();
    for (at, value) in stream.enumerate() {
        if let Signal::Drift { since, .. } = detector.observe(value) {
            assert!(since >= 1 && since as usize <= at + 1);
            found.push(at);
            detector = kind.detector().unwrap();
        }
    }
    found
}

/// Knuth's linear congruential generator (MMIX), as numbers from 0 to 1.
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Four levels of 1500 values each, with noise.
fn steps(seed: u64) -> impl Iterator<Item = f64> {
    let mut next = uniform(seed);
    (0..6000).map(move |at| [0.0, 0.3, 0.1, 0.6][at / 1500] + 0.4 * next())
}

/// Still, then rising by 0.5 over 2000 values, then still.
fn ramp(seed: u64) -> impl Iterator<Item = f64> {
    let mut next = uniform(seed);
    (0..6000).map(move |at: u32| 0.5 * next() + 0.5 * (f64::from(at.saturating_sub(2000)) / 2000.0).min(1.0))
}

/// Errors at four rates.
fn errors(seed: u64) -> impl Iterator<Item = f64> {
    let mut next = uniform(seed);
    (0..8000).map(move |at| f64::from(u8::from(next() < [0.1, 0.25, 0.05, 0.2][at / 2000])))
}

fn still(seed: u64) -> impl Iterator<Item = f64> {
    let mut next = uniform(seed);
    (0..20_000).map(move |_| next())
}

#[test]
fn the_examples_of_rivers_documentation() {
    let text = include_str!("../../../../../tests/detect/river-examples.txt");
    let streams: Vec<Vec<f64>> = text
        .lines()
        .map(|line| line.bytes().map(|digit| f64::from(digit - b'0')).collect())
        .collect();
    let on = |kind, stream: usize| detections(kind, streams[stream].iter().copied());
    assert_eq!(on(Kind::Adwin, 0), [1023]);
    assert_eq!(on(Kind::PageHinkley, 0), [1006]);
    assert_eq!(on(Kind::Ddm, 1), [1334]);
}

#[test]
fn detections_are_those_of_river() {
    type Found<'a> = &'a [usize];
    let found: [(u64, [Found; 7]); 3] = [
        (
            1,
            [
                &[1535, 3071, 4543],
                &[1688, 3292, 4597],
                &[2399, 3039, 3775],
                &[2694, 3668],
                &[2303, 4191, 6111],
                &[2449, 4291, 6429],
                &[88, 147, 254, 294, 371, 2392, 7081],
            ],
        ),
        (
            2,
            [
                &[1535, 3071, 4543],
                &[1683, 3277, 4607],
                &[2399, 3071, 3711],
                &[2665, 3596],
                &[2175, 4159, 6111],
                &[2273, 4213, 6393],
                &[2031, 7566],
            ],
        ),
        (
            3,
            [
                &[1535, 3071, 4543],
                &[1676, 3273, 4605],
                &[2367, 3007, 3679],
                &[2659, 3596],
                &[2143, 4127, 6079],
                &[2376, 4207, 6328],
                &[36, 305, 512, 2120, 6778],
            ],
        ),
    ];
    for (seed, found) in found {
        let here = [
            detections(Kind::Adwin, steps(seed)),
            detections(Kind::PageHinkley, steps(seed)),
            detections(Kind::Adwin, ramp(seed)),
            detections(Kind::PageHinkley, ramp(seed)),
            detections(Kind::Adwin, errors(seed)),
            detections(Kind::PageHinkley, errors(seed)),
            detections(Kind::Ddm, errors(seed)),
        ];
        assert_eq!(here, found, "seed {seed}");
        assert!(detections(Kind::Adwin, still(seed)).is_empty());
        assert!(detections(Kind::PageHinkley, still(seed)).is_empty());
    }
}

/// The window is what the stream has been since it last changed, and memory is of a few buckets.
#[test]
fn adwin_keeps_what_is_new() {
    let mut adwin = Adwin::default();
    let mut found = Vec::new();
    for (at, value) in steps(4).enumerate() {
        if let Signal::Drift { since, rose } = adwin.observe(value) {
            found.push((at, since as usize, rose));
        }
    }
    // The last step is up, at 4500, and that is where the cut that was noticed first lies.
    let (at, since, rose) = found.iter().copied().find(|found| found.0 >= 4500).unwrap();
    assert!(rose && at < 4600, "{found:?}");
    assert!((at + 1 - 4500).abs_diff(since) <= 8, "{found:?}");
    assert!(adwin.width() < 6000 - 4500 + 64, "{}", adwin.width());
    let mut long = Adwin::default();
    (0..100_000).for_each(|_| {
        long.observe(0.5);
    });
    assert_eq!(long.width(), 100_000);
    assert!(
        long.rows
            .iter()
            .map(std::collections::VecDeque::len)
            .sum::<usize>()
            < 100
    );
}
