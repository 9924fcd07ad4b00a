"""What one-pass planners share: absent pairs, a pick with random ties, and the loop that adds edge after edge."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from envs.edge_addition import EdgeAddition
from lepton_rl.graph import BitGraph, add_edge, adjacency

__all__ = ["Planner", "absent_pairs", "add_one_by_one", "pick_best", "shuffled_absent", "with_edges"]

Planner = Callable[[EdgeAddition, Int[Array, ""], PRNGKeyArray], Int[Array, "T"]]


def absent_pairs(graph: BitGraph) -> Bool[Array, "N N"]:
    """bool[N, N]: the pairs u < v of present nodes that an undirected ``graph`` lacks."""
    present = graph.node_mask[:, None] & graph.node_mask[None, :]
    return jnp.triu(present & ~adjacency(graph), k=1)


def pick_best(
    key: PRNGKeyArray, scores: Float[Array, "*S"], legal: Bool[Array, "*S"], tolerance: float
) -> Int[Array, ""]:
    """Flat index of the largest legal score, i32[], ties broken uniformly at random; 0 when nothing is legal.

    Args:
        key: breaks the ties.
        scores: finite numbers, larger is better.
        legal: True = may be picked.
        tolerance: scores within this share of the best tie with it, so that rounding doesn't break symmetries.
    """
    masked = jnp.where(legal, scores, -jnp.inf).ravel()
    best = masked.max()
    tied = legal.ravel() & (masked >= best - tolerance * jnp.abs(best))
    count = jnp.cumsum(tied, dtype=jnp.int32)
    rank = jax.random.randint(key, (), 0, jnp.maximum(count[-1], 1))
    return jnp.argmax(count > rank).astype(jnp.int32)


def add_one_by_one(
    env: EdgeAddition,
    start: Int[Array, ""],
    key: PRNGKeyArray,
    *,
    begin: Callable[[BitGraph], Any],
    criterion: Callable[[Any, BitGraph, PRNGKeyArray], Float[Array, "N N"]],
    extend: Callable[[Any, Int[Array, ""], Int[Array, ""]], Any] = lambda memory, u, v: memory,
    tolerance: float = 1e-5,
) -> Int[Array, "T"]:
    """Repeatedly add the absent edge with the largest criterion, which is recomputed after each edge.

    Args:
        env: the environment. ``start``: pool index. ``key``: the planner's own randomness.
        begin: ``graph -> memory``, what is kept from edge to edge.
        criterion: ``(memory, graph, key) -> f32[N, N]``, finite, read at u < v only.
        extend: ``(memory, u, v) -> memory`` after the edge (u, v) was added.
        tolerance: see :func:`pick_best`.

    Returns:
        i32[2·budget], two node picks an edge.
    """

    def add(carry: tuple[BitGraph, Any], i: Int[Array, ""]) -> tuple[tuple[BitGraph, Any], Array]:
        graph, memory = carry
        score_key, tie_key = jax.random.split(jax.random.fold_in(key, i))
        pair = pick_best(tie_key, criterion(memory, graph, score_key), absent_pairs(graph), tolerance)
        u, v = pair // graph.capacity, pair % graph.capacity
        return (add_edge(graph, u, v), extend(memory, u, v)), jnp.stack([u, v])

    graph = env.pool[start]
    _, edges = jax.lax.scan(add, (graph, begin(graph)), jnp.arange(env.budget))
    return edges.reshape(-1)


def with_edges(graph: BitGraph, edges: Int[Array, "L 2"]) -> BitGraph:
    """``graph`` with all of ``edges`` added."""
    return jax.lax.fori_loop(0, edges.shape[0], lambda i, graph: add_edge(graph, edges[i, 0], edges[i, 1]), graph)


def shuffled_absent(graph: BitGraph, key: PRNGKeyArray) -> tuple[Int[Array, "P 2"], Int[Array, ""]]:
    """All pairs of slots, the absent edges of ``graph`` first and in random order, and how many those are."""
    pairs = jnp.asarray(np.stack(np.triu_indices(graph.capacity, 1), axis=-1), jnp.int32)
    absent = absent_pairs(graph)[pairs[:, 0], pairs[:, 1]]
    rank = jax.random.uniform(key, absent.shape) + ~absent
    return pairs[jnp.argsort(rank)], absent.sum(dtype=jnp.int32)
