# SPDX-License-Identifier: GPL-2.0-only
"""Files on their way into the guest and back: what the user wrote, the tar that goes in, the tar that comes out."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from failure import Failure, Misuse

HOME = PurePosixPath("/root")


@dataclass(frozen=True)
class Put:
    """A file or folder of the host and its name in the guest."""

    host: Path
    guest: PurePosixPath


@dataclass(frozen=True)
class Get:
    """A file or folder of the guest and the host folder that it goes into."""

    guest: PurePosixPath
    folder: Path


def parse_put(text: str) -> Put:
    """HOSTPATH[:GUESTPATH]; without GUESTPATH it lands in /root, where the command runs."""
    host_text, _, guest_text = text.partition(":")
    host = Path(host_text)
    if not host.exists():
        raise Misuse(f"--put {text}: there is no {host_text or 'file without a name'}")
    name = host.resolve().name
    guest = HOME / (guest_text or name)
    return Put(host, guest / name if guest_text.endswith("/") else guest)


def parse_get(text: str) -> Get:
    """GUESTPATH:HOSTDIR; a relative GUESTPATH is one of /root."""
    guest_text, colon, folder_text = text.rpartition(":")
    if not colon or not guest_text or not folder_text:
        raise Misuse(f"--get {text} is not of the form GUESTPATH:HOSTDIR")
    guest = HOME / guest_text
    if ".." in guest.parts or not guest.name:
        raise Misuse(f"--get {text}: the guest's path must name a file or a folder, without '..'")
    folder = Path(folder_text)
    if folder.exists() and not folder.is_dir():
        raise Misuse(f"--get {text}: {folder} is not a folder")
    return Get(guest, folder)


def write_tar(stream: BinaryIO, puts: list[Put], texts: dict[str, bytes]) -> None:
    """The tar that guest/init unpacks at its root: files and folders, and small files made here."""

    def as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        return member

    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for name, data in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for put in puts:
            # What is put is what the name means, so a link named on the command line is followed.
            tar.add(put.host.resolve(), arcname=str(put.guest).lstrip("/"), filter=as_root)


class Receiver:
    """Unpacks the tar of the `out` port aside, and moves what was asked for into place once all of it is there."""

    def __init__(self, gets: list[Get], port):
        self.gets = gets
        self.aside = (
            Path(tempfile.mkdtemp(prefix="vm-get-", dir=os.environ.get("TMPDIR", "/var/tmp"))) if gets else None
        )
        self.tar = None
        if gets:
            command = ["tar", "-x", "--no-same-owner", "-C", self.aside, "-f", "-"]
            self.tar = subprocess.Popen(command, stdin=port, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.tar:
            self.tar.kill()
            self.tar.wait()
            self.tar.stderr.close()
            shutil.rmtree(self.aside, ignore_errors=True)

    def deliver(self, missing: list[str]) -> None:
        """Each path whole in its folder or not there at all; Failure names the first that is not."""
        if not self.tar:
            return
        complaints = self.tar.stderr.read().strip().splitlines()
        if self.tar.wait() and len(missing) < len(self.gets):
            raise Failure(f"the files from the guest did not arrive whole: {(complaints or ['tar failed'])[-1]}")
        for get in self.gets:
            if str(get.guest) not in missing:
                place(self.aside / str(get.guest).lstrip("/"), get.folder)
        if missing:
            raise Failure(f"the guest has no {', '.join(missing)} to bring back")


def place(source: Path, folder: Path) -> None:
    """Copies beside the target, then renames: a reader never sees half a file."""
    target = folder / source.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
        try:
            copy = partial / source.name
            if source.is_dir():
                shutil.copytree(source, copy, symlinks=True)
            else:
                shutil.copy2(source, copy, follow_symlinks=False)
            if target.is_dir() and not target.is_symlink():
                os.rename(target, partial / "old")
            os.rename(copy, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise Failure(f"cannot write {target}: {error.strerror}") from error
