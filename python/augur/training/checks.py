# SPDX-License-Identifier: GPL-2.0-only
"""What can be told of the arguments before anything large is loaded: inputs that are not there, an output that cannot
be written.
"""

import csv
import io
import os
import tempfile

from ..command import Refusal, built_program, reason
from .contract import FEATURES, LOG_COLUMNS
from .logs import is_stream, opened


def check(args):
    """Refuses what cannot work. Standard input is looked at when it is read."""
    if args.evaluate:
        check_model(args.evaluate)
    else:
        args.out = os.path.normpath(args.out)
        check_output(args.out)
    files = args.from_log or args.from_replay or []
    columns = [*FEATURES, "label"] if args.from_replay else LOG_COLUMNS
    if files and not [file for file in files if is_stream(file) or has_row(file, columns)]:
        raise Refusal(f"there is no row in {', '.join(files)}; record under load")
    for trace in args.closed_loop:
        readable(trace, "name a trace for --closed-loop")
    if args.closed_loop:
        args.binary = args.binary or built_program()
        if not (os.path.isfile(args.binary) and os.access(args.binary, os.X_OK)):
            raise Refusal(
                f"there is no program {args.binary} to replay with; run `make build`, or name it with --binary"
            )


def check_model(directory):
    """A model that is evaluated has a manifest."""
    readable(os.path.join(directory, "manifest.json"), "name the directory of a model for --evaluate")


def readable(file, remedy):
    """Opens a file and closes it."""
    try:
        with open(file, "rb"):
            pass
    except OSError as err:
        raise Refusal(f"cannot read {file}: {reason(err)}; {remedy}") from err


def has_row(file, columns):
    """Whether there is a second line; refuses a file whose first one has not all of these columns."""
    with opened(file) as raw:
        try:
            lines = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            rows = csv.reader(lines)
            header, first = next(rows, []), next(rows, None)
        except (OSError, EOFError, UnicodeDecodeError, csv.Error) as err:
            raise Refusal(f"cannot read {file}: {reason(err)}; give a CSV file that scx_augur wrote") from err
    if not header:
        raise Refusal(f"{file} is empty; give a CSV file that scx_augur wrote")
    check_columns(file, header, columns)
    return first is not None


def check_columns(file, header, columns):
    """All of the columns are there."""
    missing = [column for column in columns if column not in header]
    if missing:
        raise Refusal(f"{file} lacks the column {missing[0]!r}; record it again with this version of scx_augur")


def check_output(out):
    """The directory can be made, or is a model that may be replaced. Nothing is left behind."""
    if os.path.islink(out) and not os.path.exists(out):
        raise Refusal(f"{out} is a link to nothing; name another directory for --out")
    if os.path.exists(out) and not os.path.isdir(out):
        raise Refusal(f"{out} is there and is not a directory; name another one for --out")
    try:
        if os.path.isdir(out) and os.listdir(out) and not os.path.exists(os.path.join(out, "saved_model.pb")):
            raise Refusal(f"{out} exists and is not a model; name another directory for --out")
        parent = os.path.dirname(os.path.realpath(out))
        while not os.path.exists(parent):
            parent = os.path.dirname(parent)
        os.rmdir(tempfile.mkdtemp(prefix=".model-", dir=parent))
    except OSError as err:
        raise Refusal(f"cannot write {out}: {reason(err)}; name another directory for --out") from err
