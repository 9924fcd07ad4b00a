"""``python -m experiments.scoreboards robustness``: RNet-DQN's 12 cells, and its larger graphs."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console
from rich.markup import escape

from experiments.scoreboards.cell import Agent, cell_env, measure, methods_at, summarise, train_agent
from experiments.scoreboards.options import TRAIN_NODES, Cell, Robustness, budget_at
from experiments.scoreboards.pools import graph_pool
from experiments.scoreboards.results import Results, commit, plain, steps, told
from experiments.scoreboards.tables import figure, markdown, verdicts

__all__ = ["run"]


def _settings(options: Robustness) -> dict[str, Any]:
    return {
        "split": options.split, "seeds": options.seeds, "graphs": options.graphs, "draws": options.draws,
        "data": f"generated, {options.train_graphs} for training" if options.data is None else options.data.name,
        "train_orders": options.train_orders, "config": plain(options.dqn),
    }  # fmt: skip


def _report(settings: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """All tables as Markdown, with what they say in words."""
    parts = [f"Gain in critical fraction, n = {TRAIN_NODES} ({told(settings)})."]
    for rows in (content["cells"], content["sizes"]):
        if rows:
            parts += [markdown(rows), verdicts(rows)]
    return "\n\n".join(parts)


def _figures(content: Mapping[str, Any]) -> dict[str, Figure]:
    kinds = (("cells", "robustness"), ("sizes", "robustness_sizes"))
    return {name: figure(content[kind]) for kind, name in kinds if content[kind]}


def _train(cell: Cell, options: Robustness, note: Callable[[str], None]) -> Agent:
    note("graphs")
    pools = (
        graph_pool(cell.family, TRAIN_NODES, "train", options.data, options.train_graphs),
        graph_pool(cell.family, TRAIN_NODES, "valid", options.data, 100),
    )
    train, valid = (cell_env(pool, cell, cell.budget, options.train_orders) for pool in pools)
    return train_agent(train, valid, options.dqn, options.seeds, note)


def _row(
    cell: Cell, agent: Agent, nodes: int, options: Robustness, note: Callable[[str], None], made: str | None
) -> dict[str, Any]:
    budget = cell.budget if nodes == TRAIN_NODES else budget_at(nodes)
    pool = graph_pool(cell.family, nodes, options.split, options.data, options.graphs)
    env = cell_env(pool, cell, budget)
    row = summarise(*measure(agent, env, methods_at(nodes), options.draws, note))
    extra = {"nodes": nodes, "budget": budget, "train_seconds": agent.seconds, "split": options.split}
    return {**row, **extra, "commit": made, "config": asdict(options.dqn)}


def run(options: Robustness, console: Console) -> int:
    """Train and measure the cells asked for, writing each as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, or a path that cannot be written, before anything is computed.
    """
    cells, settings, made = options.checked_cells(), _settings(options), commit()
    results = Results(
        "robustness", options, settings, ("cells", "sizes"), lambda content: _report(settings, content), _figures
    )
    if options.split == "test":
        console.print(f"test split at commit {made}, {escape(str(options.dqn))}", highlight=False)
    with steps(console, len(cells)) as (begin, note, end):
        for cell in cells:
            begin(cell.name)
            agent = _train(cell, options, note)
            sizes = options.sizes if cell.budget == budget_at(TRAIN_NODES) else ()
            for nodes in (TRAIN_NODES, *sizes):
                name = cell.name if nodes == TRAIN_NODES else f"{cell.family}-{cell.removal}-n{nodes}"
                begin(name)
                row = _row(cell, agent, nodes, options, note, made)
                results.add("cells" if nodes == TRAIN_NODES else "sizes", name, row)
                lead, best = row["paired_gain"], row["best_heuristic"]
                low, high = lead["ci95"]
                console.print(
                    f"{name}: DQN {row['dqn']['mean']:.4f}, {best} {row[best]['mean']:.4f}, paired {lead['mean']:+.4f} "
                    f"({low:+.4f} … {high:+.4f}), trained in {agent.seconds:.0f} s", highlight=False,
                )  # fmt: skip
            end()
    results.finish(console)
    return 0
