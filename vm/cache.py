# SPDX-License-Identifier: GPL-2.0-only
"""Where kernels, images and tools are kept between runs, and how a thing gets there: whole or not at all."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from failure import Failure


def root() -> Path:
    """The harness's cache folder; it lies outside the repository, so that no checkout carries 2 GB."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = Path(base) / "scx_augur" / "vm"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"cannot make the cache folder {path}: {error.strerror}; set XDG_CACHE_HOME to a writable one"
        ) from error
    return path


@contextlib.contextmanager
def locked(name: str):
    """One builder of `name` at a time: a second one waits, then finds it there."""
    with open(root() / f".{name}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def scratch():
    """A folder on the cache's own file system (so that a rename out of it is atomic), gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix=".part-", dir=root()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
