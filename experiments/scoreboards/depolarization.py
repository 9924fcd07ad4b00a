"""``python -m experiments.scoreboards depolarization``: which n // 10 pairs to join or part, beside greedy over all."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from agents.baselines import get_baseline
from agents.opinion_pairs import opinion_network, toggles
from envs.edge_toggle import EdgeToggle, make_edge_toggle
from envs.pools import make_pool
from experiments.evaluation import interval
from experiments.scoreboards.boards import OPINION_NETWORKS, Depolarization
from experiments.scoreboards.learned import Learned, each, learn, untrained
from experiments.scoreboards.opinion_graphs import OpinionNetwork, read_opinions, small_world, synthetic_opinions
from experiments.scoreboards.results import (
    Note,
    Results,
    commit,
    entry,
    markdown,
    origin,
    plain,
    steps,
    timed,
    timed_each,
    told,
    trade_off,
)
from lepton_rl import edge_graph
from lepton_rl.graph import from_edges
from lepton_rl.objectives import get_objective

__all__ = ["polarisation_after", "run"]

METHODS = {"ours": "ours", "estimate": "estimate, not trained", "random": "random"}


def polarisation_after(network: OpinionNetwork, flipped: np.ndarray) -> float:
    """Sum of squared distances of z = (I + L)^-1 s from its mean, in float64, once pairs i[L, 2] are flipped."""
    n = len(network.opinions)
    dense = np.zeros((n, n))
    for u, v in (*network.edges.tolist(), *flipped.tolist()):
        dense[u, v] = dense[v, u] = 1 - dense[u, v]
    z = np.linalg.solve(np.eye(n) + np.diag(dense.sum(0)) - dense, network.opinions)
    return float(((z - z.mean()) ** 2).sum())


def _env(networks: list[OpinionNetwork], budget: int) -> EdgeToggle:
    graphs = [from_edges(one.edges, len(one.opinions), labels=2 * one.opinions - 1) for one in networks]
    return make_edge_toggle(make_pool(graphs), get_objective("-polarisation"), budget, "edit")


def _train(options: Depolarization, note: Note) -> Learned:
    n = options.train_nodes
    counts = ((options.train_graphs, 1), (32, 2))
    train, valid = (_env(synthetic_opinions(n, count, seed), n // 10) for count, seed in counts)
    return learn(opinion_network(options.extremes), train, valid, options.evolution, options.seeds, note)


def _network(name: str, options: Depolarization) -> OpinionNetwork:
    if name in ("reddit", "twitter"):
        if options.data is None:
            raise ValueError(f"{name} is read from a folder: give --data, or leave it out.")
        return read_opinions(options.data, name)
    return small_world(int(name.rpartition("-")[2]), 7)


def _names(options: Depolarization) -> list[str]:
    if options.networks:
        return list(dict.fromkeys(options.networks))
    found = OPINION_NETWORKS[options.split]
    return [name for name in found if options.data is not None or name.startswith("watts")]


def _plans(network: OpinionNetwork, learned: Learned, budget: int, extremes: int) -> tuple[list[np.ndarray], float]:
    """The pairs of each seed, and the median of the seconds."""
    labels = 2 * network.opinions - 1
    graph = edge_graph.from_edges(network.edges, len(labels), labels=labels, max_edits=budget)

    def call(graph: Any, params: Any) -> Any:
        return toggles(graph, params, budget=budget, extremes=extremes)

    found, seconds, _ = timed_each(call, [(graph, params) for params in each(learned)])
    return [np.asarray(pairs) for pairs in found], seconds


def _row(network: OpinionNetwork, learned: Learned, options: Depolarization, note: Note) -> dict[str, Any]:
    n = len(network.opinions)
    budget, nothing = n // 10, np.zeros((0, 2), int)
    note("ours")
    plans = {"ours": _plans(network, learned, budget, options.extremes)}
    plans["estimate"] = _plans(network, untrained(learned), budget, options.extremes)
    rng = np.random.default_rng(0)
    plans["random"] = [np.array([rng.choice(n, 2, replace=False) for _ in range(budget)]) for _ in range(5)], 0.0
    note("greedy over all pairs")
    env, planner = _env([network], budget), get_baseline("depolarise")
    picks, seconds, _ = timed(lambda env, key: planner(env, jnp.int32(0), key), env, jax.random.key(0))
    start = polarisation_after(network, nothing)
    best = start - polarisation_after(network, np.asarray(picks).reshape(-1, 2))
    row: dict[str, Any] = {"nodes": n, "edges": len(network.edges), "budget": budget, "start": start,
                           "greedy": {"drop": best, "seconds": seconds}}  # fmt: skip
    for method, (found, took) in plans.items():
        shares = np.array([(start - polarisation_after(network, pairs)) / best for pairs in found])
        row[method] = {**entry(interval(shares[:, None])), "seeds": shares.tolist(), "seconds": took}
    return row


def _words(settings: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    rows = []
    for name, row in content["networks"].items():
        low, high = row["ours"]["ci95"]
        greedy = row["greedy"]
        rows.append([
            name, str(row["nodes"]), str(row["edges"]), str(row["budget"]), f"{row['start']:.4f}",
            f"{greedy['drop'] / row['start']:.1%}", f"{row['ours']['mean']:.2%} [{low:.2%}, {high:.2%}]",
            f"{row['estimate']['mean']:.2%}", f"{row['random']['mean']:.1%}", f"{greedy['seconds']:.2f}",
            f"{row['ours']['seconds']:.3f}", f"1/{greedy['seconds'] / row['ours']['seconds']:.0f}",
        ])  # fmt: skip
    head = ["network", "n", "m", "toggles", "polarisation", "greedy lowers it by", "ours ÷ greedy [95 %]",
            "not trained", "random", "s: greedy", "s: ours", "time ÷ greedy's"]  # fmt: skip
    return f"Drop of polarisation, as a share of greedy's over all pairs ({told(settings)}).\n\n" + markdown(head, rows)


def _figures(content: Mapping[str, Any]) -> dict[str, Figure]:
    """Share of greedy's drop against the share of its time."""
    rows = content["networks"]
    if not rows:
        return {}
    points = {}
    for method in ("ours", "estimate"):
        times = [row[method]["seconds"] / row["greedy"]["seconds"] for row in rows.values()]
        points[METHODS[method]] = times, [row[method]["mean"] for row in rows.values()]
    return {"depolarization": trade_off(points, "time ÷ greedy's", "drop ÷ greedy's", bar=0.98)}


def run(options: Depolarization, console: Console) -> int:
    """Train once on small graphs, measure every network; returns the exit status."""
    networks = [_network(name, options) for name in _names(options)]
    settings = {
        "split": options.split, "seeds": options.seeds, "extremes": options.extremes,
        "data": origin(options.data),
        "train_graphs": f"{options.train_graphs} of {options.train_nodes} nodes", "config": plain(options.evolution),
    }  # fmt: skip
    results = Results("depolarization", options, settings, ("networks",), lambda c: _words(settings, c), _figures)
    made = commit()
    with steps(console, len(networks)) as (begin, note, end):
        begin("training")
        learned = _train(options, note)
        for network in networks:
            begin(network.name)
            row = _row(network, learned, options, note)
            results.add("networks", network.name, {**row, "train_seconds": learned.seconds, "commit": made})
            end()
    results.finish(console)
    return 0
