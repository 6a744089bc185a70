# SPDX-License-Identifier: GPL-2.0-only
"""Debian's archive, through an apt of our own.

The mirror's address and its keyring come from the machine's own sources; lists, status and cache are folders of ours,
so that /etc/apt and the machine's package lists stay as they are.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cache
from failure import Failure

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Source:
    """One line of sources.list: an archive's address, a suite of it, a component."""

    uri: str
    suite: str
    component: str = "main"

    def line(self) -> str:
        # Named, because some releases keep Debian's key where apt does not look by itself.
        options = f"[signed-by={KEYRING}] " if KEYRING.is_file() else ""
        return f"deb {options}{self.uri} {self.suite} {self.component}"


def parse_sources(text: str, release_name: str) -> list[Source]:
    """The sources of one release, its updates and its security fixes, out of `apt-get indextargets`
    (uri|suite|component).
    """
    wanted = (release_name, f"{release_name}-updates", f"{release_name}-security")
    rows = [line.split("|") for line in text.splitlines()]
    sources = [Source(*row) for row in rows if len(row) == 3 and row[1] in wanted]
    return list(dict.fromkeys(sources))


def release() -> str:
    """The machine's Debian release, such as bookworm."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(
            f"cannot read /etc/os-release: {error.strerror}; the virtual machine needs a Debian host"
        ) from error
    fields = dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', text))
    if fields.get("ID") != "debian" or not fields.get("VERSION_CODENAME"):
        raise Failure("this machine is not a Debian release; the virtual machine's image needs a Debian host")
    return fields["VERSION_CODENAME"]


def machine_sources() -> list[Source]:
    """The machine's own sources of its release, as apt itself reads them."""
    command = [
        "apt-get",
        "indextargets",
        "--no-release-info",
        "--format",
        "$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
        "Created-By: Packages",
    ]
    try:
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError as error:
        raise Failure("apt-get is not installed; the virtual machine needs a Debian host") from error
    sources = parse_sources(text, release())
    if not any(source.suite == release() for source in sources):
        raise Failure(
            f"apt on this machine has no source of {release()}; add one, the mirror's address is taken from there"
        )
    return sources


def other_suites(suites: list[str]) -> list[Source]:
    """The same mirror's sources of other suites, such as sid."""
    mirror = next(source for source in machine_sources() if source.suite == release())
    return [Source(mirror.uri, suite) for suite in suites]


class Apt:
    """An apt with a state folder of its own and these sources alone."""

    def __init__(self, state: Path, sources: list[Source]):
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        (state / "sources.list").write_text("".join(source.line() + "\n" for source in sources), encoding="utf-8")
        self.options = []
        for key, value in {
            "Dir::Etc::sourcelist": state / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": state,
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
            "Acquire::Languages": "none",
            # A mirror that lags behind still has the kernels, and the signatures are checked all the same.
            "Acquire::Check-Valid-Until": "false",
            # As root apt would fetch as the user _apt, who cannot enter a private cache folder.
            "APT::Sandbox::User": "root",
        }.items():
            self.options += ["-o", f"{key}={value}"]

    def call(self, *arguments: str, cwd: Path | None = None) -> str:
        """Runs apt-get or apt-cache with our options; its last complaint becomes the Failure."""
        command = [arguments[0], *self.options, *arguments[1:]]
        environment = dict(os.environ, LC_ALL="C")
        result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            complaints = [line for line in result.stderr.splitlines() if line.startswith("E:")] or ["no reason given"]
            raise Failure(f"{arguments[0]} {arguments[1]} failed: {complaints[0].removeprefix('E:').strip()}")
        return result.stdout

    def update(self) -> str:
        """Brings the lists up to date; what went wrong, for who then misses something: other suites may still do."""
        try:
            self.call("apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any")
        except Failure as failure:
            return str(failure)
        return ""

    def names(self, prefix: str) -> list[str]:
        return self.call("apt-cache", "pkgnames", prefix).split()

    def download(self, package: str, folder: Path) -> Path:
        """Fetches one package's .deb into a folder."""
        self.call("apt-get", "download", "-q", package, cwd=folder)
        found = sorted(folder.glob(f"{package}_*.deb"))
        if not found:
            raise Failure(f"apt-get download {package} left no .deb in {folder}")
        return found[0]


def shared_apt(name: str, sources: list[Source]) -> Apt:
    """An Apt whose lists are kept in the cache folder."""
    return Apt(cache.root() / "apt" / name, sources)


def unpack(package: Path, folder: Path) -> None:
    """dpkg-deb -x."""
    result = subprocess.run(["dpkg-deb", "-x", package, folder], capture_output=True, text=True, check=False)
    if result.returncode:
        raise Failure(f"cannot unpack {package.name}: {result.stderr.strip()}; remove it and try again")
