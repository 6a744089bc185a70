# SPDX-License-Identifier: GPL-2.0-only
"""Who waits for a disk beside tasks that never sleep."""

import time

import load
import task
from case import Options, case, check
from scheduler import Scheduler

HOGS = 8
READS = 200
LONGER_MAX = 1.1


@case(every_kernel=True, cpus_min=4, clock="instructions", thorough=True)
def direct_io(options: Options) -> str:
    """Direct reads, one after the other, beside two hogs for each CPU: no longer than under EEVDF, within a tenth."""
    own = read_s()
    with Scheduler("--model", "off"):
        ours = read_s()
    told = f"{READS} reads of 16 KB in {1e3 * ours:.0f} ms (EEVDF {1e3 * own:.0f} ms)"
    check(ours <= LONGER_MAX * own, f"at most {LONGER_MAX:g} times as long", told)
    return told


def read_s() -> float:
    """How long the reads take, in seconds."""
    hogs = task.hogs(HOGS)
    begin = time.monotonic()
    load.Program("dd", ["dd", "if=/dev/nvme0n1", "of=/dev/null", "bs=16k", f"count={READS}", "iflag=direct"]).finish()
    took = time.monotonic() - begin
    task.end(hogs)
    return took
