# SPDX-License-Identifier: GPL-2.0-only
"""A decision log's bytes, wherever they come from: a file, one packed with gzip, standard input (`-`)."""

import gzip
import io
import os
import sys

from ..command import Refusal, reason

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def is_stream(file):
    """Whether it can be read once only: standard input, a pipe."""
    return file == "-" or os.path.exists(file) and not os.path.isfile(file) and not os.path.isdir(file)


def opened(file):
    """Opens it as bytes, unpacked; what is packed is told by its first bytes, not by its name."""
    try:
        raw = sys.stdin.buffer if file == "-" else open(file, "rb")
        if is_stream(file):
            with raw:
                raw = io.BytesIO(raw.read())
        begin = raw.read(4)
        raw.seek(0)
    except OSError as err:
        raise Refusal(f"cannot read {file}: {reason(err)}; give a CSV file that scx_augur wrote") from err
    if begin == ZSTD:
        raise Refusal(f"{file} is packed with zstd; unpack it first, or pack it with gzip")
    return gzip.GzipFile(fileobj=raw) if begin[:2] == GZIP else raw
