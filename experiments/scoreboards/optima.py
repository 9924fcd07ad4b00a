"""``python -m experiments.scoreboards optima``: does the agent find the best plan where every plan can be tried?"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

from agents.config import DQNConfig
from agents.training import fitting, make_runs, network_for, play
from envs import get_environment
from envs.editing import Editing
from envs.labels import start_labels
from envs.pools import make_pool
from experiments.scoreboards.options import OPTIMA, Optima
from lepton_rl.files import atomic_write
from lepton_rl.graph import BitGraph, from_edges
from lepton_rl.objectives import get_objective, score

__all__ = ["best_value", "run", "six_nodes"]

_TOLERANCE = 1e-5
_CONFIG = DQNConfig(
    iterations=200, chunks=4, episodes=16, updates=4, batch_size=64, replay_capacity=1024, width=16, rounds=2,
    learning_rate=5e-3, epsilon_fraction=0.8,
)  # fmt: skip


def six_nodes(rule: str, budget: int) -> Editing:
    """The environment of ``rule`` on a path of six nodes with a chord, or on a bipartite graph of that size."""
    objective = get_objective(OPTIMA[rule])
    graph = nx.path_graph(6)
    if objective.labels != "side":
        graph.add_edge(0, 2)
    edges = np.array(graph.edges)
    labels = start_labels(objective.labels, edges, 6, 3)
    env: Editing = get_environment(rule)(make_pool([from_edges(edges, 6, labels=labels)]), objective, budget, "edit")
    return env


def _plans(env: Editing, graph: BitGraph, edits: int) -> Iterator[BitGraph]:
    """Every graph that ``edits`` edits lead to, by trying all legal picks; fewer where none is left."""
    allowed = jax.jit(env.allowed)
    apply = jax.jit(lambda graph, picks: env.apply(graph, picks)[0])

    def whole(graph: BitGraph, picks: list[int]) -> Iterator[list[int]]:
        if len(picks) == env.steps_per_edit:
            yield picks
            return
        known = [*picks, *[-1] * (env.steps_per_edit - 1 - len(picks))][: env.steps_per_edit - 1]
        for node in np.flatnonzero(graph.node_mask & allowed(graph, jnp.array(known, jnp.int32))).tolist():
            yield from whole(graph, [*picks, node])

    def after(graph: BitGraph, left: int) -> Iterator[BitGraph]:
        found: dict[tuple[bytes, ...], BitGraph] = {}
        for picks in whole(graph, []) if left else ():
            new = apply(graph, jnp.array(picks, jnp.int32))
            # Many plans, one graph.
            found.setdefault(tuple(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(new)), new)
        if not found:
            yield graph
        for new in found.values():
            yield from after(new, left - 1)

    yield from after(graph, edits)


def best_value(env: Editing) -> float:
    """The largest gain that any plan of an environment with a deterministic objective has, by trying all."""
    value = jax.jit(lambda graph: score(env.objective, graph, jax.random.key(0)))
    start = env.begin(env.pool[0])
    return max(float(value(graph)) for graph in _plans(env, start, env.budget)) - float(value(start))


def _measure(rule: str, options: Optima, console: Console) -> dict[str, Any]:
    env = six_nodes(rule, options.budget)
    console.print(f"{rule}: every plan", highlight=False)
    best = best_value(env)
    # Plans of three or four picks an edit take longer to find.
    longer = 3 if env.steps_per_edit > 2 else 1
    config = fitting(env, replace(_CONFIG, iterations=longer * _CONFIG.iterations))
    network = network_for(env, config)
    runs = make_runs(network, config, options.seeds)
    console.print(f"{rule}: best gain {best:.5f}; {options.seeds} agents", highlight=False)
    for state, _ in runs.chunks(env, env, runs.init(env, range(options.seeds))):  # noqa: B007 - donated
        pass
    found = np.asarray(play(network, env, state.best_params, jax.random.key(0)).rewards.sum(-1))[:, 0]
    if (found > best + _TOLERANCE).any():
        raise RuntimeError(f"{rule}: an agent gained {found.max()}, more than the best plan's {best}: a bug.")
    reached = int((found >= best - _TOLERANCE).sum())
    return {"objective": OPTIMA[rule], "best": best, "reached": reached, "gains": found.tolist()}


def run(options: Optima, console: Console) -> int:
    """Measure and print every rule asked for; write JSON where asked to."""
    rows = {rule: _measure(rule, options, console) for rule in options.checked_rules()}
    table = Table("rule", "objective", "best gain", f"agents of {options.seeds} that find it", box=None)
    for rule, row in rows.items():
        table.add_row(rule, row["objective"], f"{row['best']:.4f}", str(row["reached"]))
    console.print(table)
    if options.json is not None:
        with atomic_write(options.json) as stream:
            json.dump({"budget": options.budget, "seeds": options.seeds, "rules": rows}, stream, indent=1)
    return 0
