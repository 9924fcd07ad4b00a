"""Objectives of the sizes of connected components: what dismantling lowers, step by step.

A flood that visits exactly one node a step. Of the nodes reached but not yet visited the lowest is next; where there is
none left, a component is complete and the lowest node not reached begins another. Every graph takes as many steps as it
has slots, whatever its shape: a batch needs no flag to stop and nobody waits for the longest path. A step reads one row
of the graph and costs O(W).
Letters: N node slots, W words of a row.
"""

from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num

from lepton_rl.batching import once
from lepton_rl.connected import component_counts
from lepton_rl.edge_graph import EdgeGraph
from lepton_rl.graph import WORD, adjacency, num_nodes, pack_bits
from lepton_rl.objectives.base import deterministic
from lepton_rl.storage import Graph

__all__ = ["component_sizes", "largest_component", "pairwise_connectivity"]


@singledispatch
def component_sizes(graph: Any) -> tuple[Int[Array, ""], Num[Array, ""]]:
    """Nodes in the largest component, and pairs of nodes in one component, i32[] each; edges count both ways."""
    rows = graph.rows | pack_bits(adjacency(graph).T) if graph.directed else graph.rows
    words = jnp.arange(rows.shape[1], dtype=jnp.uint32)
    nobody = WORD * len(words)

    def visit(_: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        reached, unseen, size, largest, pairs = state
        inside = (reached != 0).any()
        waiting = jnp.where(inside, reached, unseen)
        lowest = waiting & (~waiting + 1)
        slots = WORD * words + jax.lax.population_count(lowest - 1)
        slot = once(lambda: jnp.where(waiting != 0, slots, nobody).min())
        node = jnp.where(words == slot // WORD, lowest, 0)
        unseen = unseen & ~node
        new = rows[slot] & unseen  # nobody is clipped to the last slot; then nobody is unseen either
        size = jnp.where(inside, size + 1, (slot < nobody).astype(jnp.int32))
        return reached & ~node | new, unseen & ~new, size, jnp.maximum(largest, size), pairs + jnp.maximum(size - 1, 0)

    none = jnp.int32(0)
    start = jnp.zeros(len(words), jnp.uint32), pack_bits(graph.node_mask), none, none, none
    largest, pairs = jax.lax.fori_loop(0, graph.capacity, visit, start)[3:]
    return largest, pairs


@component_sizes.register(EdgeGraph)
def _large_component_sizes(graph: EdgeGraph) -> tuple[Int[Array, ""], Float[Array, ""]]:
    counts = component_counts(graph)
    sizes = counts.astype(jnp.float32)  # pairs of a million nodes are too many for 32 bits
    return counts.max(), (sizes * (sizes - 1)).sum() / 2


def _largest_share(graph: Graph) -> Float[Array, ""]:
    return component_sizes(graph)[0] / jnp.maximum(num_nodes(graph), 1).astype(jnp.float32)


def _joined_share(graph: Graph) -> Float[Array, ""]:
    n = num_nodes(graph).astype(jnp.float32)
    return 2 * component_sizes(graph)[1] / jnp.maximum(n * (n - 1), 1)


largest_component = deterministic(_largest_share, directed=True)
"""Share of the nodes present that are in the largest component; of a directed graph, in the largest weak one."""
pairwise_connectivity = deterministic(_joined_share)
"""Share of the pairs of nodes that a path joins; 0 for a single node.

Reference: Borgatti, "Identifying sets of key players in a social network", Computational & Mathematical Organization
Theory 12, 2006.
"""
