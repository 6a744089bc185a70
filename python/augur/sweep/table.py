# SPDX-License-Identifier: GPL-2.0-only
"""The table of a sweep: one Parquet file."""

import contextlib
import os

from ..command import Refusal, reason
from .unit import AROUND, KEYS


def write_table(rows, out):
    """Writes rows as Parquet, whole or not at all."""
    import pyarrow
    from pyarrow import parquet

    names = [*KEYS, *dict.fromkeys(name for row in rows for name in row if name not in KEYS + AROUND), *AROUND]
    columns = {}
    for name in names:
        values = pyarrow.array(
            [row.get(name) for row in rows], type=pyarrow.string() if name in ("error", "host", "node") else None
        )
        columns[name] = values.cast(pyarrow.float64()) if pyarrow.types.is_null(values.type) else values
    making = f"{out}.{os.getpid()}.tmp"
    try:
        parquet.write_table(pyarrow.table(columns), making, compression="zstd")
        os.replace(making, out)
    except OSError as err:
        raise Refusal(f"cannot write {out}: {reason(err)}; name another --out, and go on with --resume") from err
    finally:
        with contextlib.suppress(OSError):
            os.unlink(making)
