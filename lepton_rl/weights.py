"""What the edges of a graph weigh: the first edge feature, symmetrised where undirected; 1 where there are no features.

A weight is stored for every pair of slots and counts where there is an edge: one that comes weighs what its pair says.
Without edge features everything here is the plain adjacency, by a static branch.
"""

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from lepton_rl.graph import BitGraph, adjacency, degree, has_edge

__all__ = ["pair_weights", "set_weight", "strength", "unit", "unweighted", "weight_of", "weights"]

Slots = Int[Array, "..."] | int


def weight_of(graph: BitGraph, u: Slots, v: Slots) -> Float[Array, "..."]:
    """What the pairs u, v of slots weigh, whether there is an edge or not; without edge features 1."""
    u, v = jnp.asarray(u), jnp.asarray(v)
    if graph.edge_features is None:
        return jnp.ones(jnp.broadcast_shapes(u.shape, v.shape))
    there, back = graph.edge_features[u, v, 0], graph.edge_features[v, u, 0]
    return there if graph.directed else (there + back) / 2


def pair_weights(graph: BitGraph) -> Float[Array, "N N"]:
    """:func:`weight_of` of all pairs of slots, f32[N, N]."""
    slots = jnp.arange(graph.capacity)
    return weight_of(graph, slots[:, None], slots)


def weights(graph: BitGraph) -> Float[Array, "N N"]:
    """The weighted adjacency matrix, f32[N, N]; 0 where there is no edge.

    >>> from lepton_rl.graph import from_edges
    >>> path = from_edges([(0, 1), (1, 2)], num_nodes=3, edge_features=jnp.full((3, 3, 1), 2.0))
    >>> weights(path).tolist()
    [[0.0, 2.0, 0.0], [2.0, 0.0, 2.0], [0.0, 2.0, 0.0]]
    """
    edges: Bool[Array, "N N"] = adjacency(graph)
    if graph.edge_features is None:
        return edges.astype(jnp.float32)
    return jnp.where(edges, pair_weights(graph), 0.0)


def strength(graph: BitGraph) -> Float[Array, "N"]:
    """The weight of every slot's edges together (those that go out), f32[N]: the degree of an unweighted graph."""
    return degree(graph).astype(jnp.float32) if graph.edge_features is None else weights(graph).sum(-1)


def unit(graph: BitGraph) -> Float[Array, ""] | float:
    """The largest weight of an edge, 1 where there is none: by it, what is computed does not depend on the scale."""
    if graph.edge_features is None:
        return 1.0
    largest = weights(graph).max()
    return jnp.where(largest > 0, largest, 1.0)


def set_weight(
    graph: BitGraph, u: Int[Array, ""] | int, v: Int[Array, ""] | int, weight: Float[Array, ""] | float
) -> BitGraph:
    """Return ``graph`` with the weight of the edge u -> v (and v -> u when undirected) set; no change without an edge.

    Raises:
        ValueError: a graph without edge features.
    """
    if graph.edge_features is None:
        raise ValueError("the graph has no weights to set: give from_edges edge_features=.")
    features, there = graph.edge_features, has_edge(graph, u, v)
    for a, b in ((u, v),) if graph.directed else ((u, v), (v, u)):
        features = features.at[a, b, 0].set(jnp.where(there, weight, features[a, b, 0]))
    return replace(graph, edge_features=features)


def unweighted(graph: BitGraph) -> BitGraph:
    """The graph without edge features: every edge weighs 1."""
    return replace(graph, edge_features=None)
