# SPDX-License-Identifier: GPL-2.0-only
"""Wrong use and missing rights: one clear sentence, the right exit code, nothing left behind."""

import os
import subprocess
import time
from pathlib import Path

import kernel
from case import Options, case, check
from scheduler import BINARY, MODELS, Scheduler

UNPRIVILEGED = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
# An error that needs the verifier first takes as long as attaching.
LIMIT_S = 120.0


def ask(*command: str | Path, limit_s: float = LIMIT_S) -> tuple[int, list[str]]:
    """Exit code, and the lines on standard error that are no log lines."""
    environment = {**os.environ, "NO_COLOR": "1", "RUST_LOG": "error"}
    result = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=limit_s, env=environment, check=False
    )
    # `EXIT:` is how every sched_ext scheduler says that the kernel let it go.
    lines = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith("EXIT: ")]
    return result.returncode, lines


def check_sentence(what: str, code: int, lines: list[str], *words: str) -> str:
    """Exit code 1, one line, and in it each of these words."""
    check(code == 1, f"exit code 1 for {what}", f"{code}: {lines[-3:]}")
    check(len(lines) == 1, f"one sentence for {what}", f"{len(lines)} lines: {lines[:6]}")
    missing = [word for word in words if word.lower() not in lines[0].lower()]
    check(not missing, f"{missing} in the sentence for {what}", f"'{lines[0]}'")
    return f"'{lines[0]}'"


def leftovers() -> list[str]:
    """What a scheduler could leave behind: pins, its socket, programs, maps."""
    pins = [str(path) for path in Path("/sys/fs/bpf").rglob("*") if not path.name.endswith(".debug")]
    programs = subprocess.run(["bpftool", "prog", "show"], capture_output=True, text=True, check=True).stdout
    return pins + [line.strip() for line in programs.splitlines() if "struct_ops" in line]


@case(every_kernel=True)
def second_instance(options: Options) -> str:
    """A second scheduler beside the first: one sentence, exit code 1, and the first goes on."""
    with Scheduler("--model", "off") as scheduler:
        seq = kernel.enable_seq()
        code, lines = ask(BINARY, "run", "--model", "off")
        sentence = check_sentence("a second instance", code, lines, "scheduler")
        check(
            kernel.state() == "enabled" and kernel.enable_seq() == seq, "the first one still attached", kernel.state()
        )
        # The statistics socket, too, still belongs to the first.
        rounds = scheduler.stats()["rounds"]
        scheduler.await_stats(lambda stats: stats["rounds"] > rounds, "more rounds of the first", 30)
    return sentence


@case()
def unprivileged(options: Options) -> str:
    """Without rights: one sentence that says what to do, exit code 1."""
    code, lines = ask(*UNPRIVILEGED, BINARY, "run", "--model", "off")
    sentence = check_sentence("an unprivileged user", code, lines)
    remedies = ("as root", "sudo", "CAP_BPF", "CAP_SYS_ADMIN")
    check(any(word in sentence for word in remedies), f"one of {remedies} in the sentence", sentence)
    check(kernel.state() == "disabled", "no scheduler", kernel.state())
    return sentence


@case()
def wrong_use(options: Options) -> str:
    """Unknown options and values that make no sense: exit code 2 before anything is touched."""
    seq = kernel.enable_seq()
    wrong = (
        ("--no-such-option",),
        ("--interval-ms", "0"),
        ("--interval-ms", "x"),
        ("--policy", "nobody"),
        ("--policy", "augur[high=7]"),
        ("--shadow", "--explore", "1"),
        ("--duration", "-1"),
        ("--max-domain-cpus", "0"),
        ("extra",),
    )
    for arguments in wrong:
        code, lines = ask(BINARY, "run", "--model", "off", *arguments)
        check(code == 2, f"exit code 2 for {' '.join(arguments)}", f"{code}: {lines[-2:]}")
        check(bool(lines), f"a sentence for {' '.join(arguments)}", "silence")
    check(kernel.enable_seq() == seq, "no scheduler attached", f"{kernel.enable_seq() - seq}")
    return f"{len(wrong)} wrong command lines, exit code 2 each"


@case()
def bad_paths(options: Options) -> str:
    """A decision log that cannot be written: one sentence, exit code 1, nothing left of it."""
    missing, folder = Path("/tmp/no/such/folder/log.csv"), Path("/tmp/a-folder")
    folder.mkdir(exist_ok=True)
    code, lines = ask(BINARY, "run", "--model", "off", "--log-decisions", missing)
    sentence = check_sentence("a log in a missing folder", code, lines, "/tmp/no/such/folder")
    check(not Path("/tmp/no").exists(), "nothing made on the way to a missing folder", "/tmp/no")
    seq = kernel.enable_seq()
    code, lines = ask(BINARY, "run", "--model", "off", "--duration", "1", "--log-decisions", folder)
    check_sentence("a log that is a folder", code, lines, str(folder))
    # Hours of recording would be lost otherwise.
    check(
        kernel.enable_seq() == seq, "a refusal before it attaches, for a log that is a folder", "one after it had run"
    )
    check(not list(folder.iterdir()), "nothing in the folder", str(list(folder.iterdir())))
    check(kernel.state() == "disabled", "no scheduler", kernel.state())
    return sentence


@case()
def nothing_left(options: Options) -> str:
    """After Ctrl-C, and after SIGKILL: no pins, no programs, no half-written log."""
    before = leftovers()
    folder = Path("/tmp/logs")
    folder.mkdir(exist_ok=True)
    with Scheduler("--model", "off", "--log-decisions", folder / "decisions.csv"):
        time.sleep(1)
    files = [path.name for path in folder.iterdir()]
    check(files == ["decisions.csv"], "the whole log and nothing else", str(files))
    check(leftovers() == before, "no pins and no programs", str(leftovers()))
    return (
        f"one whole log ({(folder / 'decisions.csv').stat().st_size} bytes), {len(before)} pins and programs before "
        "and after"
    )


@case()
def unreadable_model(options: Options) -> str:
    """A model that may not be read: the heuristic decides, and one log line says why."""
    directory = Path("/tmp/unreadable")
    subprocess.run(["cp", "-r", str(MODELS / "stay"), str(directory)], check=True)
    (directory / "manifest.json").unlink()
    # Root may read everything but a link to itself.
    (directory / "manifest.json").symlink_to("manifest.json")
    with Scheduler("--model", directory) as scheduler:
        stats = scheduler.await_stats(lambda stats: stats["model_events"].get("refused_missing"), "a refused model", 60)
        check(stats["fallback_rounds"] > 0, "rounds by the heuristic", "none")
    lines = [line for line in scheduler.log().splitlines() if "manifest.json" in line]
    check(len(lines) == 1, "one log line", f"{len(lines)}: {lines}")
    return f"'{lines[0].split('  ')[-1]}'"
