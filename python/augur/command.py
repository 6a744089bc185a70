# SPDX-License-Identifier: GPL-2.0-only
"""What the programs share: one sentence for each error, checked numbers, the virtual environment, what was built."""

import argparse
import importlib.util
import math
import os
import shutil
import sys


def checkout():
    """The checkout that this package lies in, or None where it was installed from one."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return root if os.path.exists(os.path.join(root, "scripts", "setup")) else None


ROOT = checkout()
# What puts the packages of an extra into the checkout's virtual environment.
SETUP = {"train": "scripts/setup python .venv", "sweep": "scripts/setup sweep .venv"}
INTERRUPTED = 130
# Set for a program that was started again in the virtual environment.
ENTERED = "SCX_AUGUR_VENV_ENTERED"


class Refusal(Exception):
    """Something that the user has to change; its text is the one sentence to read."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the list of all options."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n")


def reason(err):
    """What the system says of an error, without its number and its file."""
    return (getattr(err, "strerror", None) or str(err) or type(err).__name__).strip().split("\n")[0]


def run(name, work):
    """Runs `work` and gives the exit code; what the user has to know is one sentence on standard error."""
    try:
        return work() or 0
    except Refusal as refusal:
        said = str(refusal)
    except KeyboardInterrupt:
        print(f"{name}: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except ImportError as err:
        said = f"cannot load a Python package ({reason(err)}); {remedy('train')}"
    except MemoryError:
        said = "there is not enough memory for this; give less at once"
    except OSError as err:
        where = f" {err.filename}" if err.filename else ""
        said = f"cannot read or write{where}: {reason(err)}"
    print(f"{name}: {said}", file=sys.stderr)
    return 1


def interrupt(_signal, _frame):
    """A signal handler: the signal acts like Ctrl-C."""
    raise KeyboardInterrupt


def remedy(extra):
    """What to do where a package of this extra is missing."""
    if ROOT is None:
        return f"install scx-augur with its extra `{extra}`"
    return f"run `{SETUP[extra]}` in {ROOT}"


def use_environment(packages, extra):
    """Goes on in the checkout's `.venv` where this Python lacks one of the packages, which are some of an extra.

    Raises a Refusal where there is no such environment, or where it lacks them, too.
    """
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if not missing:
        return
    # Once only: an environment that lacks a package, too, would start itself for ever.
    if ENTERED not in os.environ and is_of_checkout(sys.argv[0]):
        python = os.path.join(ROOT, ".venv", "bin", "python")
        if os.access(python, os.X_OK):
            sys.stdout.flush()
            os.execve(python, [python, *sys.argv], os.environ | {ENTERED: "1"})
    raise Refusal(f"there is no Python package {missing[0]} here; {remedy(extra)}")


def is_of_checkout(program):
    """Whether a program finds this package under any Python: those of the checkout do, pip's do not."""
    return ROOT is not None and os.path.realpath(program).startswith(
        os.path.join(os.path.realpath(ROOT), "scripts", "")
    )


def built_program():
    """Where scx_augur is: in this checkout, else in PATH; where it would be built if it is in neither."""
    built = os.path.join(ROOT or "", "target", "release", "scx_augur")
    return built if ROOT and os.path.exists(built) else shutil.which("scx_augur") or built


def whole(least, most=None):
    """An argparse type: a whole number from `least` to `most`."""

    def number(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least or (most is not None and value > most):
            limits = f"from {least} on" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {limits}")
        return value

    return number


def real(least, most=math.inf, open_end=False):
    """An argparse type: a number from `least` to `most`; with `open_end` neither of the two itself."""

    def number(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        inside = least < value < most if open_end else least <= value <= most
        if not (math.isfinite(value) and inside):
            above = "above" if open_end else "from"
            limits = (
                f"{above} {least:g}"
                if math.isinf(most)
                else f"{above} {least:g} {'and below' if open_end else 'to'} {most:g}"
            )
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {limits}")
        return value

    return number
