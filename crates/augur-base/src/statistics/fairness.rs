// SPDX-License-Identifier: GPL-2.0-only
//! Fairness as one number.

/// Jain's index of shares: (Σx)² / (n Σx²), 1 where all are equal, 1/n where one has everything (Jain, Chiu, Hawe,
/// DEC-TR-301, 1984). 1 for no shares at all.
pub fn jain(shares: impl IntoIterator<Item = f64>) -> f64 {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for share in shares {
        count += 1.0;
        sum += share;
        squares += share * share;
    }
    if squares > 0.0 {
        sum * sum / (count * squares)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_are_fair_and_one_for_all_is_not() {
        assert!((jain([0.3; 5]) - 1.0).abs() < 1e-12);
        assert!((jain([0.0, 0.0, 7.0, 0.0]) - 0.25).abs() < 1e-12);
        assert!((jain([1.0, 3.0]) - 0.8).abs() < 1e-12);
        assert_eq!(jain([]), 1.0);
    }
}
