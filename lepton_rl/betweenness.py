"""Betweenness from a few pivots: the shortest paths that begin at some nodes only, all pivots at once, on any storage.

A breadth-first search from every pivot side by side, level by level, then dependencies summed from the farthest level
back (Brandes, "A faster algorithm for betweenness centrality", J. Math. Sociology 25, 2001): a level is a sum over
neighbours of one number a pivot. Uniformly random pivots estimate the share of paths through a node (Brandes & Pich,
"Centrality estimation in large networks", Int. J. Bifurcation and Chaos 17, 2007). Letters: N node slots, P pivots.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lepton_rl.batching import anywhere
from lepton_rl.message_passing import aggregate
from lepton_rl.storage import Graph

__all__ = ["pivot_betweenness", "random_pivots"]

LEVELS = 4  # of a search at a time: asking whether it goes on costs as much as a level


def random_pivots(key: PRNGKeyArray, candidates: Bool[Array, "N"], count: int) -> Int[Array, "P"]:
    """``count`` different slots of ``candidates``, uniformly at random; -1 where there are fewer."""
    luck = jnp.where(candidates, jax.random.uniform(key, candidates.shape), -1.0)
    drawn, slots = jax.lax.top_k(luck, min(count, luck.shape[0]))
    return jnp.pad(jnp.where(drawn >= 0, slots, -1), (0, count - slots.shape[0]), constant_values=-1).astype(jnp.int32)


def pivot_betweenness(graph: Graph, pivots: Int[Array, "P"]) -> Float[Array, "N"]:
    """Shortest paths from the ``pivots`` to all other nodes that pass through each node, f32[N], shares of each pair's.

    Over all N nodes as pivots that is the betweenness, ordered pairs counted twice. Pivots of -1 begin no path. Costs
    O(P) an edge and level of the deepest search.
    """
    own = jnp.arange(graph.capacity)[:, None] == pivots
    first = own.astype(jnp.float32)

    def grow(state: tuple[Any, ...]) -> tuple[Any, ...]:
        level, paths, front, depth, _ = state
        for _ in range(LEVELS):
            front = jnp.where(paths > 0, 0.0, aggregate(front, graph))
            depth = depth + 1
            level = jnp.where(front > 0, depth, level)
            paths = paths + front
        return level, paths, front, depth, anywhere((front > 0).any())

    start: tuple[Any, ...] = jnp.where(own, 0, -1), first, first, jnp.int32(0), jnp.bool_(True)
    level, paths, _, depth, _ = jax.lax.while_loop(lambda state: state[4], grow, start)
    share = jnp.where(paths > 0, 1 / jnp.maximum(paths, 1), 0.0)

    def back(state: tuple[Any, ...]) -> tuple[Any, ...]:
        handed, depends, d = state
        for _ in range(LEVELS):  # below level 0 there is nobody that paths lead to
            d = d - 1
            got, here = aggregate(handed, graph) * paths, level == d
            depends = jnp.where(here, got, depends)
            handed = jnp.where(here, (1 + got) * share, 0.0)
        return handed, depends, d

    begin: tuple[Any, ...] = jnp.zeros_like(paths), jnp.zeros_like(paths), depth + 1
    _, depends, _ = jax.lax.while_loop(lambda state: state[2] > 0, back, begin)
    return jnp.where(own, 0.0, depends).sum(-1)
