# SPDX-License-Identifier: GPL-2.0-only
"""Kernels with sched_ext: which version to take, and how it gets into the cache.

Debian's cloud kernels have CONFIG_SCHED_CLASS_EXT from 6.16 on. A series such as 6.18 means its known-good release,
proved by attaching a scheduler; without that the newest of the series, and as the last resort the newest of all.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import archive
import cache
from failure import Failure, Misuse

SERIES = ("6.16", "6.18", "7.2")
DEFAULT = "6.18"
SUITES = ["trixie-backports", "sid"]
# Proved by a boot and an attach.
GOOD = ("6.16.12+deb13", "6.18.15+deb13", "7.2.13+deb14")
# Built with a pahole too old for its kfuncs: the BTF says none of them exists and no scheduler loads.
BROKEN = ("7.2.12+deb13",)
OLDEST = (6, 16)
# The packages of one kernel: up to 6.18 all is in linux-image, later the image is in linux-binary and the
# configuration in linux-base.
KINDS = ("image", "binary", "base")


@dataclass(frozen=True)
class Kernel:
    """A kernel in the cache: what `uname -r` says in it, its image, and its build configuration."""

    name: str
    vmlinuz: Path
    config: Path


def number(release: str) -> tuple[int, ...]:
    """`6.18.15+deb13` → (6, 18, 15, 13), for sorting."""
    return tuple(int(part) for part in re.findall(r"\d+", release))


def check(wanted: str) -> None:
    """Misuse unless it names a version or a series that can have sched_ext."""
    if not re.fullmatch(r"\d+\.\d+(\.\d+(\+\w+)?)?", wanted, re.ASCII):
        raise Misuse(f"kernel '{wanted}' is not a version; say one of {', '.join(SERIES)} or such as 6.18.15")
    if number(wanted)[:2] < OLDEST:
        raise Misuse(f"kernel {wanted} has no sched_ext in Debian's builds; take 6.16 or later")


def choose(wanted: str, available: list[str]) -> tuple[str, str]:
    """The release to take for `6.18`, `6.18.15` or `6.18.15+deb13`, and one line to say when it is not quite that."""
    check(wanted)
    # Only somebody who names a broken release in full gets it.
    exact = [r for r in available if r == wanted or (wanted.count(".") == 2 and r.split("+")[0] == wanted)]
    if exact:
        release = max(exact, key=number)
        return release, f"kernel {release} is known to be broken: no scheduler loads in it" if release in BROKEN else ""
    usable = [r for r in available if r not in BROKEN and number(r)[:2] >= OLDEST]
    same_series = [r for r in usable if number(r)[:2] == number(wanted)[:2]]
    for release in sorted(same_series, key=number, reverse=True):
        if release in GOOD:
            note = (
                ""
                if wanted.count(".") == 1
                else f"kernel {wanted} is not in the archive; taking {release} of the same series"
            )
            return release, note
    if same_series:
        release = max(same_series, key=number)
        return release, f"no known-good kernel of {wanted} in the archive; taking {release}"
    if usable:
        release = max(usable, key=number)
        return release, f"no kernel of {wanted} in the archive; taking {release}, the newest with sched_ext"
    raise Failure(f"no kernel with sched_ext in {' or '.join(SUITES)} of the machine's mirror")


def folder() -> Path:
    path = cache.root() / "kernels"
    path.mkdir(exist_ok=True)
    return path


def at(path: Path) -> Kernel:
    return Kernel(path.name, path / "vmlinuz", path / "config")


def cached(wanted: str) -> Kernel | None:
    """What this wish was answered with before, so that a second run needs no network."""
    link = folder() / f".{wanted}"
    return at(link.resolve()) if link.exists() else None


def find(wanted: str) -> Kernel:
    """The kernel for a version or a series, fetched when it is not in the cache."""
    check(wanted)
    with cache.locked("kernels"):
        return cached(wanted) or fetch(wanted)


def fetch(wanted: str) -> Kernel:
    """Takes a kernel's image and configuration out of its packages."""
    apt = archive.shared_apt("kernels", archive.other_suites(SUITES))
    complaint = apt.update()
    names = [name for kind in KINDS for name in apt.names(f"linux-{kind}-")]
    pattern = re.compile(r"linux-(?:image|binary)-(\d+\.\d+\.\d+\+\w+)-cloud-amd64")
    available = sorted({match.group(1) for name in names if (match := pattern.fullmatch(name))}, key=number)
    if complaint:
        print(f"vm: {complaint}", file=sys.stderr)
    release, note = choose(wanted, available)
    if note:
        print(f"vm: {note}", file=sys.stderr)
    name = f"{release}-cloud-amd64"
    if not (folder() / name).is_dir():
        print(f"vm: fetching kernel {name}", file=sys.stderr)
        unpack(apt, name, names)
    remember(wanted, name)
    return at(folder() / name)


def unpack(apt: archive.Apt, name: str, names: list[str]) -> None:
    """Puts vmlinuz and config of a kernel into the cache, both or neither."""
    with cache.scratch() as scratch:
        tree = scratch / "tree"
        for package in (f"linux-{kind}-{name}" for kind in KINDS):
            if package in names:
                archive.unpack(apt.download(package, scratch), tree)
        done = scratch / "done"
        done.mkdir()
        pick(tree, (f"boot/vmlinuz-{name}", f"usr/lib/modules/{name}/vmlinuz"), done / "vmlinuz")
        pick(tree, (f"boot/config-{name}", f"usr/lib/modules/{name}/config"), done / "config")
        os.rename(done, folder() / name)


def pick(tree: Path, candidates: tuple[str, ...], target: Path) -> None:
    """Moves the first candidate that is a file to the target."""
    for candidate in candidates:
        if (tree / candidate).is_file():
            os.rename(tree / candidate, target)
            return
    raise Failure(f"the kernel's packages hold none of {', '.join(candidates)}; try another version")


def remember(wanted: str, name: str) -> None:
    link = folder() / f".{wanted}"
    link.unlink(missing_ok=True)
    link.symlink_to(name)
