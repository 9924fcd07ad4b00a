"""Objectives read off the distances between all pairs of nodes."""

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, UInt16

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, num_nodes, pack_bits, unpack_bits
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, REBUILT, Edit, Objective, no_noise
from lepton_rl.objectives.critical_fraction import fold

__all__ = ["distances", "efficiency"]

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


def _carry(graph: BitGraph, steps: UInt16[Array, "N N"]) -> Distances:
    n = num_nodes(graph).astype(jnp.float32)
    joined = (steps > 0) & (steps < FAR)
    total = jnp.where(joined, 1 / jnp.maximum(steps, 1).astype(jnp.float32), 0.0).sum()
    return Distances(value=total / jnp.maximum(n * (n - 1), 1), distances=steps)


def _init(graph: BitGraph, noise: tuple[()]) -> Distances:
    return _carry(graph, distances(graph))


def _update(carry: Distances, edit: Edit, graph_after: BitGraph, noise: tuple[()]) -> Distances:
    """An edge added: a shortest path uses it or not. Anything else that moves edges: search again."""
    old = carry.distances

    def added() -> Distances:
        there = old[:, edit.u, None] + old[None, edit.v] + 1
        both = there if graph_after.directed else jnp.minimum(there, old[:, edit.v, None] + old[None, edit.u] + 1)
        steps = jnp.where(edit.operation == EDGE_ADDED, jnp.minimum(old, both), old).astype(jnp.uint16)
        return _carry(graph_after, steps)

    searched = (edit.operation == EDGE_REMOVED) | (edit.operation == REBUILT)
    return jax.lax.cond(anywhere(searched), lambda: _init(graph_after, ()), added)


efficiency = Objective(no_noise, _init, _update, directed=True)
"""Global efficiency: the mean over ordered pairs of nodes of 1 / distance, 0 where there is no path.

Reference: Latora & Marchiori, "Efficient behavior of small-world networks", Physical Review Letters 87, 2001.
"""
