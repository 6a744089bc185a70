# SPDX-License-Identifier: GPL-2.0-only
"""Which answer would have been right."""

import numpy as np

from ..command import Refusal
from .contract import FEATURES, MOVED


def cost_of(table, args):
    """What a decision cost its task: the share of its runnable time that it waited, plus the cold penalty."""
    wait, run = table["wait_ns"].to_numpy(float), table["run_ns"].to_numpy(float)
    return wait / (wait + run) + args.cold_penalty * table["cold"].to_numpy(float)


def labels_of(table, part, args):
    """Labels every row: 1 where moving is the better arm.

    Only one arm of a decision is ever seen. The other's cost is estimated by a regressor of that arm (T-learner),
    fitted on the training part alone; a training row's estimate comes from the folds it is not in. The label
    compares the cost that was observed with the estimate of the arm that was not.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    features, cost = table[FEATURES].to_numpy(np.float64), cost_of(table, args)
    moved = table["status"].isin(MOVED).to_numpy()
    training = np.flatnonzero(part == 0)
    for arm, name in ((True, "moved"), (False, "stayed")):
        if (moved[training] == arm).sum() < 10 * args.folds:
            raise Refusal(f"too few rows where the task {name}; record the log with an exploring gate, and longer")

    def estimate(fit_on, rows):
        """The cost of the arm that these rows did not take."""
        other = np.zeros(len(rows))
        for arm in (True, False):
            fit, ask = fit_on[moved[fit_on] == arm], moved[rows] != arm
            if ask.any():
                regressor = HistGradientBoostingRegressor(max_iter=100, min_samples_leaf=20, random_state=args.seed)
                other[ask] = regressor.fit(features[fit], cost[fit]).predict(features[rows[ask]])
        return other

    other = np.zeros(len(table))
    for fold in np.array_split(training, args.folds):
        other[fold] = estimate(np.setdiff1d(training, fold), fold)
    rest = np.flatnonzero(part > 0)
    other[rest] = estimate(training, rest)
    gain = np.where(moved, other - cost, cost - other)
    return (gain > args.margin).astype(np.float32)


LABEL = (
    "1 when moving is the better arm by more than margin={margin}: cost = wait_ns / (wait_ns + run_ns) + "
    "{cold_penalty} * cold; the observed arm's cost is compared with the other arm's expected cost, estimated by "
    "one HistGradientBoostingRegressor per arm fitted on the training part (T-learner), cross-fitted over {folds} "
    "contiguous folds inside it"
)
