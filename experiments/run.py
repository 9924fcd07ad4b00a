"""The command line: python -m experiments.run [train | solve | apply | eval | list | doctor]; none named: train."""

import sys
from collections.abc import Sequence
from importlib import import_module

import tyro

from experiments.compiler import compile_quickly, keep_programs
from experiments.configs import Apply, Command, Doctor, Eval, List, Solve, Train

__all__ = ["main"]

# Options are parsed before any of these modules, and with them jax, is imported: help and errors come at once.
_MODULES = {Train: "train", Solve: "solve", Apply: "apply", Eval: "evaluate", List: "listing", Doctor: "doctor"}
_NAMES = ("train", "solve", "apply", "eval", "list", "doctor")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 broken, 2 bad input, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments.insert(0, "train")
    try:
        command = parse(arguments)
        compile_quickly()
        keep_programs()
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


def parse(arguments: Sequence[str]) -> Train | Solve | Apply | Eval | List | Doctor:
    """The command that the arguments spell; exits with status 2 and a message when they don't."""
    if arguments[0] not in (*_NAMES, "-h", "--help"):
        from lepton_rl.registry import near_match  # noqa: PLC0415 - the package is dear to import

        near = near_match(arguments[0], _NAMES)
        raise ValueError(f"unknown command '{arguments[0]}'.{near} Allowed: {', '.join(_NAMES)}.")
    return tyro.cli(Command, args=arguments, prog="python -m experiments.run", description=__doc__)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _plain(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
