"""``python -m experiments.scoreboards dismantling``: one criterion, learned on synthetic graphs, on real networks.

Letters: N node slots, P pivots, S seeds.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from matplotlib.figure import Figure
from rich.console import Console

from agents.rounds import Criterion
from envs.base import Observation
from envs.dismantling import Dismantling, make_dismantling
from envs.pools import make_pool
from experiments.evaluation import interval
from experiments.scoreboards.boards import GENERATED, NINE, VALIDATION, Dismantle
from experiments.scoreboards.dismantled import Plan, area, by_all_pivots, by_networkit, planned, removal_env, rounds_of
from experiments.scoreboards.learned import Learned, at_larger_sizes, each, learn, untrained
from experiments.scoreboards.networks import SocialNetwork, generated_network, published_auc, read_network, synthetic
from experiments.scoreboards.results import (
    Note,
    Results,
    commit,
    entry,
    markdown,
    origin,
    plain,
    steps,
    told,
    trade_off,
)
from lepton_rl.betweenness import pivot_betweenness, random_pivots
from lepton_rl.correction import correction_network
from lepton_rl.graph import degree, from_edges
from lepton_rl.message_passing import aggregate

__all__ = ["removal_columns", "run"]

WIDTH = 8
CLASSICAL = {"degree": "degree", "CI": "collective_influence_2", "CoreHD": "core_degree"}
VALIDATION_GRAPHS = 64
TRAINED = 16  # pivots in training
SMALL, MORE = 1000, 64  # nodes up to which shortest paths are counted from more pivots, as time is not scarce there
SHARE_OF_PIVOTS = 80  # nodes to a pivot at most: on thousands of nodes a few pivots do not rank what hubs leave
LARGER, LARGER_GRAPHS = 5, 4  # times the nodes of a training graph; networks that choose how much of it is kept


@cache
def removal_columns(pivots: int) -> Callable[[Observation], Float[Array, "N 13"]]:
    """What the criterion reads of every node with an edge: the log of its share of the largest betweenness first.

    Betweenness is that from ``pivots`` random nodes. Then that share itself, the degree over the largest (and its log),
    averages over neighbours of both, of inverse degrees and of who has one neighbour only; the log of the collective
    influence over the largest (one step far); the share of nodes that still have edges, the log of their mean degree,
    the inverse degree, and the betweenness as a share of all paths from the pivots.
    """

    def columns(seen: Observation, key: PRNGKeyArray | None = None) -> Float[Array, "N 13"]:
        graph = seen.graph
        d = degree(graph).astype(jnp.float32)
        joined = d > 0
        present = joined.astype(jnp.float32)
        n = jnp.maximum(present.sum(), 1)
        if key is None:  # pivots differ from step to step: the share of the budget left says which it is
            step = jax.lax.bitcast_convert_type(seen.marks[0, 1], jnp.int32)
            key = jax.random.fold_in(jax.random.key(0), step)
        chosen = random_pivots(key, joined, pivots)
        paths = pivot_betweenness(graph, chosen)
        share, hub = paths / jnp.maximum(paths.max(), 1e-6), d / jnp.maximum(d.max(), 1)
        inverse, excess = present / jnp.maximum(d, 1), jnp.maximum(d - 1, 0)
        around = aggregate(jnp.stack([share, hub, inverse, (d == 1).astype(jnp.float32), excess], -1), graph)
        near = around * inverse[:, None]
        influence = excess * around[:, 4]
        all_nodes = [n / jnp.maximum(graph.node_mask.sum(), 1), jnp.log(jnp.maximum(d.sum() / n, 1.0))]
        each = [
            jnp.log(share + 1e-3), share, jnp.log(hub + 1e-2), hub, near[:, 0], near[:, 1], near[:, 2], near[:, 3],
            jnp.log(influence / jnp.maximum(influence.max(), 1e-6) + 1e-3),
            *(jnp.full_like(d, number) for number in all_nodes), inverse, paths / (n * pivots),
        ]  # fmt: skip
        return jnp.stack(each, -1) * present[:, None]

    return columns


@cache
def removal_criterion(pivots: int) -> Criterion:
    """The learned criterion with pivots of the plan's own randomness; parameters serve any number of pivots."""
    columns: Any = removal_columns(pivots)
    network = correction_network(columns, WIDTH)

    def criterion(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
        x, present = columns(seen, key), seen.graph.node_mask.astype(jnp.float32)
        return network.score(params, (x, (present @ x) / present.sum()), seen)

    return criterion


def _training_env(options: Dismantle, count: int, seed: int) -> Dismantling:
    graphs = [from_edges(one.edges, one.nodes, capacity=options.train_nodes)
              for one in synthetic(options.train_nodes, count, seed)]  # fmt: skip
    return make_dismantling(make_pool(graphs), options.train_nodes // 2)


def _train(options: Dismantle, note: Note) -> Learned:
    network = correction_network(removal_columns(TRAINED), WIDTH)
    train, valid = _training_env(options, options.train_graphs, 1), _training_env(options, VALIDATION_GRAPHS, 2)
    learned = learn(network, train, valid, options.evolution, options.seeds, note)
    larger = synthetic(LARGER * options.train_nodes, LARGER_GRAPHS, 3)

    def cost(params: list[Any]) -> np.ndarray:
        areas = []
        for i, one in enumerate(larger):
            note(f"choose, {i + 1}/{len(larger)}")
            plans = planned(removal_env(one), removal_criterion(TRAINED), params, alike=True)
            found = np.array([area(one, plan.order) for plan in plans])
            areas.append(found / found.mean())
        return np.mean(areas, 0)

    return at_larger_sizes(learned, cost)


def _networks(options: Dismantle) -> list[str]:
    if options.networks:
        return list(dict.fromkeys(options.networks))
    if options.data is None:
        return list(GENERATED[options.split])
    return [name for name in NINE if (name in VALIDATION) == (options.split == "valid")]


def _network(name: str, options: Dismantle) -> SocialNetwork:
    return generated_network(name) if options.data is None else read_network(options.data, name)


def _ours(env: Dismantling, learned: Learned, pivots: int, per_round: int) -> list[Plan]:
    """A plan a seed, with pivots of its own, all by the same program."""
    return planned(env, removal_criterion(pivots), each(learned), per_round)


def _measured(network: SocialNetwork, plans: list[Plan]) -> dict[str, Any]:
    areas = np.array([area(network, plan.order) for plan in plans])
    return {
        **entry(interval(areas[:, None])), "seeds": areas.tolist(), "removals": len(plans[0].order),
        "seconds": plans[0].seconds, "compiling": plans[0].compiling,
    }  # fmt: skip


def _row(network: SocialNetwork, learned: Learned, options: Dismantle, note: Note) -> dict[str, Any]:
    env, per_round, found = removal_env(network), rounds_of(network), {}
    for method, criterion in CLASSICAL.items():
        note(method)
        found[method] = planned(env, criterion, per_round=per_round)
    note("ours")
    pivots = max(options.pivots, MORE if network.nodes <= SMALL else network.nodes // SHARE_OF_PIVOTS)
    agents = learned, untrained(learned, options.seeds)
    found["ours"], found["pivots"] = (_ours(env, agent, pivots, per_round) for agent in agents)
    note("adaptive betweenness")
    library = by_networkit(network, options.limit)
    whole = library or by_all_pivots(network, options.limit)
    if whole is not None:
        found["betweenness"] = [whole]
    row: dict[str, Any] = {method: _measured(network, plans) for method, plans in found.items()}
    row |= {"nodes": network.nodes, "edges": len(network.edges), "by_networkit": library is not None}
    row["mind"] = published_auc(options.data).get(network.name)
    return row


def _won(row: Mapping[str, Any], other: float | None) -> bool | None:
    return None if other is None else row["ours"]["mean"] < other


def _words(settings: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    rows, lines = content["networks"], []
    counts: dict[str, list[bool | None]] = {"adaptive degree": [], "MIND": []}
    for name, row in rows.items():
        low, high = row["ours"]["ci95"]
        whole, mind = row.get("betweenness"), row["mind"]
        counts["adaptive degree"].append(_won(row, row["degree"]["mean"]))
        counts["MIND"].append(_won(row, mind))
        lines.append([
            name, str(row["nodes"]), str(row["edges"]), *(f"{row[method]['mean']:.2f}" for method in CLASSICAL),
            "–" if mind is None else f"{mind:.2f}", f"{row['pivots']['mean']:.2f}",
            f"**{row['ours']['mean']:.2f}** [{low:.2f}, {high:.2f}]", "–" if whole is None else f"{whole['mean']:.2f}",
            "–" if whole is None else f"{row['ours']['mean'] / whole['mean']:.2f}", f"{row['degree']['seconds']:.3f}",
            f"{row['ours']['seconds']:.3f}", "–" if whole is None else f"{whole['seconds']:.2f}",
            "–" if whole is None else f"1/{whole['seconds'] / row['ours']['seconds']:.0f}",
        ])  # fmt: skip
    head = ["network", "n", "m", *CLASSICAL, "MIND, published", "pivots, not trained", "ours [95 %]",
            "adaptive betweenness", "ours ÷ it", "s: degree", "s: ours", "s: betweenness", "time ÷ it"]  # fmt: skip
    won = ", ".join(f"{sum(map(bool, found))} of {len([x for x in found if x is not None])} networks below {name}"
                    for name, found in counts.items())  # fmt: skip
    words = "AUC of the largest component over removals, lower is better; seconds once compiled"
    return f"{words} ({told(settings)}).\n\n{markdown(head, lines)}\n\nOurs: {won}."


def _figures(content: Mapping[str, Any]) -> dict[str, Figure]:
    """Quality against time, both over adaptive betweenness's, a point a network and method."""
    rows = {name: row for name, row in content["networks"].items() if "betweenness" in row}
    if not rows:
        return {}
    points = {}
    for method in (*CLASSICAL, "pivots", "ours"):
        times = [row[method]["seconds"] / row["betweenness"]["seconds"] for row in rows.values()]
        areas = [row[method]["mean"] / row["betweenness"]["mean"] for row in rows.values()]
        points[method] = times, areas
    return {"dismantling": trade_off(points, "time ÷ adaptive betweenness's", "AUC ÷ its", bar=1.1, markers="osv^D")}


def run(options: Dismantle, console: Console) -> int:
    """Train once on synthetic graphs, take every network apart; returns the exit status."""
    networks = [_network(name, options) for name in _networks(options)]
    settings = {
        "split": options.split, "seeds": options.seeds, "pivots": options.pivots,
        "data": origin(options.data),
        "train_graphs": f"{options.train_graphs} synthetic of {options.train_nodes} nodes",
        "config": plain(options.evolution),
    }  # fmt: skip
    results = Results("dismantling", options, settings, ("networks",), lambda c: _words(settings, c), _figures)
    made = commit()
    with steps(console, len(networks)) as (begin, note, end):
        begin("training")
        learned = _train(options, note)
        for network in networks:
            begin(network.name)
            row = _row(network, learned, options, note)
            results.add("networks", network.name, {
                **row, "train_seconds": learned.seconds, "shares": learned.shares, "commit": made,
            })  # fmt: skip
            console.print(
                f"{network.name}: ours {row['ours']['mean']:.2f} in {row['ours']['seconds']:.3f} s, "
                f"degree {row['degree']['mean']:.2f}", highlight=False,
            )  # fmt: skip
            end()
    results.finish(console)
    return 0
