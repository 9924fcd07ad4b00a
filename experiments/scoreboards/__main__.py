"""``python -m experiments.scoreboards robustness | maxcut | … | optima``. Options are parsed before jax is imported."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import tyro
from rich.console import Console
from rich.markup import escape

from experiments.scoreboards.boards import Depolarization, Dismantle, Influence, MaxCut
from experiments.scoreboards.knowledge_options import KG, Countries, Inductive
from experiments.scoreboards.options import Optima, Robustness
from experiments.scoreboards.refinement_options import KGRefine
from experiments.scoreboards.repair_options import KGRepair

__all__ = ["BOARDS", "main"]

BOARDS: dict[str, Any] = {
    "robustness": Robustness, "maxcut": MaxCut, "dismantling": Dismantle, "depolarization": Depolarization,
    "influence": Influence, "kg": KG, "countries": Countries, "inductive": Inductive, "kg-refinement": KGRefine,
    "kg-repair": KGRepair, "optima": Optima,
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one scoreboard; returns the exit status (0 well, 2 bad input, 130 interrupted)."""
    options: Any = tyro.extras.subcommand_cli_from_dict(BOARDS, args=argv, prog="python -m experiments.scoreboards")
    console = Console()
    try:
        name = next(name for name, kind in BOARDS.items() if isinstance(options, kind))
        options.check()
        module = import_module(f"experiments.scoreboards.{name.replace('-', '_')}")  # imports jax
        status: int = module.run(options, console)
        return status
    except KeyboardInterrupt:
        console.print(f"interrupted. Finished rows are in {options.json or 'no file: give --json to keep them'}.")
        return 130
    except (ValueError, OSError) as error:
        if sys.flags.dev_mode:
            raise
        Console(stderr=True, highlight=False).print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        return 2


if __name__ == "__main__":
    sys.exit(main())
