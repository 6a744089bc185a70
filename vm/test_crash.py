# SPDX-License-Identifier: GPL-2.0-only
"""Crashes, as the console shows them."""

import unittest

from crash import Crash

# What a guest of QEMU 10.0.2 with Linux 6.18.15 left, shortened; its first line was not kept and is as
# arch/x86/kernel/dumpstack.c prints it. The call before the marked byte is sched_clock_cpu's, what is marked the second
# byte of a five-byte nop: the place of scx_enabled's static key. Its first byte is 0f, not the breakpoint that was
# carried out.
STALE = """
[   40.641000] Oops: int3: 0000 [#1] SMP
[   40.641777] RIP: 0010:update_rq_clock+0x3a/0x160
[   40.641794] Code: 00 89 83 40 0c 00 00 e8 d7 5a 04 00 0f <1f> 44 00 00 48 89 c5 48 2b ab 48 0c 00 00 78
[   40.642027] Kernel panic - not syncing: Fatal exception in interrupt
""".strip().splitlines()


def heard(*lines: str) -> Crash:
    crash = Crash()
    for line in lines:
        crash.hear(line)
    return crash


class Reason(unittest.TestCase):
    def check(self, line: str, crashed: bool):
        self.assertEqual(bool(heard(line).reason), crashed, line)

    def test_crashes_are_told_from_noise(self):
        self.check("[    6.6] Kernel panic - not syncing: sysrq triggered crash", True)
        self.check("[    6.6] Oops: general protection fault, probably for non-canonical address: 0000 [#1]", True)
        self.check("[    6.6] BUG: unable to handle page fault for address: ffff888", True)
        self.check("[    6.6] kernel BUG at mm/slub.c:123!", True)
        self.check("[    6.6] traps: victim[123] general protection fault ip:55 sp:7f error:0", False)
        self.check("[    6.6] sched_ext: BPF scheduler enabled", False)
        self.check("[    6.6] WARNING: CPU: 0 PID: 1 at kernel/sched/ext.c:1", False)

    def test_the_reason_is_the_first_line_of_a_crash_and_what_follows_is_kept(self):
        crash = heard("fine", "Oops: 0002 [#1]", "RIP: 0010:do_idle", "Kernel panic - not syncing: Fatal exception")
        self.assertEqual(crash.reason, "Oops: 0002 [#1]")
        self.assertEqual(len(crash.lines), 3)


class StaleBreakpoint(unittest.TestCase):
    def test_a_breakpoint_that_memory_does_not_hold_is_the_emulators(self):
        self.assertTrue(heard(*STALE).stale_breakpoint)

    def test_a_breakpoint_in_memory_is_the_kernels(self):
        self.assertFalse(heard(*(line.replace("0f <1f>", "cc <1f>") for line in STALE)).stale_breakpoint)

    def test_other_crashes_and_silence_are_the_kernels(self):
        self.assertFalse(heard(*(line.replace("int3: 0000", "0002") for line in STALE)).stale_breakpoint)
        self.assertFalse(heard(STALE[0], STALE[1], STALE[3]).stale_breakpoint)
        self.assertFalse(heard("fine").stale_breakpoint)


if __name__ == "__main__":
    unittest.main()
