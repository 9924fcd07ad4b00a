"""Objectives read off the distances between all pairs of nodes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, UInt16, UInt32

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, num_nodes, pack_bits, unpack_bits
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, REBUILT, Edit, Objective, deterministic, no_noise
from lepton_rl.objectives.critical_fraction import fold

__all__ = ["average_path", "diameter", "distances", "efficiency", "local_efficiency"]

FAR = 2**14  # no path; the sum of two and one more still fits uint16


@struct.dataclass
class Distances:
    """``value`` f32[]; ``distances`` uint16[N, N], FAR where there is no path."""

    value: Float[Array, "*B"]
    distances: UInt16[Array, "*B N N"]


def distances(graph: BitGraph) -> UInt16[Array, "N N"]:
    """Edges on a shortest path from each slot to each, uint16[N, N]; 0 on the diagonal, FAR where there is none.

    Breadth-first search from all nodes at once on bitsets: in a round each node's reach grows by its neighbours'.
    """
    N = graph.capacity
    into = jnp.where(adjacency(graph).T, jnp.uint32(0xFFFFFFFF), 0).astype(jnp.uint32)
    start = pack_bits(jnp.eye(N, dtype=bool)).T

    def grow(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        reach, steps, _ = state
        # Targets as words W lead, so that the sources N are contiguous.
        new = fold(lambda acc, mask, u: acc | (mask & u[:, None]), reach, into, reach.T)
        missing = ~unpack_bits(reach.T, N)
        return new, steps + missing, anywhere((new != reach).any())

    empty = start, jnp.zeros((N, N), jnp.uint16), jnp.bool_(True)
    reach, steps, _ = jax.lax.while_loop(lambda state: state[2], grow, empty)
    return jnp.where(unpack_bits(reach.T, N), steps, FAR).astype(jnp.uint16)


def _joined(steps: UInt16[Array, "N N"]) -> Bool[Array, "N N"]:
    return (steps > 0) & (steps < FAR)


def _mean(graph: BitGraph, of_pairs: Float[Array, "N N"]) -> Float[Array, ""]:
    """Over ordered pairs of nodes; 0 for a single node."""
    n = num_nodes(graph).astype(jnp.float32)
    return of_pairs.sum() / jnp.maximum(n * (n - 1), 1)


def _efficiency(graph: BitGraph, steps: UInt16[Array, "N N"]) -> Float[Array, ""]:
    inverse = 1 / jnp.maximum(steps, 1).astype(jnp.float32)
    return _mean(graph, jnp.where(_joined(steps), inverse, 0.0))


def _finite(graph: BitGraph, steps: UInt16[Array, "N N"]) -> Float[Array, "N N"]:
    """Distances where a pair without a path is n apart, one more than nodes in a row could be; 0 at absent ones."""
    there = graph.node_mask[:, None] & graph.node_mask[None, :]
    n = num_nodes(graph).astype(jnp.float32)
    return jnp.where(there, jnp.where(steps < FAR, steps.astype(jnp.float32), n), 0.0)


def _average_path(graph: BitGraph, steps: UInt16[Array, "N N"]) -> Float[Array, ""]:
    return _mean(graph, _finite(graph, steps))


def _diameter(graph: BitGraph, steps: UInt16[Array, "N N"]) -> Float[Array, ""]:
    return _finite(graph, steps).max()


def _of_distances(measure: Callable[[BitGraph, UInt16[Array, "N N"]], Float[Array, ""]]) -> Objective:
    """The objective ``measure(graph, distances)``, whose distances follow the edges that are added."""

    def init(graph: BitGraph, noise: tuple[()]) -> Distances:
        steps = distances(graph)
        return Distances(value=measure(graph, steps), distances=steps)

    def update(carry: Distances, edit: Edit, graph_after: BitGraph, noise: tuple[()]) -> Distances:
        """An edge added: a shortest path uses it or not. Anything else that moves edges: search again."""
        old = carry.distances

        def added() -> Distances:
            there = old[:, edit.u, None] + old[None, edit.v] + 1
            both = there if graph_after.directed else jnp.minimum(there, old[:, edit.v, None] + old[None, edit.u] + 1)
            steps = jnp.where(edit.operation == EDGE_ADDED, jnp.minimum(old, both), old).astype(jnp.uint16)
            return Distances(value=measure(graph_after, steps), distances=steps)

        searched = (edit.operation == EDGE_REMOVED) | (edit.operation == REBUILT)
        return jax.lax.cond(anywhere(searched), lambda: init(graph_after, ()), added)

    return Objective(no_noise, init, update, directed=True)


def _mean_of_neighbourhoods(graph: BitGraph) -> Float[Array, ""]:
    """The efficiency among the neighbours of each node, one node after the other: N distance matrices would not fit."""

    def among_neighbours(row: UInt32[Array, "W"]) -> Float[Array, ""]:
        inside = unpack_bits(row, graph.capacity)
        rows = jnp.where(inside[:, None], graph.rows & row, 0)
        part = BitGraph(rows=rows, node_mask=inside, node_features=graph.node_features)
        return _efficiency(part, distances(part))

    return jax.lax.map(among_neighbours, graph.rows).sum() / jnp.maximum(num_nodes(graph), 1)


efficiency = _of_distances(_efficiency)
"""Global efficiency: the mean over ordered pairs of nodes of 1 / distance, 0 where there is no path.

Reference: Latora & Marchiori, "Efficient behavior of small-world networks", Physical Review Letters 87, 2001.
"""
local_efficiency = deterministic(_mean_of_neighbourhoods)
"""Local efficiency: the mean over nodes of the global efficiency among their neighbours alone (Latora & Marchiori)."""
average_path = _of_distances(_average_path)
"""Mean distance over ordered pairs of nodes; a pair without a path counts n, the number of nodes, so that no edge that
is added raises it."""
diameter = _of_distances(_diameter)
"""The largest distance between two nodes; n, the number of nodes, where some pair has no path."""
