# SPDX-License-Identifier: GPL-2.0-only
"""The closed loop: what a model changes where its own decisions have consequences."""

import json
import os
import subprocess

import numpy as np

from ..command import Refusal

CLOSED_LOOP = {
    "migrations": lambda run: run["migrations"]["total"],
    "makespan_ms": lambda run: run["makespan_ns"] / 1e6,
    "p99_ms": lambda run: run["wakeup_latency_ns"]["p99"] / 1e6,
    "mean_wait_ms": lambda run: run["wait_ns"]["mean"] / 1e6,
}


def bootstrap(values, seed, draws=10_000):
    """Mean and its 95 % interval, by the percentiles of resampled means (Efron 1979)."""
    values = np.asarray(values, float)
    means = np.random.default_rng(seed).choice(values, (draws, len(values))).mean(axis=1)
    return [float(values.mean()), *(float(end) for end in np.percentile(means, [2.5, 97.5]))]


def replays(trace, args):
    """The runs of both policies, seed by seed."""
    command = [
        args.binary,
        "replay",
        trace,
        "--json",
        "--seeds",
        str(args.seeds),
        "--policy",
        f"augur,model[dir={args.out},engine=twin]",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"cannot replay {trace}: {done.stderr.strip()}")
    runs = json.loads(done.stdout)["results"]
    return [run for run in runs if run["policy"] == "augur"], [run for run in runs if run["policy"] != "augur"]


def closed_loop(args):
    """What the model changes in replay: for each trace the paired differences of the seeds; over all traces the ratios
    of their means, in per cent and geometrically, so that a figure that doubles here and halves there comes to nothing.
    """
    results, ratios = [], {name: [] for name in CLOSED_LOOP}
    for trace in args.closed_loop:
        if getattr(args, "progress", None):
            args.progress.tell(f"replaying {os.path.basename(trace)}")
        plain, gated = replays(trace, args)
        result = {"trace": os.path.basename(trace), "seeds": len(plain)}
        for name, value in CLOSED_LOOP.items():
            pairs = [(value(a), value(b)) for a, b in zip(plain, gated)]
            mean = float(np.mean([a for a, _ in pairs]))
            result[name] = {
                "augur": mean,
                "model": float(np.mean([b for _, b in pairs])),
                "difference": bootstrap([b - a for a, b in pairs], args.seed),
            }
            if min(mean, result[name]["model"]) > 0:
                ratios[name].append(np.log(result[name]["model"] / mean))
        results.append(result)
    change = {
        name: [100 * np.expm1(end) for end in bootstrap(values or [0.0], args.seed)] for name, values in ratios.items()
    }
    return {"traces": results, "change_percent": change}


def report_closed_loop(found):
    """A Markdown table."""
    print(
        "| trace | migrations: augur → model (difference, 95 %) | makespan, ms | p99, ms | mean wait, ms |\n"
        "| --- | --- | --- | --- | --- |"
    )
    for result in found["traces"]:
        cells = []
        for name in CLOSED_LOOP:
            one, digits = result[name], 0 if name in ("migrations", "makespan_ms") else 2
            mean, low, high = (f"{value:+,.{digits}f}" for value in one["difference"])
            cells.append(f"{one['augur']:,.{digits}f} → {one['model']:,.{digits}f} ({mean}, {low} … {high})")
        print(f"| {result['trace'].split('.')[0]} | " + " | ".join(cells) + " |")
    cells = (f"{mean:+.1f} % ({low:+.1f} … {high:+.1f})" for mean, low, high in found["change_percent"].values())
    print("| geometric mean of the ratios | " + " | ".join(cells) + " |")
