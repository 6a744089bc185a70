# SPDX-License-Identifier: GPL-2.0-only
"""How well a model does on rows that it never saw, and from which score on it accepts."""

import numpy as np


def balanced_accuracy(labels, moves):
    """The mean of the two classes' recalls; a class that is absent counts as one half."""
    recalls = [(moves[labels == kind] == kind).mean() if (labels == kind).any() else 0.5 for kind in (0, 1)]
    return float(np.mean(recalls))


def best_threshold(labels, scores):
    """The threshold of the best balanced accuracy, on the validation part; the middle one of equals."""
    choices = np.linspace(0.05, 0.95, 91)
    accuracy = np.array([balanced_accuracy(labels, scores >= choice) for choice in choices])
    best = np.flatnonzero(accuracy >= accuracy.max() - 1e-12)
    return float(choices[best[len(best) // 2]])


# One-sided, of a normal distribution: an answer is taken for better only when chance gives that once in a hundred
# times.
Z_BETTER = 2.33


def value_of(cost, moved, refused):
    """What refusing these rows gains over moving them all: mean cost saved over all rows, and its standard error.

    The gate that recorded the log tossed a fair coin, so the two arms of any set of rows are two random samples of it
    and the difference of their means is unbiased (Horvitz and Thompson 1952, with equal probabilities).
    """
    arms = [cost[refused & (moved == arm)] for arm in (True, False)]
    if min(map(len, arms)) < 10:
        return 0.0, 0.0
    share = refused.mean()
    error = np.sqrt(sum(arm.var(ddof=1) / len(arm) for arm in arms))
    return float(share * (arms[0].mean() - arms[1].mean())), float(share * error)


def worthwhile_threshold(cost, moved, scores):
    """The lowest threshold whose refusals gain as much as any, give or take two standard errors, on the validation
    part; 0 where no threshold's gain is beyond chance. So a model refuses where it is known to be right; elsewhere the
    heuristic's word stands.
    """
    cuts = np.quantile(scores, np.linspace(0.02, 0.98, 49))
    gains, errors = np.array([value_of(cost, moved, scores < cut) for cut in cuts]).T
    best = np.argmax(gains - Z_BETTER * errors)
    if gains[best] <= Z_BETTER * errors[best]:
        return 0.0
    return float(cuts[np.flatnonzero(gains >= gains[best] - 2 * errors[best])[0]])


def gain_of(gain_ms, refused):
    """What refusing these rows saves over moving them all, where both arms of every row are known: mean and its
    standard error.
    """
    saved = np.where(refused, -gain_ms, 0.0)
    return float(saved.mean()), float(saved.std(ddof=1) / np.sqrt(len(saved)))


def hindsight_threshold(gain_ms, scores):
    """As `worthwhile_threshold`, of rows whose two arms are both known."""
    cuts = np.quantile(scores, np.linspace(0.02, 0.98, 49))
    gains, errors = np.array([gain_of(gain_ms, scores < cut) for cut in cuts]).T
    best = np.argmax(gains - Z_BETTER * errors)
    if gains[best] <= Z_BETTER * errors[best]:
        return 0.0
    return float(cuts[np.flatnonzero(gains >= gains[best] - 2 * errors[best])[0]])


def calibration(labels, scores, bins=10):
    """Rows by score: mean score against the share that was right; and the expected calibration error."""
    table, error = [], 0.0
    which = np.minimum((scores * bins).astype(int), bins - 1)
    for number in range(bins):
        rows = which == number
        if rows.any():
            mean, share = float(scores[rows].mean()), float(labels[rows].mean())
            error += rows.mean() * abs(mean - share)
            table.append({"from": number / bins, "rows": int(rows.sum()), "mean_score": mean, "share_right": share})
    return table, float(error)


def measured(labels, scores, threshold):
    """Everything that the manifest says about held-out rows."""
    table, error = calibration(labels, scores)
    return {
        "rows": int(len(labels)),
        "share_positive": float(labels.mean()),
        "cut": threshold,
        "balanced_accuracy": balanced_accuracy(labels, scores >= threshold),
        "brier": float(np.mean((scores - labels) ** 2)),
        "ece": error,
        "calibration": table,
    }
