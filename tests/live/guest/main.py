# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests in the guest, each in a process of its own, and prints one line for each.

    main.py [--quick] [--seconds S] [--where TEXT] NAME...

A test's whole family lives in one control group, so that nothing of it reaches the next test. After each, the kernel
has to be back on its own scheduler, and its log free of errors.
"""

import argparse
import os
import select
import sys
import time
import traceback
from pathlib import Path

import cases
import kernel
from case import CASES, Case, Failed, Options

GROUP = Path("/sys/fs/cgroup/case")
TAIL_LINES = 25


def verdict_of(test: Case, options: Options) -> tuple[bool, str]:
    """Runs the test in a child; whether it passed, and its sentence."""
    read, write = os.pipe()
    GROUP.mkdir(exist_ok=True)
    child = os.fork()
    if child == 0:
        os.close(read)
        (GROUP / "cgroup.procs").write_text(str(os.getpid()))
        os.write(write, perform(test, options).encode())
        os._exit(0)
    os.close(write)
    ready, _, _ = select.select([read], [], [], test.limit_s)
    answer = (
        (os.read(read, 65536).decode() or "FAIL expected a verdict, saw the test's process die")
        if ready
        else f"FAIL expected an end within {test.limit_s:g} s, saw none"
    )
    os.close(read)
    (GROUP / "cgroup.kill").write_text("1")
    os.waitpid(child, 0)
    return answer.startswith("ok "), answer.partition(" ")[2]


def perform(test: Case, options: Options) -> str:
    """`ok SENTENCE` or `FAIL SENTENCE`."""
    try:
        return "ok " + " ".join(test.run(options).split())
    except Failed as failed:
        return "FAIL " + " ".join(str(failed).split())
    except BaseException as error:  # noqa: BLE001  (a test that crashes has failed, and the next one still runs)
        where = " ".join(traceback.format_exc(limit=-2).split())
        return f"FAIL expected no exception, saw {error!r}: {where}"


def aftermath(test: Case, log: kernel.Log) -> str:
    """What is wrong once the test has ended; empty when nothing is."""
    try:
        kernel.await_state("disabled", kernel.DISABLE_S)
    except Failed as failed:
        return str(failed)
    errors = log.errors()
    if errors and not test.errors_expected:
        return f"expected no error in the kernel's log, saw {len(errors)}: {errors[0]}"
    return ""


def details(log: kernel.Log) -> None:
    """What helps to understand a failure, indented."""
    lines = [f"kernel: {line}" for line in log.lines()[-TAIL_LINES:]]
    try:
        folder = Path(Path("/tmp/last-scheduler").read_text())
        lines += [
            f"daemon: {line}" for line in (folder / "stderr").read_text(errors="replace").splitlines()[-TAIL_LINES:]
        ]
    except OSError:
        pass
    for line in lines:
        print(f"    {line}")


def run(test: Case, options: Options, where: str) -> bool:
    """One test, one line."""
    Path("/tmp/last-scheduler").unlink(missing_ok=True)
    log = kernel.Log()
    begin = time.monotonic()
    passed, sentence = verdict_of(test, options)
    wrong = aftermath(test, log)
    if passed and wrong:
        passed, sentence = False, wrong
    took = time.monotonic() - begin
    print(f"{'ok' if passed else 'FAIL'} {test.name}{where}: {sentence} ({took:.0f} s)", flush=True)
    if not passed:
        details(log)
    sys.stdout.flush()
    return passed


def main() -> int:
    """Exit code 0 when all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--where", default="")
    parser.add_argument("names", nargs="+")
    arguments = parser.parse_args()
    cases.load()
    options = Options(arguments.quick, arguments.seconds)
    where = f" [{arguments.where}]" if arguments.where else ""
    return 0 if all([run(CASES[name], options, where) for name in arguments.names]) else 1


if __name__ == "__main__":
    sys.exit(main())
