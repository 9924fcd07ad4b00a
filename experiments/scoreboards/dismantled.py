"""Plans of dismantling: what each leaves, by the protocol that is compared by, and who makes them."""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from scipy.integrate import simpson
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from agents.rounds import Criterion, get_criterion, plan_in_rounds
from envs.base import whole
from envs.dismantling import SHARE, Dismantling, make_dismantling
from envs.pools import make_pool
from experiments.benchmarks.libraries import installed
from experiments.scoreboards.networks import SocialNetwork
from experiments.scoreboards.results import timed_each
from lepton_rl import edge_graph

__all__ = [
    "Plan", "area", "by_all_pivots", "by_networkit", "curve", "planned", "removal_env", "rounds_of",
]  # fmt: skip


class Plan(NamedTuple):
    """``order`` int[T], the nodes removed; ``seconds`` of planning, ``compiling`` before it."""

    order: np.ndarray
    seconds: float
    compiling: float = 0.0


def rounds_of(network: SocialNetwork) -> int:
    """Nodes that are removed by one score: a thousandth of them, at least one."""
    return max(1, network.nodes // 1000)


def curve(network: SocialNetwork, order: np.ndarray) -> np.ndarray:
    """Nodes in the largest component after each removal, i64[T], to the first that is under SHARE of the nodes.

    Recounted from the edge list. Components under that share which are not the largest are pruned as they come off;
    where a score is for several nodes, those that come off before their turn are not removed.

    Raises:
        RuntimeError: a plan that names a node which is gone, or that ends too early.
    """
    left, sizes = np.ones(network.nodes, bool), []

    def prune() -> int:
        inside = network.edges[left[network.edges].all(1)]
        matrix = coo_matrix((np.ones(len(inside), np.int8), tuple(inside.T)), (network.nodes, network.nodes))
        part = connected_components(matrix, directed=False)[1]
        counts = np.bincount(part, weights=left)
        kept = (counts >= SHARE * network.nodes) | (np.arange(len(counts)) == counts.argmax())
        left[~kept[part]] = False
        return int(counts.max())

    prune()
    for node in order.tolist():
        if not left[node] and rounds_of(network) > 1:
            continue
        if not left[node]:
            raise RuntimeError(f"{network.name}: node {node} is removed twice or was pruned before: a bug.")
        left[node] = False
        sizes.append(prune())
        if sizes[-1] < SHARE * network.nodes:
            return np.array(sizes)
    raise RuntimeError(f"{network.name}: a plan of {len(order)} removals leaves {sizes[-1:]} nodes together: a bug.")


def area(network: SocialNetwork, order: np.ndarray) -> float:
    """Simpson's integral of the share of the largest component after each removal, at distances of 1."""
    return float(simpson(curve(network, order) / network.nodes, dx=1))


def removal_env(network: SocialNetwork) -> Dismantling:
    """The environment of one network, without a limit of removals, on neighbour lists."""
    joined, each = len(np.unique(network.edges)), rounds_of(network)
    graph = edge_graph.from_edges(network.edges, network.nodes)
    return make_dismantling(make_pool([graph]), joined // each * each)


def planned(
    env: Dismantling, criterion: Criterion | str, params: Sequence[Any] = ((),), per_round: int = 1, alike: bool = False
) -> list[Plan]:
    """Plans in rounds by a criterion, or by that of a name: one for each of its ``params``, with median times.

    Args:
        alike: all plans have the same randomness; else each has its own.
    """
    scored = get_criterion(criterion) if isinstance(criterion, str) else criterion

    def call(env: Dismantling, key: Array, params: Any) -> Int[Array, "T"]:
        return plan_in_rounds(env, jnp.int32(0), key, criterion=scored, per_round=per_round, params=params)

    given = [(env, jax.random.key(0 if alike else seed), one) for seed, one in enumerate(params)]
    plans, seconds, compiling = timed_each(call, given)
    orders = [np.asarray(plan) for plan in plans]
    return [Plan(order[order >= 0], seconds, compiling) for order in orders]


def by_networkit(network: SocialNetwork, limit: float) -> Plan | None:
    """Adaptive betweenness by networkit's routine; None where it is not installed or takes longer than ``limit``."""
    if not installed("networkit"):
        return None
    nk, begin = import_module("networkit"), time.perf_counter()
    graph = nk.Graph(network.nodes)
    for u, v in network.edges.tolist():
        graph.addEdge(u, v)

    def scores() -> np.ndarray:
        # Asked again after every removal; nodes that are gone score below all others.
        found = np.asarray(nk.centrality.Betweenness(graph).run().scores())
        there = np.fromiter(graph.iterNodes(), np.int64)
        masked = np.full(network.nodes, -1.0)
        masked[there] = found[there]
        return masked

    def prune() -> int:
        parts = nk.components.ConnectedComponents(graph).run().getComponents()
        largest = max(parts, key=len)
        for part in parts:
            if len(part) < SHARE * network.nodes and part is not largest:
                for node in part:
                    graph.removeNode(node)
        return len(largest)

    return _one_by_one(scores, graph.removeNode, prune, network.nodes, begin, limit)


def _one_by_one(
    scores: Callable[[], np.ndarray], remove: Callable[[int], None], prune: Callable[[], int], nodes: int,
    begin: float, limit: float,
) -> Plan | None:  # fmt: skip
    order: list[int] = []
    largest = prune()
    while largest >= SHARE * nodes:
        if time.perf_counter() - begin > limit:
            return None
        order.append(int(scores().argmax()))
        remove(order[-1])
        largest = prune()
    return Plan(np.array(order), time.perf_counter() - begin)


def by_all_pivots(network: SocialNetwork, limit: float) -> Plan | None:
    """Adaptive betweenness by our kernel, every node a pivot; None where it takes longer than ``limit``."""
    env, criterion = removal_env(network), get_criterion("betweenness")
    held = [env.reset(jnp.int32(0), jax.random.key(0))]
    choose = jax.jit(lambda seen: jnp.where(seen.legal, criterion((), whole(env, seen), jax.random.key(0)), -1.0))
    step = jax.jit(env.step)

    def remove(node: int) -> None:
        state, outcome = step(held[0][0], jnp.int32(node), jax.random.key(0))
        held[0] = state, outcome.observation

    def left() -> int:
        return network.nodes if bool(held[0][1].legal.any()) else 0

    return _one_by_one(
        lambda: np.asarray(choose(held[0][1])), remove, left, network.nodes, time.perf_counter(), limit
    )
