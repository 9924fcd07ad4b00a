"""``python -m experiments.benchmarks data | envs | kg | large | propagation …``; jax comes later."""

import json
import platform
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.benchmarks.options import KG, Data, Envs, Generators, Large, Objectives, Propagation, Rules, Training
from lepton_rl.files import atomic_write

__all__ = ["main"]

COMMANDS = {
    "data": Data, "envs": Envs, "generators": Generators, "kg": KG, "large": Large,
    "objectives": Objectives, "propagation": Propagation, "rules": Rules, "training": Training,
}  # fmt: skip
SHOWN = {
    "set": "set", "format": "format", "edges": "edges", "seconds": "s", "cpu_seconds": "CPU s", "peak_mb": "peak MB",
    "compared_edges": "edges", "compared_seconds": "s", "networkx_seconds": "networkx s", "pandas_seconds": "pandas s",
    "work": "work", "rule": "rule", "family": "family", "name": "objective", "n": "n", "batch": "batch",
    "reward": "reward", "score": "score", "left": "left", "scipy_seconds": "scipy s", "build_seconds": "build s",
    "edits_per_second": "edits/s", "steps_per_second": "steps/s", "times_finder": "× FINDER",
    "times_jumanji": "× GraphColoring",
    "numpy_steps_per_second": "numpy steps/s", "times_minerva": "× MINERVA's way", "bytes_a_transition": "bytes",
    "kernel_ratio": "÷ kernel", "graphs_per_second": "graphs/s", "pooled_graphs_per_second": "in a pool/s",
    "networkx_graphs_per_second": "networkx graphs/s", "times_networkx": "× networkx",
    "evaluations_per_second": "evaluations/s", "strongest": "strongest library",
    "library_evaluations_per_second": "its evaluations/s", "times_library": "× library",
    "iterations_per_second": "iterations/s", "env_steps_per_second": "env steps/s", "times_rnet_dqn": "× RNet-DQN",
    "segment_sum_seconds": "segment sum s", "times_segment_sum": "× segment sum", "compile_seconds": "compile s",
}  # fmt: skip


def _write(path: Path | None, device: str, rows: list[dict[str, Any]]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as stream:
            json.dump({"device": device, "rows": rows}, stream, indent=1)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _table(rows: list[dict[str, Any]], device: str) -> Table:
    """What one wants to compare at a glance; the file has everything."""
    table = Table(title=device, title_justify="left")
    names = [name for name in SHOWN if any(name in row for row in rows)]
    for name in names:
        table.add_column(SHOWN[name], justify="right")
    for row in rows:
        table.add_row(*(_shown(row.get(name)) for name in names))
    return table


Options = KG | Data | Envs | Generators | Large | Objectives | Propagation | Rules | Training


def _measure(options: Options, console: Console) -> None:
    """Every row is printed and written as soon as it is measured."""
    name = next(name for name, kind in COMMANDS.items() if isinstance(options, kind))
    _write(options.json, "", [])  # an unwritable path is known now, not after the work
    module = import_module(f"experiments.benchmarks.{name}")
    import jax  # noqa: PLC0415 - after the options

    device = f"{jax.devices()[0].device_kind} ({platform.machine()}), jax {jax.__version__}"
    rows: list[dict[str, Any]] = []
    for row in module.rows(options, console):
        rows.append(row)
        _write(options.json, device, rows)
        console.print(", ".join(f"{key} {_shown(value)}" for key, value in row.items()), highlight=False, style="dim")
    if rows:
        console.print(_table(rows, device))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; returns the exit status (0 well, 2 bad input, 130 interrupted)."""
    commands: dict[str, Callable[..., Any]] = dict(COMMANDS)
    options = tyro.extras.subcommand_cli_from_dict(commands, args=argv, prog="python -m experiments.benchmarks")
    console = Console()
    try:
        _measure(options, console)
    except KeyboardInterrupt:
        console.print("interrupted.")
        return 130
    except (ValueError, OSError) as error:
        if sys.flags.dev_mode:
            raise
        Console(stderr=True, highlight=False).print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
