# SPDX-License-Identifier: GPL-2.0-only
"""One guest from power-on to power-off: QEMU, the ports to guest/init, the deadline, the console.

Software emulation, because these kernels have to boot on machines that lend no KVM. The guest never outlives this
process, whichever way that ends.
"""

import collections
import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Callable

import cache
import topology
import tsc
from crash import Crash
from failure import Failure

QEMU = "qemu-system-x86_64"
# The order matters to guest/init: `status` is the last.
PORTS = ("in", "output", "out", "status")
KERNEL_ARGUMENTS = (
    "root=/dev/nvme0n1 rootfstype=ext4 rw init=/opt/vm/init console=ttyS0 "
    # A broken kernel ends the guest at once instead of limping on to the deadline.
    "panic=-1 oops=panic "
    # Every clock is read from the emulated HPET otherwise, under the one lock that all virtual CPUs share: guests get
    # several times slower, and now and then none of their clocks goes on.
    "tsc=reliable clocksource=tsc "
    # There is no secret in the guest, and under emulation the mitigations cost a sixth of the speed.
    "mitigations=off"
)
# What passes for an instruction where the guest's clock counts those. All virtual CPUs together carry out one each of
# these, as one thread does it in turns.
INSTRUCTION_SHIFT = 0
# QEMU's counter then counts nanoseconds.
INSTRUCTION_TSC_KHZ = 1_000_000
# Debian's cloud kernels; with more of them a second, delays are longer than asked for, and no harm is done.
JIFFIES_HZ = 250
CONSOLE_TAIL_LINES = 25
# After `end` the guest has this long to power itself off.
POWER_OFF_S = 20


@dataclass(frozen=True)
class Shape:
    """The machine to emulate."""

    vmlinuz: Path
    image: Path
    topology: topology.Topology
    memory_mb: int
    clock: str = "host"


@dataclass
class Outcome:
    """What the guest said, and what its console showed."""

    exit_code: int | None = None
    put_code: int | None = None
    get_code: int | None = None
    missing: list[str] = field(default_factory=list)
    ended: bool = False
    crash: Crash = field(default_factory=Crash)
    timed_out: bool = False
    console_tail: collections.deque = field(default_factory=lambda: collections.deque(maxlen=CONSOLE_TAIL_LINES))

    def hear(self, line: str) -> None:
        """Takes one line of the status port (guest/init lists them)."""
        word, _, rest = line.partition(" ")
        if word == "exit":
            self.exit_code = int(rest)
        elif word == "put":
            self.put_code = int(rest)
        elif word == "get":
            self.get_code = int(rest)
        elif word == "missing":
            self.missing.append(rest)
        elif word == "end":
            self.ended = True


class Stopped(Exception):
    """A signal asked this process to end."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def kernel_arguments(clock: str) -> str:
    """The kernel's command line, which says how fast its clock goes (see tsc.py): so long its delay loops take."""
    khz = INSTRUCTION_TSC_KHZ if clock == "instructions" else tsc.khz()
    return KERNEL_ARGUMENTS if khz is None else f"{KERNEL_ARGUMENTS} tsc_early_khz={khz} lpj={khz * 1000 // JIFFIES_HZ}"


def accelerator(clock: str) -> list[str]:
    """A thread for each virtual CPU; or one for all, where time is what they carried out and nothing that the host does
    can change it.
    """
    if clock == "instructions":
        return ["-accel", "tcg,thread=single,tb-size=512", "-icount", f"shift={INSTRUCTION_SHIFT}", "-rtc", "clock=vm"]
    return ["-accel", "tcg,thread=multi,tb-size=512"]


def qemu_command(shape: Shape, port_fds: dict[str, int], console_fd: int) -> list[str]:
    """The whole command line."""
    command = [
        QEMU, *accelerator(shape.clock), "-cpu", "max", "-machine", "q35",
        "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot",
        "-kernel", str(shape.vmlinuz), "-append", kernel_arguments(shape.clock),
        "-drive", f"file={shape.image},if=none,id=disk,format=raw,snapshot=on",
        "-device", "nvme,drive=disk,serial=disk",
        "-chardev", f"socket,id=console,fd={console_fd}", "-serial", "chardev:console",
        "-device", "virtio-serial-pci",
    ]  # fmt: skip
    command += topology.qemu_arguments(shape.topology, shape.memory_mb)
    for name in PORTS:
        command += [
            "-chardev",
            f"socket,id={name},fd={port_fds[name]}",
            "-device",
            f"virtserialport,chardev={name},name={name}",
        ]
    return command


def die_with_parent() -> None:
    """Runs in the child: QEMU ends when this process does, even by SIGKILL."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Guest:
    """A running guest; `with` makes sure that it is gone afterwards."""

    def __init__(self, shape: Shape):
        pairs = {name: socket.socketpair() for name in (*PORTS, "console")}
        self.ports = {name: ours for name, (ours, _) in pairs.items()}
        fds = {name: theirs.fileno() for name, (_, theirs) in pairs.items()}
        self.command = qemu_command(shape, fds, fds["console"])
        self.errors = tempfile.TemporaryFile()
        self.send_error = ""
        try:
            self.process = subprocess.Popen(
                self.command,
                pass_fds=list(fds.values()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                start_new_session=True,
                preexec_fn=die_with_parent,
                # The snapshot's file: beside the image, because /tmp may be memory.
                env=dict(os.environ, TMPDIR=str(cache.root())),
            )
        except FileNotFoundError as error:
            raise Failure(f"{QEMU} is not installed; run scripts/setup vm") from error
        for _, theirs in pairs.values():
            theirs.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for port in self.ports.values():
            port.close()

    def complaint(self) -> str:
        """The last line that QEMU wrote to its standard error, once it has ended."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def send(self, write: Callable[[BinaryIO], None]) -> None:
        """Feeds the `in` port from a thread, since the guest takes it at its own pace."""

        def feed():
            try:
                with self.ports["in"].makefile("wb") as stream:
                    write(stream)
            except ConnectionError:
                # The guest ended before it took everything; its status and console say why.
                pass
            except OSError as error:
                self.send_error = f"{error.filename}: {error.strerror}" if error.filename else str(error)
                # The guest's tar sees its end too early and gives up, instead of waiting for the rest.
                self.ports["in"].shutdown(socket.SHUT_WR)

        threading.Thread(target=feed, daemon=True).start()

    def watch(self, deadline: float, output: BinaryIO, console: list[BinaryIO]) -> Outcome:
        """Passes output and console on until the guest has ended or the deadline is over."""
        outcome = Outcome()
        lines = {
            "status": Lines(lambda line: outcome.hear(line.decode(errors="replace"))),
            "console": Lines(lambda line: see_console(outcome, line)),
        }
        with selectors.DefaultSelector() as selector:
            for name in ("output", "status", "console"):
                selector.register(self.ports[name], selectors.EVENT_READ, name)
            while selector.get_map():
                if outcome.ended:
                    deadline = min(deadline, time.monotonic() + POWER_OFF_S)
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    outcome.timed_out = not outcome.ended
                    break
                for key, _ in ready:
                    data = receive(key.fileobj)
                    if not data:
                        selector.unregister(key.fileobj)
                    for sink in {"output": [output], "console": console}.get(key.data, []):
                        sink.write(data)
                        sink.flush()
                    if key.data in lines:
                        lines[key.data].feed(data)
        return outcome


def receive(port: socket.socket) -> bytes:
    """What a port has to say now; nothing once QEMU is gone."""
    try:
        return port.recv(1 << 16)
    except ConnectionError:
        return b""


class Lines:
    """Cuts a stream into lines and hands each one on."""

    def __init__(self, take: Callable[[bytes], None]):
        self.take = take
        self.rest = b""

    def feed(self, data: bytes) -> None:
        *whole, self.rest = (self.rest + data).split(b"\n")
        for line in whole:
            self.take(line.rstrip(b"\r"))


def see_console(outcome: Outcome, line: bytes) -> None:
    """Takes one line of the console."""
    text = line.decode(errors="replace")
    outcome.console_tail.append(text)
    outcome.crash.hear(text)


@contextlib.contextmanager
def signals_stop():
    """INT, TERM and HUP unwind the stack, so that the guest is ended and no half-made file or folder stays."""

    def stop(number, _frame):
        raise Stopped(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
