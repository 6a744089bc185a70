# SPDX-License-Identifier: GPL-2.0-only
"""Rows of decision logs and replays, and which of them are held out."""

import os
import zlib

import numpy as np

from ..command import Refusal, reason
from .checks import check_columns
from .contract import FEATURES, MOVED, STAYED
from .logs import opened

# Columns that are counted with; a feature may be missing, such a row is dropped.
COUNTED = ["at_ns", "wait_ns", "run_ns", "window_ns", "cold", "label", "gain_ns"]


def read(files, columns):
    """Reads CSV files that must have these columns: one table, with the file's number in `file`."""
    import pandas as pd

    tables = []
    for number, file in enumerate(files):
        try:
            with opened(file) as raw:
                table = pd.read_csv(raw)
        except (OSError, EOFError, ValueError, zlib.error) as err:
            raise Refusal(f"cannot read {file}: {reason(err)}; give a CSV file that scx_augur wrote") from err
        check_columns(file, table.columns, columns)
        check_numbers(file, table)
        table["file"] = number
        # One without rows says nothing of its columns' types.
        if len(table):
            tables.append(table)
    if not tables:
        raise Refusal(f"there is no row in {', '.join(map(str, files))}; record under load")
    return pd.concat(tables, ignore_index=True)


def check_numbers(file, table):
    """What is counted with are numbers; the first line that is not is named."""
    import pandas as pd

    for column in [*FEATURES, *COUNTED]:
        if column in table and len(table):
            numbers = pd.to_numeric(table[column], errors="coerce")
            wrong = numbers.isna() & (table[column].notna() if column in FEATURES else True)
            if column in COUNTED:
                wrong |= ~np.isfinite(numbers)
            if column == "label":
                wrong |= ~numbers.isin([0, 1])
            if wrong.any():
                line = int(np.flatnonzero(wrong)[0])
                raise Refusal(
                    f"{file}, row {line + 1}: {column} is {table[column].iloc[line]!s}, which it cannot be; record it "
                    "again"
                )


def usable(table):
    """Drops the rows that say nothing, and counts them by reason."""
    idle = table["wait_ns"] + table["run_ns"] <= 0
    reasons = {
        "no_outcome": table["window_ns"] <= 0,
        "not_moved_though_asked": ~table["status"].isin(MOVED + STAYED),
        "task_slept_all_along": idle,
        "not_finite": ~np.isfinite(table[FEATURES].to_numpy(np.float64)).all(axis=1),
    }
    keep = np.ones(len(table), bool)
    dropped = {}
    for name, rows in reasons.items():
        rows = np.asarray(rows)
        dropped[name] = int((rows & keep).sum())
        keep &= ~rows
    return table[keep].reset_index(drop=True), dropped


def workload_of(file):
    """The workload that a file is named after."""
    return os.path.basename(file).split(".")[0].rsplit("-", 2)[0]


def split_by_workload(table, files, args):
    """Parts as in `split`: 2 for the rows of held-out workloads, 0 and 1 by time within each file of the others."""
    part = np.full(len(table), 2)
    of_file = table["file"].to_numpy()
    cut = args.train_share / (args.train_share + args.validation_share)
    names = [workload_of(file) for file in files]
    for missing in set(args.held_out) - set(names):
        raise Refusal(f"no file is of the workload {missing!r}; there are {', '.join(sorted(set(names)))}")
    for number, name in enumerate(names):
        if name not in args.held_out:
            cut_in_time(table, part, np.flatnonzero(of_file == number), [cut])
    return part


def split(table, args):
    """Parts by time: 0 is training, 1 validation, 2 held out, -1 dropped. Never by random rows.

    With --split time (the default) every file is cut in time; a row whose outcome reaches over a cut is dropped. With
    --split file (workloads or machines that the model never saw), whole files are held out, in the order given, and
    with three or more whole files validate.
    """
    part = np.zeros(len(table), int)
    files = table["file"].to_numpy()
    count = files.max() + 1
    shares = (args.train_share, args.validation_share)
    if args.split == "time":
        for file in range(count):
            cut_in_time(table, part, np.flatnonzero(files == file), [shares[0], shares[0] + shares[1]])
        return part
    if count >= 3:
        ends = np.cumsum(np.bincount(files, minlength=count)) / len(table)
        of_file = np.digitize(ends - 1e-9, [shares[0], shares[0] + shares[1]])
        of_file[-1], of_file[0] = 2, 0
        if not (of_file == 1).any():
            of_file[-2] = 1
            of_file[:-2] = 0
        return of_file[files]
    if count == 2:
        part[files == 1] = 2
        cut_in_time(table, part, np.flatnonzero(files == 0), [shares[0] / (shares[0] + shares[1])])
    else:
        cut_in_time(table, part, np.arange(len(table)), [shares[0], shares[0] + shares[1]])
    return part


def cut_in_time(table, part, rows, cuts):
    """Numbers the parts of these rows by time, and drops the rows whose outcome reaches over a cut."""
    if not len(rows):
        return
    at = table["at_ns"].to_numpy(np.int64)[rows] if "at_ns" in table else np.arange(len(rows))
    end = at + (table["window_ns"].to_numpy(np.int64)[rows] if "window_ns" in table else 0)
    limits = np.quantile(at, cuts, method="nearest")
    before, after = np.digitize(at, limits), np.digitize(end, limits)
    part[rows] = np.where((before == after) | (before == len(cuts)), before, -1)
