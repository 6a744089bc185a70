# SPDX-License-Identifier: GPL-2.0-only
"""How fast this machine's time stamp counter goes, which is the guest's under emulation.

A guest that finds out for itself compares it with emulated timers while it boots. Where the host is busy at that
moment, it can be wrong by a factor of eight, and every clock of the guest with it.
"""

import ctypes
import functools
import mmap
import platform
import statistics
import time

# rdtsc; shl rdx, 32; or rax, rdx; ret
RDTSC = bytes.fromhex("0f31 48c1e220 4809d0 c3")
SPAN_S = 0.02
SAMPLES = 9


@functools.cache
def khz() -> int | None:
    """The counter's frequency in kHz, or nothing where this processor has no such counter or the system does not let it
    be read.
    """
    if platform.machine() != "x86_64":
        return None
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None
    page.write(RDTSC)
    counter = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    # The median: a sample in whose midst this process had to wait is wrong.
    return round(statistics.median(sample(counter) for _ in range(SAMPLES)) / 1e3)


def sample(counter) -> float:
    """Counts a second over a short span."""
    count, begin_ns = counter(), time.monotonic_ns()
    time.sleep(SPAN_S)
    return (counter() - count) * 1e9 / (time.monotonic_ns() - begin_ns)
