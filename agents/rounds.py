"""Plans of node edits in rounds: score all nodes, take the best few at once, score again.

One score a node edited is too dear on a graph of a million nodes; a score a round of a hundred is not. Everything here
works on any storage; on an EdgeGraph a round costs a few gathers over the edges.
Letters: N node slots, A actions, K nodes a round, T nodes of a plan.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.baselines.seeding import discounted
from envs.base import Observation
from envs.editing import Editing, EditState
from lepton_rl.batching import anywhere
from lepton_rl.betweenness import pivot_betweenness
from lepton_rl.graph import degree
from lepton_rl.heads import Network
from lepton_rl.message_passing import aggregate
from lepton_rl.registry import resolve
from lepton_rl.storage import Graph

__all__ = ["CRITERIA", "Criterion", "best_nodes", "get_criterion", "network_criterion", "plan_in_rounds"]

PIVOTS = 64  # searches side by side

Criterion = Callable[[Any, Observation, PRNGKeyArray], Float[Array, "A"]]

CRITERIA = {
    "degree": "agents.rounds:by_degree",
    "collective_influence": "agents.rounds:by_collective_influence",
    "collective_influence_2": "agents.rounds:by_collective_influence_2",
    "core_degree": "agents.rounds:by_core_degree",
    "degree_discount": "agents.rounds:by_degree_discount",
    "betweenness": "agents.rounds:by_betweenness",
    "pagerank": "agents.rounds:by_pagerank",
}


def get_criterion(name: str) -> Criterion:
    """The criterion called ``name``: ``(params, observation, key) -> f32[N]``; none of them has parameters.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    return resolve(CRITERIA, name, "criterion")


@partial(jax.jit, static_argnames=("criterion", "per_round"))
def plan_in_rounds(
    env: Editing, start: Int[Array, ""], key: PRNGKeyArray, *, criterion: Criterion, per_round: int, params: Any = ()
) -> Int[Array, "T"]:
    """Repeatedly edit the ``per_round`` legal nodes of the largest scores, which are computed anew after each round.

    Ends when nothing is legal any more.

    Args:
        env: edits of one node each. ``start``: pool index. ``key``: breaks ties, at random.
        criterion: ``(params, observation, key) -> f32[A]``; a function that is the same object from call to call.
        per_round: K, a divisor of the budget. ``params``: handed to the criterion.

    Returns:
        i32[budget], a round's nodes by descending score; -1 where no node was legal.

    Raises:
        ValueError: an edit takes more than one pick, or K does not divide the budget.
    """
    if env.steps_per_edit != 1 or env.budget % per_round or per_round < 1:
        raise ValueError(
            f"rounds of {per_round} do not divide a budget of {env.budget} edits of {env.steps_per_edit} pick(s): "
            "plan edits of single nodes, in rounds of a divisor of the budget."
        )
    width = min(per_round, env.pool.capacity)

    def round_(state: tuple[Any, Array, Array]) -> tuple[Any, Array, Array]:
        graph, plan, i = state
        score_key, tie_key = jax.random.split(jax.random.fold_in(key, i))
        seen = env.observe(_state(graph, i * per_round))
        scores = criterion(params, seen, score_key)[: graph.capacity]
        nodes = best_nodes(tie_key, scores, seen.legal[: graph.capacity], width)
        graph = jax.lax.fori_loop(0, width, lambda j, graph: env.apply(graph, nodes[j][None])[0], graph)
        return graph, plan.at[i, :width].set(nodes), i + 1

    def goes_on(state: tuple[Any, Array, Array]) -> Bool[Array, ""]:
        graph, plan, i = state
        return (i < len(plan)) & env.legal(graph, jnp.zeros((0,), jnp.int32)).any()

    nobody = jnp.full((env.budget // per_round, per_round), -1, jnp.int32)
    return jax.lax.while_loop(goes_on, round_, (env.begin(env.pool[start]), nobody, jnp.int32(0)))[1].reshape(-1)


def _state(graph: Any, t: Int[Array, ""]) -> EditState:
    """An episode after ``t`` edits, as far as observations read it: without noise and rewards."""
    return EditState(graph, t, jnp.zeros((), bool), jnp.zeros((0,), jnp.int32), (), (), ())


def best_nodes(
    key: PRNGKeyArray, scores: Float[Array, "N"], legal: Bool[Array, "N"], count: int
) -> Int[Array, "count"]:
    """The ``count`` legal slots of the largest scores, descending, ties at random; -1 where there are fewer."""
    masked = jnp.where(legal, scores, -jnp.inf)
    # The barrier keeps XLA CPU from reading one value only, for which it sorts all N (a hundred times slower).
    bar = jax.lax.optimization_barrier(jax.lax.top_k(masked, count))[0][-1]
    luck = jax.random.uniform(key, scores.shape)
    rank = jnp.where(masked > bar, 1 + luck, jnp.where(legal & (masked == bar), luck, -1.0))
    drawn, nodes = jax.lax.top_k(rank, count)
    nodes = jnp.where(drawn >= 0, nodes, -1)
    return nodes[jnp.argsort(-jnp.where(nodes >= 0, masked[nodes], -jnp.inf), stable=True)].astype(jnp.int32)


@cache
def network_criterion(network: Network) -> Criterion:
    """The scores of a network with one action a node; ``params`` are its parameters."""

    def criterion(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "A"]:
        return network.score(params, network.encode(params, seen), seen)

    return criterion


def _around(values: Float[Array, "N"], graph: Graph) -> Float[Array, "N"]:
    return aggregate(values[:, None], graph)[:, 0]


def by_degree(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
    """Neighbours left (Holme, Kim, Yoon & Han, Physical Review E 65, 2002, recalculated degree)."""
    return degree(seen.graph).astype(jnp.float32)


def by_collective_influence(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
    """(k - 1) Σ (k' - 1) over the neighbours (Morone & Makse, Nature 524, 2015, eq. 2 with ℓ = 1)."""
    excess = jnp.maximum(degree(seen.graph) - 1, 0).astype(jnp.float32)
    return excess * _around(excess, seen.graph)


def by_collective_influence_2(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
    """The same over the ends of walks of two steps that do not turn back: ℓ = 2 where there are no short cycles.

    A node counts as often as such walks lead to it, and as a neighbour where a triangle does. The exact set of nodes at
    distance two takes Σ k² steps a score, hundreds of times the edges on a graph with hubs.
    """
    d = degree(seen.graph).astype(jnp.float32)
    excess = jnp.maximum(d - 1, 0)
    return excess * (_around(_around(excess, seen.graph), seen.graph) - d * excess)


def core_neighbours(graph: Graph, order: int = 2) -> tuple[Bool[Array, "N"], Float[Array, "N"]]:
    """The core of an ``order``, bool[N], and every node's neighbours in it, f32[N]."""

    def peel(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        left, inside, _ = state
        new = left & (inside >= order)
        return new, _around(new.astype(jnp.float32), graph), anywhere((new != left).any())

    start = graph.node_mask, degree(graph).astype(jnp.float32), jnp.bool_(True)
    return jax.lax.while_loop(lambda state: state[2], peel, start)[:2]


def by_core_degree(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
    """Neighbours in the 2-core, of its members; neighbours, once there is none (CoreHD: Zdeborová, Zhang & Zhou, 2016).

    As :func:`agents.baselines.dismantling.core_degree`, on any storage.
    """
    core, inside = core_neighbours(seen.graph)
    return jnp.where(core.any(), jnp.where(core, inside, 0.0), degree(seen.graph).astype(jnp.float32))


def by_degree_discount(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
    """As :func:`agents.baselines.seeding.degree_discount`, on any storage."""
    d = degree(seen.graph).astype(jnp.float32)
    t = _around((seen.graph.labels > 0).astype(jnp.float32), seen.graph)
    return discounted(d, t)


def by_betweenness(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
    """Shortest paths through each node, ordered pairs counted twice (Brandes 2001), PIVOTS searches at a time.

    As :func:`agents.baselines.dismantling.betweenness`, on any storage; O(n m) a score, times the depth of a search:
    for graphs of some thousand nodes.
    """
    N = seen.graph.capacity
    slots = jnp.arange(-(-N // PIVOTS) * PIVOTS).reshape(-1, PIVOTS)
    pivots = jnp.where(slots < N, slots, -1).astype(jnp.int32)
    return jax.lax.map(lambda some: pivot_betweenness(seen.graph, some), pivots).sum(0)


def by_pagerank(params: Any, seen: Observation, key: PRNGKeyArray) -> Float[Array, "N"]:
    """Where a walk is that follows edges and begins anew with probability 0.15 (Brin & Page, WWW 1998), f32[N]."""
    present = seen.graph.node_mask.astype(jnp.float32)
    d = degree(seen.graph).astype(jnp.float32)
    start = present / jnp.maximum(present.sum(), 1)

    def step(_: Array, rank: Array) -> Array:
        stuck = jnp.where(d > 0, 0.0, rank).sum()
        return 0.15 * start + 0.85 * (_around(rank / jnp.maximum(d, 1), seen.graph) * present + stuck * start)

    return jax.lax.fori_loop(0, 100, step, start)
