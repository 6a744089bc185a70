# SPDX-License-Identifier: GPL-2.0-only
"""`vm run`: one command in one guest, and its exit code."""

import contextlib
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

import files
import image
import kernel
import machine
import topology
from failure import EmulatorFault, Failure

TIMEOUT_EXIT_CODE = 124


@dataclass(frozen=True)
class Order:
    """What the user asked for."""

    kernel: str
    topology: topology.Topology
    memory_mb: int
    clock: str
    puts: list[files.Put]
    gets: list[files.Get]
    timeout_s: float
    console: Path | None
    verbose: bool
    command: list[str]


def run(order: Order) -> int:
    """Boots, runs, brings back; the command's exit code, or Failure."""
    chosen = kernel.find(order.kernel)
    shape = machine.Shape(chosen.vmlinuz, image.find(), order.topology, order.memory_mb, order.clock)
    texts = {
        # Without it every program that reads a kconfig extern fails to load.
        f"boot/config-{chosen.name}": chosen.config.read_bytes(),
        "run/vm/argv": terminated(order.command),
        "run/vm/get": terminated([str(get.guest) for get in order.gets]),
    }
    with contextlib.ExitStack() as stack:
        consoles = open_consoles(order, stack)
        with machine.Guest(shape) as guest:
            if order.verbose:
                print(f"vm: {shlex.join(guest.command)}", file=sys.stderr)
            receiver = stack.enter_context(files.Receiver(order.gets, guest.ports["out"]))
            guest.send(lambda stream: files.write_tar(stream, order.puts, texts))
            outcome = guest.watch(time.monotonic() + order.timeout_s, sys.stdout.buffer, consoles)
        # Only now, with QEMU gone, has every port come to its end.
        return judge(order, outcome, guest, receiver)


def judge(order: Order, outcome: machine.Outcome, guest: machine.Guest, receiver: files.Receiver) -> int:
    """The exit code of the whole run, from what the guest and its console said."""
    if outcome.crash.stale_breakpoint:
        raise EmulatorFault(
            with_lines(
                "QEMU carried out a breakpoint that the guest's memory does not hold (see vm/crash.py); run it again",
                outcome.crash.lines,
            )
        )
    if outcome.crash.lines:
        raise Failure(with_lines(f"the guest's kernel crashed: {outcome.crash.reason}", outcome.crash.lines))
    if outcome.timed_out:
        print(f"vm: timed out after {order.timeout_s:g} s; the guest was ended", file=sys.stderr)
        return TIMEOUT_EXIT_CODE
    if guest.send_error:
        raise Failure(f"cannot put all files into the guest: {guest.send_error}")
    if outcome.put_code:
        raise Failure(
            f"the guest could not unpack the files put into it (tar exit {outcome.put_code}); is its disk or memory "
            "full?"
        )
    if not outcome.ended:
        raise Failure(guest.complaint() or with_lines("the guest ended before the command did", outcome.console_tail))
    if outcome.get_code:
        raise Failure(f"the guest could not send the files to bring back (tar exit {outcome.get_code})")
    try:
        receiver.deliver(outcome.missing)
    except Failure as failure:
        # The command's own failure explains a missing file, so that its code is the one to pass on.
        if not outcome.exit_code:
            raise
        print(f"vm: {failure}", file=sys.stderr)
    return outcome.exit_code


def with_lines(text: str, console: Iterable[str]) -> str:
    """A sentence, and the console's lines that say more."""
    return "\n".join([f"{text}; from the console:", *(f"    {line}" for line in console)])


def terminated(words: list[str]) -> bytes:
    return b"".join(word.encode(errors="surrogateescape") + b"\0" for word in words)


def open_consoles(order: Order, stack: contextlib.ExitStack) -> list:
    """Where the console goes besides the panic detector."""
    consoles = [sys.stderr.buffer] if order.verbose else []
    if order.console:
        try:
            consoles.append(stack.enter_context(open(order.console, "wb")))
        except OSError as error:
            raise Failure(f"cannot write {order.console}: {error.strerror}") from error
    return consoles
