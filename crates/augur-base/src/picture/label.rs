// SPDX-License-Identifier: GPL-2.0-only
//! Where the labels of points stand, so that none covers another one or a point. In pixels, y downwards.

use std::ops::Range;

/// A point and the size of its label.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The point.
    pub at: (i32, i32),
    /// Width and height of the text.
    pub size: (i32, i32),
    /// How far what is drawn at the point reaches, along and up.
    pub radius: (i32, i32),
}

/// Where a label went.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Upper left corner.
    pub corner: (i32, i32),
    /// From the point to the label, where that is not beside it.
    pub leader: Option<[(i32, i32); 2]>,
}

/// Between a point and its label, and between labels.
const GAP: i32 = 4;
/// Distances that are tried, in steps of a line's height.
const RINGS: i32 = 12;

#[derive(Clone, Copy, Debug)]
struct Rect {
    x: (i32, i32),
    y: (i32, i32),
}

impl Rect {
    fn new(corner: (i32, i32), size: (i32, i32)) -> Rect {
        Rect {
            x: (corner.0, corner.0 + size.0),
            y: (corner.1, corner.1 + size.1),
        }
    }

    fn around(one: &Wanted) -> Rect {
        let (at, radius) = (one.at, one.radius);
        Rect::new((at.0 - radius.0, at.1 - radius.1), (2 * radius.0, 2 * radius.1))
    }

    fn overlap(&self, other: &Rect) -> i32 {
        let length = |a: (i32, i32), b: (i32, i32)| (a.1.min(b.1) - a.0.max(b.0) + GAP).max(0);
        length(self.x, other.x) * length(self.y, other.y)
    }

    fn outside(&self, (x, y): &(Range<i32>, Range<i32>)) -> i32 {
        let out = |part: (i32, i32), whole: &Range<i32>| {
            (whole.start - part.0).max(0) + (part.1 - whole.end).max(0)
        };
        out(self.x, x) + out(self.y, y)
    }

    fn nearest(&self, at: (i32, i32)) -> (i32, i32) {
        (at.0.clamp(self.x.0, self.x.1), at.1.clamp(self.y.0, self.y.1))
    }
}

/// Places every label: the nearest place that is free, in the order of the points; where none is free, the one that
/// covers least. Lines, from their upper left ends on, are not covered either.
pub fn places(wanted: &[Wanted], within: &(Range<i32>, Range<i32>), lines: &[[(i32, i32); 2]]) -> Vec<Place> {
    let points = wanted.iter().map(Rect::around);
    let lines = lines.iter().map(|[from, to]| Rect {
        x: (from.0, to.0),
        y: (from.1, to.1),
    });
    let mut taken: Vec<Rect> = points.chain(lines).collect();
    wanted
        .iter()
        .map(|one| {
            let cost = |&(_, corner): &(i32, (i32, i32))| {
                let rect = Rect::new(corner, one.size);
                let covered: i32 = taken.iter().map(|other| rect.overlap(other)).sum();
                covered + 1000 * rect.outside(within)
            };
            let candidates = candidates(one);
            // The first of the best: candidates come nearest first.
            let best = candidates.iter().min_by_key(|candidate| cost(candidate));
            let (ring, corner) = best.copied().unwrap_or((0, one.at));
            let rect = Rect::new(corner, one.size);
            taken.push(rect);
            let leader = (ring > 0).then(|| [one.at, rect.nearest(one.at)]);
            Place { corner, leader }
        })
        .collect()
}

/// Corners around a point with the ring that they are on, nearest first: right, left, above, below, then farther away.
fn candidates(one: &Wanted) -> Vec<(i32, (i32, i32))> {
    let (width, height) = one.size;
    let mut all = Vec::new();
    for ring in 0..=RINGS {
        let (near, far) = (one.radius.0 + GAP, one.radius.1 + GAP + ring * height);
        let (left, right) = (one.at.0 - near - width, one.at.0 + near);
        let (up, down) = (one.at.1 - far - height, one.at.1 + far);
        let (middle_x, middle_y) = (one.at.0 - width / 2, one.at.1 - height / 2);
        if ring == 0 {
            all.extend([(0, (right, middle_y)), (0, (left, middle_y))]);
        }
        let around = [
            (middle_x, up),
            (middle_x, down),
            (right, up),
            (right, down),
            (left, up),
            (left, down),
        ];
        all.extend(around.map(|corner| (ring, corner)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: (Range<i32>, Range<i32>) = (70..1050, 50..720);

    fn check(wanted: &[Wanted]) {
        let placed = places(wanted, &PLOT, &[]);
        let labels: Vec<Rect> = placed
            .iter()
            .zip(wanted)
            .map(|(place, one)| Rect::new(place.corner, one.size))
            .collect();
        for (index, label) in labels.iter().enumerate() {
            assert_eq!(label.outside(&PLOT), 0, "{label:?}");
            let others = labels.iter().skip(index + 1);
            assert!(
                others.into_iter().all(|other| label.overlap(other) == 0),
                "{label:?}"
            );
            let points = wanted.iter().map(Rect::around);
            assert!(
                points.into_iter().all(|point| label.overlap(&point) == 0),
                "{label:?}"
            );
        }
    }

    fn wanted(at: (i32, i32)) -> Wanted {
        Wanted {
            at,
            size: (150, 17),
            radius: (7, 7),
        }
    }

    #[test]
    fn alone_at_the_right_and_at_the_edge_at_the_left() {
        let alone = places(&[wanted((300, 300))], &PLOT, &[]);
        assert_eq!((alone[0].corner, alone[0].leader), ((311, 292), None));
        let edge = places(&[wanted((1040, 300))], &PLOT, &[]);
        assert_eq!(edge[0].corner.0 + 150, 1029);
    }

    #[test]
    fn a_line_is_not_covered() {
        let line = [(300, 300), (700, 300)];
        let place = places(&[wanted((300, 300))], &PLOT, &[line])[0].corner;
        let label = Rect::new(place, (150, 17));
        assert!(label.x.1 < 300 || label.y.1 < 300 || label.y.0 > 300, "{label:?}");
    }

    #[test]
    fn ten_in_one_place_do_not_cover_each_other() {
        check(&[wanted((300, 300)); 10]);
        let cluster = |seed: i32| -> Vec<Wanted> {
            let near = |index: i32, of: i32| 200 + (index * seed * of) % 60;
            (0..10)
                .map(|index| wanted((near(index, 7), near(index, 13))))
                .collect()
        };
        for seed in 1..30 {
            check(&cluster(seed));
        }
    }
}
