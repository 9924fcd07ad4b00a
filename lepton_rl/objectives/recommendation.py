"""Objectives of recommendation on graphs of users and items: how attention falls on the items, and who finds something.

Labels are sides, 0 = user, 1 = item. Only edges between a user and an item count; d(i) is the number of users of i.
"""

import jax.numpy as jnp
from jax.scipy.special import xlogy
from jaxtyping import Array, Bool, Float

from lepton_rl.graph import BitGraph, adjacency
from lepton_rl.objectives.base import deterministic, labels_of

__all__ = ["diversity", "exposure", "hit_rate"]


def _sides(graph: BitGraph) -> tuple[Bool[Array, "N"], Bool[Array, "N"]]:
    """Who is a user, what is an item."""
    item = labels_of(graph, "0 = user, 1 = item") > 0
    return graph.node_mask & ~item, item


def _links(graph: BitGraph) -> Bool[Array, "N N"]:
    """bool[users, items]."""
    user, item = _sides(graph)
    return adjacency(graph) & user[:, None] & item


def _exposure(graph: BitGraph) -> Float[Array, ""]:
    _, item = _sides(graph)
    d = _links(graph).sum(0).astype(jnp.float32)
    apart = jnp.where(item[:, None] & item, jnp.abs(d[:, None] - d), 0.0).sum()
    total = d.sum()
    return jnp.where(total > 0, 1 - apart / jnp.maximum(2 * item.sum() * total, 1), 0.0)


def _diversity(graph: BitGraph) -> Float[Array, ""]:
    _, item = _sides(graph)
    d = _links(graph).sum(0).astype(jnp.float32)
    share = d / jnp.maximum(d.sum(), 1)
    return -xlogy(share, share).sum() / jnp.log(jnp.maximum(item.sum(), 2))


def _hit_rate(graph: BitGraph) -> Float[Array, ""]:
    user, _ = _sides(graph)
    hits = _links(graph)
    if graph.edge_features is not None:
        hits &= graph.edge_features[..., 0] > 0
    return hits.any(1).sum() / jnp.maximum(user.sum(), 1)


exposure = deterministic(_exposure, labels="side")
"""Equality of exposure: 1 - the Gini coefficient Σ_ij |d(i) - d(j)| / (2 k Σ_i d(i)) of the users of the k items.

1 where all items have equally many users, 1 / k where one has all of them; 0 without edges.
"""
diversity = deterministic(_diversity, labels="side")
"""Aggregate diversity: the Shannon entropy of the items' shares of all edges, over log k for k items.

1 where all items have equally many users, 0 where one has all of them, without edges and for a single item.
"""
hit_rate = deterministic(_hit_rate, labels="side")
"""The share of users with an edge to a relevant item: one whose first edge feature for that user is above 0.

Without edge features every item is relevant. Relevance is read where there is an edge; that of edges to come is given
beforehand, for all pairs.
"""
