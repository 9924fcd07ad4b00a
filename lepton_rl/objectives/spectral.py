"""Objectives read off the spectrum of the graph Laplacian."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, degree, num_nodes
from lepton_rl.objectives.base import deterministic

__all__ = ["algebraic_connectivity", "is_connected", "laplacian"]


def laplacian(graph: BitGraph) -> Float[Array, "N N"]:
    """Degree matrix minus adjacency matrix, f32[N, N]; zero rows and columns at absent nodes."""
    dense = adjacency(graph).astype(jnp.float32)
    return jnp.diag(dense.sum(1)) - dense


def is_connected(graph: BitGraph) -> Bool[Array, ""]:
    """Whether every present node can be reached from the first one, bool[]; exact, by flooding."""
    edges = adjacency(graph)

    def flood(state: tuple[Array, Array]) -> tuple[Array, Array]:
        reached, _ = state
        new = reached | (edges & reached[:, None]).any(0)
        return new, anywhere((new != reached).any())

    first = jnp.arange(graph.capacity) == jnp.argmax(graph.node_mask)
    reached, _ = jax.lax.while_loop(lambda state: state[1], flood, (first, jnp.bool_(True)))
    return (reached | ~graph.node_mask).all()


def _second_eigenvalue(graph: BitGraph) -> Float[Array, ""]:
    """The second smallest eigenvalue of the Laplacian; 0 when disconnected and for a single node.

    The constant vector of the present nodes, and every absent slot, are given the eigenvalue "largest degree + 1".
    The second smallest does not exceed it, so it becomes the smallest; nor is it above the largest, so that float32
    loses no digits.
    """
    present = graph.node_mask.astype(jnp.float32)
    n = num_nodes(graph).astype(jnp.float32)
    lift = degree(graph).max() + 1.0
    lifted = laplacian(graph) + lift * (jnp.outer(present, present) / n + jnp.diag(1 - present))
    smallest = jnp.linalg.eigvalsh(lifted)[0]
    return jnp.where((n > 1) & is_connected(graph), jnp.maximum(smallest, 0.0), 0.0)


algebraic_connectivity = deterministic(_second_eigenvalue)
"""Algebraic connectivity, larger = harder to cut.

Reference: Fiedler, "Algebraic connectivity of graphs", Czechoslovak Mathematical Journal 23, 1973.
"""
