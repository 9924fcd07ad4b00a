"""``python -m experiments.scoreboards influence``: whom to seed, beside IMM, greedy on worlds, and rankings."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from agents.baselines.imm import arcs_of, imm
from agents.baselines.worlds import greedy_on_worlds
from agents.influence_ranking import influence_columns
from agents.rounds import get_criterion, network_criterion, plan_in_rounds
from envs.node_selection import NodeSelection, make_node_selection
from envs.pools import make_pool
from experiments.evaluation import interval
from experiments.scoreboards.boards import CASCADES, INFLUENCE_NETWORKS, Influence
from experiments.scoreboards.learned import Learned, each, learn, untrained
from experiments.scoreboards.networks import SocialNetwork, generated_network, read_network, synthetic
from experiments.scoreboards.results import (
    Note,
    Results,
    commit,
    entry,
    markdown,
    origin,
    plain,
    steps,
    timed_each,
    told,
    trade_off,
)
from lepton_rl import edge_graph
from lepton_rl.correction import correction_network
from lepton_rl.graph import from_edges
from lepton_rl.objectives import get_objective
from lepton_rl.objectives.diffusion import independent_cascade_with, linear_threshold
from lepton_rl.spread import cascade_sizes

__all__ = ["run", "spread_of"]

WIDTH, SEEDED, VALIDATION_GRAPHS = 8, 6, 32
SELECT, SCORE = 1, 2  # seeds of the worlds that greedy chooses on, and of those that all are scored on
RANKINGS = {"degree discount": "degree_discount", "PageRank": "pagerank"}
SHOWN = {"estimate": "not trained", "greedy": "greedy on worlds", **{name: name for name in RANKINGS}}


def spread_of(network: SocialNetwork, cascade: str, seeds: np.ndarray, worlds: int) -> float:
    """Mean nodes reached in fresh worlds, the same for every method."""
    edges, probability = network.edges, CASCADES[cascade]
    if probability is not None:
        return float(cascade_sizes(edges, network.nodes, seeds, probability, worlds=worlds, seed=SCORE).mean())
    both = np.concatenate([edges, edges[:, ::-1]])
    chance = 1 / np.bincount(both[:, 1], minlength=network.nodes)[both[:, 1]]
    return float(
        cascade_sizes(both, network.nodes, seeds, chance, worlds=worlds, seed=SCORE, directed=True).mean()
    )


def _train(cascade: str, options: Influence, note: Note) -> Learned:
    """On small graphs; weighted cascade on its like with a cheap objective, linear thresholds of equal weights."""
    probability = CASCADES[cascade]
    objective = linear_threshold if probability is None else independent_cascade_with(probability)

    def env(count: int, seed: int) -> NodeSelection:
        graphs = [from_edges(one.edges, one.nodes, capacity=options.train_nodes)
                  for one in synthetic(options.train_nodes, count, seed)]  # fmt: skip
        return make_node_selection(make_pool(graphs), objective, SEEDED, "edit")

    network = correction_network(influence_columns(probability), WIDTH)
    train, valid = env(options.train_graphs, 1), env(VALIDATION_GRAPHS, 2)
    return learn(network, train, valid, options.evolution, options.seeds, note)


def _ranked(env: NodeSelection, criterion: Any, params: list[Any]) -> tuple[list[np.ndarray], float]:
    """Seeds in the order of choice for each of ``params``, and the median of the seconds."""

    def call(env: NodeSelection, params: Any) -> Any:
        key = jax.random.key(0)
        return plan_in_rounds(env, jnp.int32(0), key, criterion=criterion, per_round=1, params=params)

    found, seconds, _ = timed_each(call, [(env, one) for one in params])
    return [np.asarray(one) for one in found], seconds


def _clocked(call: Callable[[], np.ndarray]) -> tuple[list[np.ndarray], float]:
    begin = time.perf_counter()
    return [call()], time.perf_counter() - begin


def _choices(
    network: SocialNetwork, cascade: str, learned: Learned, options: Influence, note: Note
) -> dict[str, tuple[list[np.ndarray], float]]:
    """What every method but IMM chooses, the most seeds asked for in order, and its seconds."""
    most, probability = max(options.budgets), CASCADES[cascade]
    graph = edge_graph.from_edges(network.edges, network.nodes)
    env = make_node_selection(make_pool([graph]), get_objective("independent_cascade"), most)
    criterion = network_criterion(learned.network)
    note("ours")
    found = {"ours": _ranked(env, criterion, each(learned))}
    found["estimate"] = _ranked(env, criterion, each(untrained(learned)))
    for name, ranking in RANKINGS.items():
        found[name] = _ranked(env, get_criterion(ranking), [()])
    if probability is not None:
        note("greedy on worlds")
        rng = np.random.default_rng(SELECT)
        found["greedy"] = _clocked(
            lambda: greedy_on_worlds(network.edges, network.nodes, probability, most, options.worlds, rng)
        )
    return found


def _rows(
    network: SocialNetwork, cascade: str, learned: Learned, options: Influence, note: Note
) -> dict[str, dict[str, Any]]:
    """A row for every number of seeds."""
    found, rows = _choices(network, cascade, learned, options, note), {}
    arcs = arcs_of(network.edges, network.nodes, CASCADES[cascade])
    for k in options.budgets:
        note(f"IMM, {k} seeds")
        rng = np.random.default_rng(SELECT)
        (best,), seconds = _clocked(lambda k=k, rng=rng: imm(arcs, k, error=options.error, rng=rng))
        bar = spread_of(network, cascade, best, options.worlds)
        row: dict[str, Any] = {"nodes": network.nodes, "edges": len(network.edges), "imm": bar, "imm_seconds": seconds}
        for method, (plans, took) in found.items():
            shares = np.array([spread_of(network, cascade, plan[:k], options.worlds) / bar for plan in plans])
            row[method] = {**entry(interval(shares[:, None])), "seeds": shares.tolist(), "seconds": took}
        rows[f"{network.name}, {cascade}, {k}"] = row
    return rows


def _words(settings: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    lines = []
    for name, row in content["rows"].items():
        low, high = row["ours"]["ci95"]
        others = [f"{row[method]['mean']:.3f}" if method in row else "–" for method in SHOWN]
        lines.append([
            name, str(row["nodes"]), str(row["edges"]), f"{row['imm']:.1f}",
            f"{row['ours']['mean']:.3f} [{low:.3f}, {high:.3f}]", *others, f"{row['imm_seconds']:.2f}",
            f"{row['ours']['seconds']:.3f}", f"1/{row['imm_seconds'] / row['ours']['seconds']:.1f}",
        ])  # fmt: skip
    head = ["network, cascade, seeds", "n", "m", "IMM reaches", "ours ÷ IMM [95 %]", *SHOWN.values(), "s: IMM",
            "s: ours", "time ÷ IMM's"]  # fmt: skip
    return f"Expected spread in fresh worlds, as a share of IMM's ({told(settings)}).\n\n" + markdown(head, lines)


def _figures(content: Mapping[str, Any]) -> dict[str, Figure]:
    """Share of IMM's spread against the share of its time."""
    rows = content["rows"]
    if not rows:
        return {}
    points = {}
    for method in ("ours", *SHOWN):
        there = [row for row in rows.values() if method in row]
        times = [row[method]["seconds"] / row["imm_seconds"] for row in there]
        shares = [row[method]["mean"] for row in there]
        points[SHOWN.get(method, method)] = times, shares
    return {"influence": trade_off(points, "time ÷ IMM's", "spread ÷ IMM's", bar=0.98)}


def run(options: Influence, console: Console) -> int:
    """Train once a cascade on small graphs, measure every network; returns the exit status."""
    names = options.networks or INFLUENCE_NETWORKS[options.split if options.data else "generated"]
    load = generated_network if options.data is None else lambda name: read_network(options.data, name)
    networks = [load(name) for name in dict.fromkeys(names)]
    for network in networks:
        if network.nodes < max(options.budgets):
            raise ValueError(f"{network.name} has {network.nodes} nodes: lower --budgets.")
    settings = {
        "split": options.split, "seeds": options.seeds, "worlds": options.worlds, "error": options.error,
        "data": origin(options.data),
        "train_graphs": f"{options.train_graphs} synthetic of {options.train_nodes} nodes",
        "config": plain(options.evolution),
    }  # fmt: skip
    results = Results("influence", options, settings, ("rows",), lambda c: _words(settings, c), _figures)
    made = commit()
    with steps(console, len(options.cascades) * len(networks)) as (begin, note, end):
        for cascade in dict.fromkeys(options.cascades):
            begin(f"training, {cascade}")
            learned = _train(cascade, options, note)
            for network in networks:
                begin(f"{network.name}, {cascade}")
                for name, row in _rows(network, cascade, learned, options, note).items():
                    results.add("rows", name, {**row, "train_seconds": learned.seconds, "commit": made})
                end()
    results.finish(console)
    return 0
