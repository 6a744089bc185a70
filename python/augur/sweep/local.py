# SPDX-License-Identifier: GPL-2.0-only
"""Units of a sweep on this machine."""

import os
import socket
from concurrent import futures

from .unit import Children, perform


def run_here(units, binary, workers, _address, _sent):
    """Runs units on this machine; yields each with its row, as they are done."""
    children = Children()
    pool = futures.ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)))
    host = {"host": socket.gethostname(), "node": "local"}
    try:
        pending = {
            pool.submit(perform, unit, binary.path, lambda parcel: parcel.path, children): unit for unit in units
        }
        for done in futures.as_completed(pending):
            yield pending[done], done.result() | host
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        children.end()
        pool.shutdown()
