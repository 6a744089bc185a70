# SPDX-License-Identifier: GPL-2.0-only
"""The guest's disk: an ext4 file with the host's Debian release, tools, TensorFlow and a compile workload.

Built in layers, each kept in the cache under a hash of what it was made from, so that a changed script costs seconds:

    base-HASH.tar     the release and PACKAGES, by mmdebstrap
    kbuild-HASH.tar   /opt/kbuild, a kernel tree ready to compile, prepared in a chroot of the base
    tensorflow-HASH   the TensorFlow C library
    image-HASH.ext4   all of it and guest/init
"""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import archive
import cache
from failure import Failure

HERE = Path(__file__).resolve().parent
SETUP = HERE.parent / "scripts" / "setup"
PACKAGES = (
    # what the tests and the experiments run
    "stress-ng",
    "rt-tests",
    "rt-app",
    "trace-cmd",
    "strace",
    "bpftool",
    "numactl",
    "python3",
    # what compiles, in the guest and when the compile workload is prepared
    "gcc",
    "make",
    "libc6-dev",
    "bc",
    "bison",
    "flex",
    # what guest/init and the programs put into the guest need
    "util-linux",
    "procps",
    "kmod",
    "iproute2",
    "hostname",
    "libelf1",
    "zlib1g",
)
# What of a kernel's source is needed to configure it and to compile lib/: 130 MB of 1.4 GB.
KBUILD_PARTS = (
    "Makefile",
    "Kbuild",
    "Kconfig",
    "*/Kconfig*",
    "*/Makefile",
    "scripts",
    "include",
    "lib",
    "kernel",
    "arch/x86",
    "mm/*.h",
    "tools/include",
    "tools/arch/x86",
)
# Checkouts of different ages share the cache; more than this many recipes at a time are not in use.
LAYERS_KEPT = 3
# Free room on the disk for what runs in the guest; the file is sparse, so it costs nothing until used.
FREE_MB = 4096


def say(text: str) -> None:
    print(f"vm: {text}", file=sys.stderr)


def digest(*parts: str | Path) -> str:
    """A short hash over strings and over the contents of files."""
    state = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()[:12]


def tool(*command: str | Path, what: str) -> None:
    """Runs a tool quietly; its first complaint becomes the Failure."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise Failure(f"{what} needs {command[0]}, which is not installed; run scripts/setup vm") from error
    try:
        output = process.communicate()[0]
    except BaseException:
        # The tool and all that it started: mmdebstrap cleans up after itself when it is told to end.
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        raise
    if process.returncode:
        lines = [line for line in output.splitlines() if line.strip()] or ["no reason given"]
        complaints = [line for line in lines if re.search(r"^E:|\berror\b", line, re.IGNORECASE)] or lines
        raise Failure(f"{what} failed: {complaints[0].strip()}")


def layers() -> dict[str, Path]:
    """Where each layer lies, by the hash of what it is made from."""
    guest = HERE / "guest"
    base = digest(archive.release(), *PACKAGES)
    kbuild = digest(base, *KBUILD_PARTS, guest / "prepare-kbuild", guest / "compile")
    # Of all that the script installs only this matters here: the wheel that it names.
    tensorflow = digest(*re.findall(r"(?m)^tensorflow_\w+=.*", SETUP.read_text(encoding="utf-8")))
    image = digest(base, kbuild, tensorflow, guest / "init", str(FREE_MB))
    root = cache.root()
    return {
        "base": root / f"base-{base}.tar",
        "kbuild": root / f"kbuild-{kbuild}.tar",
        "tensorflow": root / f"tensorflow-{tensorflow}",
        "image": root / f"image-{image}.ext4",
    }


def find() -> Path:
    """The image, built when the cache does not hold it."""
    image = layers()["image"]
    if not image.exists():
        if os.geteuid() == 0:
            with cache.locked("image"):
                if not image.exists():
                    build(layers())
        else:
            build_as_root()
    return image


def build_as_root() -> None:
    """Device nodes, other owners' files and chroot need root; the image goes into this user's cache all the same."""
    say("building the guest image needs root, asking sudo")
    command = ["sudo", "env", f"XDG_CACHE_HOME={cache.root().parents[1]}", sys.executable, HERE / "vm", "image"]
    try:
        code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    except FileNotFoundError as error:
        raise Failure(
            "building the guest image needs root, and there is no sudo; run vm/vm image as root once"
        ) from error
    if code:
        raise Failure(f"building the guest image as root failed (exit {code})")


def build(paths: dict[str, Path]) -> None:
    """Builds what is missing, layer by layer."""
    for name, make in (("base", build_base), ("kbuild", build_kbuild), ("tensorflow", build_tensorflow)):
        if not paths[name].exists():
            with cache.scratch() as scratch:
                make(paths, scratch, scratch / "made")
                os.rename(scratch / "made", paths[name])
    with cache.scratch() as scratch:
        say("building the guest image")
        tree = unpacked(scratch, paths["base"], paths["kbuild"])
        furnish(tree, paths["tensorflow"])
        make_disk(tree, scratch / "made")
        os.rename(scratch / "made", paths["image"])
    prune()


def prune() -> None:
    """Removes all but the newest layers of each kind; a guest that runs on a removed one keeps it until it ends."""
    for kind in ("base-*", "kbuild-*", "tensorflow-*", "image-*"):
        newest_first = sorted(cache.root().glob(kind), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in newest_first[LAYERS_KEPT:]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def unpacked(scratch: Path, *tars: Path) -> Path:
    """A tree with these layers in it."""
    tree = scratch / "tree"
    tree.mkdir(mode=0o755)
    for tar in tars:
        tool("tar", "-x", "-C", tree, "-f", tar, what=f"unpacking {tar.name}")
    return tree


def build_base(_paths: dict[str, Path], scratch: Path, made: Path) -> None:
    """The Debian release with PACKAGES, as a tar."""
    say(f"building the base system of the guest, Debian {archive.release()} with {len(PACKAGES)} packages")
    sources = scratch / "sources.list"
    sources.write_text("".join(source.line() + "\n" for source in archive.machine_sources()), encoding="utf-8")
    tool(
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        archive.release(),
        made,
        sources,
        what="mmdebstrap",
    )


def build_kbuild(paths: dict[str, Path], scratch: Path, made: Path) -> None:
    """The compile workload, as a tar of /opt/kbuild: part of the release's kernel source, prepared in a chroot."""
    say("preparing the compile workload")
    tree = unpacked(scratch, paths["base"])
    linux = tree / "opt/kbuild/linux"
    linux.mkdir(parents=True)
    source = kernel_source(scratch)
    # No star for the version: it would match slashes too, and tar calls a pattern that another one covers an error.
    parts = [f"{source.name.split('.tar')[0]}/{part}" for part in KBUILD_PARTS]
    tool(
        "tar",
        "-x",
        "-C",
        linux,
        "--strip-components=1",
        "--wildcards",
        "-f",
        source,
        *parts,
        what="unpacking the kernel's source",
    )
    for script in ("prepare-kbuild", "compile"):
        shutil.copy(HERE / "guest" / script, linux.parent / script)
    tool("chroot", tree, "/opt/kbuild/prepare-kbuild", what="preparing the compile workload")
    tool("tar", "-c", "-C", tree, "-f", made, "opt/kbuild", what="packing the compile workload")


def kernel_source(scratch: Path) -> Path:
    """Fetches the source of the release's own kernel, a tar."""
    apt = archive.shared_apt("release", archive.machine_sources())
    complaint = apt.update()
    depends = re.findall(r"Depends: (linux-source-\S+)", apt.call("apt-cache", "depends", "linux-source"))
    if not depends:
        raise Failure(
            complaint or f"Debian {archive.release()} has no package linux-source to take a compile workload from"
        )
    archive.unpack(apt.download(depends[0], scratch), scratch / "source")
    return next((scratch / "source/usr/src").glob("linux-source-*.tar.*"))


def build_tensorflow(_paths: dict[str, Path], _scratch: Path, made: Path) -> None:
    """The TensorFlow C library, as a folder."""
    say("fetching the TensorFlow library")
    tool(SETUP, "tensorflow-lib", made, what="scripts/setup tensorflow-lib")


def furnish(tree: Path, tensorflow: Path) -> None:
    """Adds to the guest's tree what is not in a layer's tar."""
    shutil.copytree(tensorflow, tree / "opt/tensorflow", symlinks=True)
    (tree / "opt/vm").mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "guest" / "init", tree / "opt/vm/init")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost guest\n", encoding="ascii")
    # The base was made with the mirror's address in it, which is of no use in a guest without a network.
    (tree / "etc/apt/sources.list").unlink(missing_ok=True)


def make_disk(tree: Path, made: Path) -> None:
    """Makes an ext4 file of a tree."""
    usage_mb = int(subprocess.run(["du", "-sm", tree], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0])
    size_mb = usage_mb * 11 // 10 + FREE_MB
    # No journal: the disk is a snapshot that nobody keeps.
    tool("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", tree, made, f"{size_mb}M", what="mke2fs")
