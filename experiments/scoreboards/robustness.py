"""``python -m experiments.scoreboards robustness``: RNet-DQN's 12 cells, and its larger graphs."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from experiments.scoreboards.cell import Agent, cell_env, measure, methods_at, summarise, train_agent
from experiments.scoreboards.options import TRAIN_NODES, Cell, Robustness, budget_at
from experiments.scoreboards.pools import graph_pool
from experiments.scoreboards.results import earlier, source_commit
from experiments.scoreboards.tables import figure, markdown, verdicts
from lepton_rl.draw import save_figure
from lepton_rl.files import atomic_write

__all__ = ["run"]

_SETTINGS = ("split", "seeds", "graphs", "draws", "data", "train_orders", "config")  # rows of one table agree in these


def _settings(options: Robustness) -> dict[str, Any]:
    return {
        "split": options.split, "seeds": options.seeds, "graphs": options.graphs, "draws": options.draws,
        "data": f"generated, {options.train_graphs} for training" if options.data is None else options.data.name,
        "train_orders": options.train_orders, "config": json.loads(json.dumps(asdict(options.dqn))),
    }  # fmt: skip


class _Results:
    """The table as it grows; written whenever a row is added, and once before anything is computed."""

    def __init__(self, options: Robustness) -> None:
        settings = _settings(options)
        found = earlier(options.json, settings, _SETTINGS)
        self.options = options
        self.content = {**settings, "cells": found.get("cells", {}), "sizes": found.get("sizes", {})}
        for path in filter(None, (options.json and options.json.parent, options.output)):
            path.mkdir(parents=True, exist_ok=True)
        self.write()

    def add(self, kind: str, name: str, row: dict[str, Any]) -> None:
        self.content[kind][name] = row
        self.write()

    def write(self) -> None:
        """Raises OSError where it cannot be written."""
        if self.options.json is not None:
            with atomic_write(self.options.json) as stream:
                json.dump(self.content, stream, indent=1)
        if self.options.output is not None:
            with atomic_write(self.options.output / "robustness.md") as stream:
                stream.write(self.report() + "\n")

    def report(self) -> str:
        """All tables as Markdown, with what they say in words."""
        settings = ", ".join(f"{name}: {self.content[name]}" for name in _SETTINGS if name != "config")
        parts = [f"Gain in critical fraction, n = {TRAIN_NODES} ({settings})."]
        for rows in (self.content["cells"], self.content["sizes"]):
            if rows:
                parts += [markdown(rows), verdicts(rows)]
        return "\n\n".join(parts)

    def draw(self) -> None:
        if self.options.output is not None:
            for kind, name in (("cells", "robustness"), ("sizes", "robustness_sizes")):
                if self.content[kind]:
                    save_figure(figure(self.content[kind]), self.options.output / f"{name}.png")


def _train(cell: Cell, options: Robustness, note: Callable[[str], None]) -> Agent:
    note("graphs")
    pools = (
        graph_pool(cell.family, TRAIN_NODES, "train", options.data, options.train_graphs),
        graph_pool(cell.family, TRAIN_NODES, "valid", options.data, 100),
    )
    train, valid = (cell_env(pool, cell, cell.budget, options.train_orders) for pool in pools)
    return train_agent(train, valid, options.dqn, options.seeds, note)


def _row(
    cell: Cell, agent: Agent, nodes: int, options: Robustness, note: Callable[[str], None], commit: str | None
) -> dict[str, Any]:
    budget = cell.budget if nodes == TRAIN_NODES else budget_at(nodes)
    pool = graph_pool(cell.family, nodes, options.split, options.data, options.graphs)
    env = cell_env(pool, cell, budget)
    row = summarise(*measure(agent, env, methods_at(nodes), options.draws, note))
    extra = {"nodes": nodes, "budget": budget, "train_seconds": agent.seconds, "split": options.split}
    return {**row, **extra, "commit": commit, "config": asdict(options.dqn)}


def run(options: Robustness, console: Console) -> int:
    """Train and measure the cells asked for, writing each as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, or a path that cannot be written, before anything is computed.
    """
    cells, results, commit = options.checked_cells(), _Results(options), source_commit()
    if options.split == "test":
        console.print(f"test split at commit {commit}, {escape(str(options.dqn))}", highlight=False)
    columns = (SpinnerColumn(), TextColumn("{task.fields[cell]}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn(), TextColumn("{task.fields[phase]}"))  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("cells", total=len(cells), cell="", phase="")

        def note(phase: str) -> None:
            progress.update(task, phase=phase)

        for cell in cells:
            progress.update(task, cell=cell.name)
            agent = _train(cell, options, note)
            sizes = options.sizes if cell.budget == budget_at(TRAIN_NODES) else ()
            for nodes in (TRAIN_NODES, *sizes):
                name = cell.name if nodes == TRAIN_NODES else f"{cell.family}-{cell.removal}-n{nodes}"
                progress.update(task, cell=name)
                row = _row(cell, agent, nodes, options, note, commit)
                results.add("cells" if nodes == TRAIN_NODES else "sizes", name, row)
                lead, best = row["paired_gain"], row["best_heuristic"]
                low, high = lead["ci95"]
                console.print(
                    f"{name}: DQN {row['dqn']['mean']:.4f}, {best} {row[best]['mean']:.4f}, paired {lead['mean']:+.4f} "
                    f"({low:+.4f} … {high:+.4f}), trained in {agent.seconds:.0f} s", highlight=False,
                )  # fmt: skip
            progress.advance(task)
    results.draw()
    console.print(results.report(), markup=False, highlight=False, soft_wrap=True)
    return 0
