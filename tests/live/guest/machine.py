# SPDX-License-Identifier: GPL-2.0-only
"""The shape of the guest, from sysfs: what the scheduler makes of it is not asked."""

from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")


def parse_list(text: str) -> list[int]:
    """`0-2,5` → [0, 1, 2, 5]."""
    cpus: list[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return cpus


def online() -> list[int]:
    """The CPUs that are on."""
    return parse_list((CPUS / "online").read_text())


def set_online(cpu: int, on: bool) -> None:
    """Switches a CPU on or off."""
    (CPUS / f"cpu{cpu}" / "online").write_text("1" if on else "0")


def domains() -> list[list[int]]:
    """The CPUs of each last-level cache, in the order of their first CPU."""
    return [list(cpus) for cpus in sorted({tuple(last_level(cpu)) for cpu in online()})]


def last_level(cpu: int) -> list[int]:
    """The CPUs that share the highest cache with this one."""
    caches = sorted((CPUS / f"cpu{cpu}" / "cache").glob("index*"), key=lambda path: int((path / "level").read_text()))
    return parse_list((caches[-1] / "shared_cpu_list").read_text()) if caches else [cpu]


def domain_of() -> dict[int, int]:
    """CPU → its domain's place in domains()."""
    return {cpu: index for index, cpus in enumerate(domains()) for cpu in cpus}
