# SPDX-License-Identifier: GPL-2.0-only
"""A task that the kernel may not migrate: it runs a BPF program over and over, which forbids migration meanwhile.

There is no other way to ask for that from user space. The program is two instructions; it is loaded by hand because the
guest has no compiler for BPF.
"""

import ctypes
import os
import struct

SYS_BPF = 321  # x86-64
BPF_PROG_LOAD, BPF_PROG_TEST_RUN = 5, 10
SOCKET_FILTER = 1
# r0 = 0; exit
PROGRAM = bytes.fromhex("b7000000000000009500000000000000")
PACKET = bytes(64)
ATTRIBUTE_BYTES = 144


def call(command: int, attribute: bytes) -> tuple[int, bytes]:
    """bpf(2)."""
    buffer = ctypes.create_string_buffer(attribute.ljust(ATTRIBUTE_BYTES, b"\0"), ATTRIBUTE_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    code = libc.syscall(SYS_BPF, command, buffer, ATTRIBUTE_BYTES)
    if code < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"bpf({command}): {os.strerror(error)}")
    return code, buffer.raw


def load() -> int:
    """Loads the program; its file descriptor."""
    instructions, licence = ctypes.create_string_buffer(PROGRAM, len(PROGRAM)), ctypes.create_string_buffer(b"GPL")
    attribute = struct.pack(
        "=IIQQ", SOCKET_FILTER, len(PROGRAM) // 8, ctypes.addressof(instructions), ctypes.addressof(licence)
    )
    return call(BPF_PROG_LOAD, attribute)[0]


def run(program: int, times: int) -> None:
    """Runs it so often, in one system call."""
    packet = ctypes.create_string_buffer(PACKET, len(PACKET))
    attribute = struct.pack("=IIIIQQII", program, 0, len(PACKET), 0, ctypes.addressof(packet), 0, times, 0)
    call(BPF_PROG_TEST_RUN, attribute)
