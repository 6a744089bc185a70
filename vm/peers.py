# SPDX-License-Identifier: GPL-2.0-only
"""Other sched_ext schedulers to measure against, built from their published source into the cache.

They take minutes to build and are no part of any test: only who compares them asks for them.
"""

import os
import subprocess
import sys
from pathlib import Path

import cache
from failure import Failure

PEERS = {"scx_rusty": "1.1.4", "scx_bpfland": "1.1.4"}


def find() -> list[Path]:
    """The binaries, built when the cache does not hold them."""
    with cache.locked("peers"):
        return [binary(name, version) for name, version in PEERS.items()]


def binary(name: str, version: str) -> Path:
    """One peer's binary; each version has a folder of its own, so that a new one is built beside the old."""
    folder = cache.root() / "peers" / f"{name}-{version}"
    path = folder / "bin" / name
    if not path.exists():
        print(f"vm: building {name} {version}, which takes some minutes", file=sys.stderr)
        # cargo install puts a binary into place only when it is complete.
        command = ["cargo", "install", "--quiet", "--locked", "--root", folder, "--version", version, name]
        environment = {"BPF_CLANG": "clang-19", **os.environ}
        try:
            # Not from the caller's folder: a .cargo/config.toml there is meant for another build.
            result = subprocess.run(
                command, cwd=cache.root(), env=environment, stderr=subprocess.PIPE, text=True, check=False
            )
        except FileNotFoundError as error:
            raise Failure(
                "building the peers needs cargo, which is not installed; see rustup's instructions"
            ) from error
        if result.returncode:
            errors = [line for line in result.stderr.splitlines() if line.startswith("error")] or [
                "error: no reason given"
            ]
            raise Failure(f"cargo install {name} failed: {errors[0].partition(': ')[2]}")
    return path
