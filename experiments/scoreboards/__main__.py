"""``python -m experiments.scoreboards robustness | optima | kg``. Options are parsed before jax is imported."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import tyro
from rich.console import Console
from rich.markup import escape

from experiments.scoreboards.knowledge_options import KG
from experiments.scoreboards.options import Optima, Robustness

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one scoreboard; returns the exit status (0 well, 2 bad input, 130 interrupted)."""
    commands: dict[str, Callable[..., Robustness | Optima | KG]] = {
        "robustness": Robustness, "optima": Optima, "kg": KG,
    }  # fmt: skip
    options = tyro.extras.subcommand_cli_from_dict(commands, args=argv, prog="python -m experiments.scoreboards")
    console = Console()
    try:
        name = type(options).__name__.lower()
        options.check()
        status: int = import_module(f"experiments.scoreboards.{name}").run(options, console)  # imports jax
        return status
    except KeyboardInterrupt:
        console.print(f"interrupted. Finished cells are in {options.json or 'no file: give --json to keep them'}.")
        return 130
    except (ValueError, OSError) as error:
        if sys.flags.dev_mode:
            raise
        Console(stderr=True, highlight=False).print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
