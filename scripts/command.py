# SPDX-License-Identifier: GPL-2.0-only
"""What the Python programs of this folder have in common: one sentence for each error, checked numbers, the virtual environment."""

import argparse
import importlib.util
import math
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
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
        said = f"cannot load a Python package ({reason(err)}); run `scripts/setup python .venv` in {ROOT}"
    except MemoryError:
        said = "there is not enough memory for this; give less at once"
    except OSError as err:
        where = f" {err.filename}" if err.filename else ""
        said = f"cannot read or write{where}: {reason(err)}"
    print(f"{name}: {said}", file=sys.stderr)
    return 1


def use_environment(packages):
    """Goes on in the checkout's `.venv` where this Python lacks one of the packages.

    Raises a Refusal where there is no such environment, or where it lacks them, too.
    """
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if not missing:
        return
    environment = os.path.join(ROOT, ".venv")
    python = os.path.join(environment, "bin", "python")
    # Once only: an environment that lacks a package, too, would start itself for ever.
    if os.access(python, os.X_OK) and ENTERED not in os.environ:
        sys.stdout.flush()
        os.execve(python, [python, *sys.argv], os.environ | {ENTERED: "1"})
    raise Refusal(f"there is no Python package {missing[0]} here; run `scripts/setup python .venv` in {ROOT}")


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
            limits = f"{above} {least:g}" if math.isinf(most) else f"{above} {least:g} {'and below' if open_end else 'to'} {most:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {limits}")
        return value

    return number
