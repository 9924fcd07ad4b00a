"""The command line: python -m experiments.run [train | solve | eval | list | doctor]; train when none is named."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points

import tyro

from experiments.configs import Command, Doctor, Eval, List, Solve, Train

__all__ = ["main"]

# Options are parsed before any of these modules, and with them jax, is imported: help and errors come at once.
_MODULES = {Train: "train", Solve: "solve", Eval: "evaluate", List: "listing", Doctor: "doctor"}
_NAMES = ("train", "solve", "eval", "list", "doctor")
# A run of minutes mostly compiles, and on CPU fewer passes compile sooner.
_COMPILER = {"xla_backend_optimization_level": "1", "xla_llvm_disable_expensive_passes": "true"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 broken, 2 bad input, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments.insert(0, "train")
    try:
        command = parse(arguments)
        _compile_quickly()
        module = import_module(f"experiments.{_MODULES[type(command)]}")
        return int(module.run(command))
    except KeyboardInterrupt as stop:
        _say(f"interrupted. {stop}".strip())
        return 130
    except (ValueError, OSError, ImportError) as error:
        if sys.flags.dev_mode:  # python -X dev shows where a message comes from
            raise
        _say(f"error: {_plain(error)}")
        return 2


def parse(arguments: Sequence[str]) -> Train | Solve | Eval | List | Doctor:
    """The command that the arguments spell; exits with status 2 and a message when they don't."""
    if arguments[0] not in (*_NAMES, "-h", "--help"):
        from lepton_rl.registry import near_match  # noqa: PLC0415 - the package is dear to import

        near = near_match(arguments[0], _NAMES)
        raise ValueError(f"unknown command '{arguments[0]}'.{near} Allowed: {', '.join(_NAMES)}.")
    return tyro.cli(Command, args=arguments, prog="python -m experiments.run", description=__doc__)


def _compile_quickly() -> None:
    """Choose the compiler's passes where jax has the CPU only and the user chose none; in vain once jax is at work."""
    if entry_points(group="jax_plugins"):  # an accelerator's code had better be optimised
        return
    given = os.environ.get("XLA_FLAGS", "")
    chosen = [f"--{name}={value}" for name, value in _COMPILER.items() if name not in given]
    os.environ["XLA_FLAGS"] = " ".join([given, *chosen]).strip()


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _plain(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
