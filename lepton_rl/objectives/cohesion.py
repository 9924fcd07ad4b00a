"""Objectives of how tightly nodes keep together: triangles, degrees of neighbours, communities."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, degree, num_nodes, unpack_bits
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, REBUILT, Edit, Objective, deterministic, no_noise
from lepton_rl.objectives.critical_fraction import fold
from lepton_rl.structure import clustering as local_clustering
from lepton_rl.weights import strength, weights

__all__ = ["assortativity", "clustering", "modularity", "transitivity", "triangles"]


@struct.dataclass
class Triangles:
    """``value`` f32[]; ``triangles`` i32[N]: those that each node is a corner of."""

    value: Float[Array, "*B"]
    triangles: Int[Array, "*B N"]


def triangles(graph: BitGraph) -> Int[Array, "N"]:
    """Triangles that each node of an undirected graph is a corner of, i32[N]: edges among its neighbours."""

    def step(acc: Array, row: Array, joined: Array) -> Array:
        common = jax.lax.population_count(graph.rows & row).sum(-1).astype(jnp.int32)
        return acc + jnp.where(joined, common, 0)

    return fold(step, jnp.zeros(graph.capacity, jnp.int32), graph.rows, adjacency(graph)) // 2


def _pairs_of_neighbours(graph: BitGraph) -> Float[Array, "N"]:
    d = degree(graph).astype(jnp.float32)
    return d * (d - 1) / 2


def _transitivity(graph: BitGraph, corners: Int[Array, "N"]) -> Float[Array, ""]:
    return corners.astype(jnp.float32).sum() / jnp.maximum(_pairs_of_neighbours(graph).sum(), 1)


def _mean_clustering(graph: BitGraph, corners: Int[Array, "N"]) -> Float[Array, ""]:
    if graph.directed:
        shares = local_clustering(graph)[:, 0]
    else:
        shares = corners.astype(jnp.float32) / jnp.maximum(_pairs_of_neighbours(graph), 1)
    return shares.sum() / jnp.maximum(num_nodes(graph), 1)


def _of_triangles(measure: Callable[[BitGraph, Int[Array, "N"]], Float[Array, ""]], directed: bool) -> Objective:
    """The objective ``measure(graph, triangles)``, whose triangles follow the edges.

    An edge makes as many triangles as its ends have common neighbours, each of which is a corner of one. Only a graph
    that was rebuilt is counted again.
    """

    def init(graph: BitGraph, noise: tuple[()]) -> Triangles:
        corners = triangles(graph)
        return Triangles(value=measure(graph, corners), triangles=corners)

    def update(carry: Triangles, edit: Edit, graph_after: BitGraph, noise: tuple[()]) -> Triangles:
        def followed() -> Triangles:
            common = unpack_bits(graph_after.rows[edit.u] & graph_after.rows[edit.v], graph_after.capacity)
            slots = jnp.arange(graph_after.capacity)
            more = jnp.where((slots == edit.u) | (slots == edit.v), common.sum(dtype=jnp.int32), common)
            sign = (edit.operation == EDGE_ADDED).astype(jnp.int32) - (edit.operation == EDGE_REMOVED)
            corners = carry.triangles + sign * more
            return Triangles(value=measure(graph_after, corners), triangles=corners)

        return jax.lax.cond(anywhere(edit.operation == REBUILT), lambda: init(graph_after, ()), followed)

    return Objective(no_noise, init, update, directed=directed)


def _assortativity(graph: BitGraph) -> Float[Array, ""]:
    """Sums over the arcs u -> v; each node is the start of as many as its degree. Centred first: float32."""
    d = degree(graph)
    x, joined = d.astype(jnp.float32), d > 0
    mean = (x * x).sum() / jnp.maximum(x.sum(), 1)
    centred = jnp.where(joined, x - mean, 0.0)
    together = (jnp.where(adjacency(graph), centred, 0.0).sum(-1) * centred).sum()
    variance = (x * centred * centred).sum()
    varied = d.max() > jnp.where(joined, d, graph.capacity).min()
    return jnp.where(varied, together / jnp.where(varied, variance, 1.0), 0.0)


def _modularity(graph: BitGraph) -> Float[Array, ""]:
    """Over arcs, of which an undirected edge is two, so that one formula serves both kinds of graphs."""
    if graph.labels is None:
        raise ValueError("modularity reads communities from the graph's labels: give from_edges labels=.")
    # Bits where they do: they are read faster than numbers.
    dense, out = adjacency(graph) if graph.edge_features is None else weights(graph), strength(graph)
    into = dense.sum(0).astype(jnp.float32) if graph.directed else out
    arcs = jnp.where(out.sum() > 0, out.sum(), 1.0)

    def step(acc: Array, label: Array, row: Array, share: Array) -> Array:
        return acc + jnp.where(label == graph.labels, row - share * into, 0.0)

    return fold(step, jnp.zeros(graph.capacity), graph.labels, dense, out / arcs).sum() / arcs


transitivity = _of_triangles(_transitivity, directed=False)
"""Transitivity: the share of pairs of neighbours, over all nodes, that are joined; 0 where there is no pair."""
clustering = _of_triangles(_mean_clustering, directed=True)
"""The mean over nodes of the share of pairs of their neighbours that are joined, 0 at nodes without a pair.

Reference: Watts & Strogatz, "Collective dynamics of 'small-world' networks", Nature 393, 1998; on directed graphs
Fagiolo, "Clustering in complex directed networks", Physical Review E 76, 2007, as in ``lepton_rl.structure``.
"""
assortativity = deterministic(_assortativity)
"""Pearson correlation of the degrees at the two ends of an edge; 0 where it is undefined: all ends have one degree.

Reference: Newman, "Mixing patterns in networks", Physical Review E 67, 2003.
"""
modularity = deterministic(_modularity, labels="community", directed=True, weighted="positive")
"""Modularity of the partition that the labels give: the share of edges (of their weight) inside a community minus what
the degrees let expect; 0 without edges.

Reference: Newman, "Modularity and community structure in networks", PNAS 103, 2006; on directed graphs Leicht & Newman,
"Community structure in directed networks", Physical Review Letters 100, 2008.
"""
