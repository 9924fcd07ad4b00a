"""Connected components, as a program; of large graphs: labels that sink along edges and jump along their own pointers.

FastSV keeps a forest of pointers to lower slots. A round offers every node the lowest grandparent among its neighbours,
hooks its parent and itself there, and halves the way to the root; few rounds suffice where diameters are small
(logarithmic as a rule, without a proven bound). The neighbours' minimum is gathered, as everything here is, and only N
pointers are scattered. Zhang, Azad & Hu, "FastSV: a distributed-memory connected component algorithm with fast
convergence", SIAM Conference on Parallel Processing for Scientific Computing, 2020.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency
from lepton_rl.message_passing import over_neighbours
from lepton_rl.storage import Graph

__all__ = ["component_counts", "component_labels"]


Lowest = Callable[[Int[Array, "N"]], Int[Array, "N"]]  # of labels, the lowest among every node's neighbours


def _dense_lowest(graph: BitGraph) -> Lowest:
    edges = adjacency(graph)
    joined = edges | edges.T if graph.directed else edges
    return lambda labels: jnp.where(joined, labels, graph.capacity).min(-1)


def _listed_lowest(graph: Any) -> Lowest:
    def lowest(labels: Int[Array, "N"]) -> Int[Array, "N"]:
        found = over_neighbours(labels, graph, "minimum", graph.capacity)
        if graph.directed:
            found = jnp.minimum(found, over_neighbours(labels, graph, "minimum", graph.capacity, against=True))
        return found

    return lowest


def component_labels(graph: Graph) -> Int[Array, "N"]:
    """The lowest slot of every node's component, i32[N]; of a directed graph, of its weak one. Absent: their own."""
    N = graph.capacity
    lowest = _dense_lowest(graph) if isinstance(graph, BitGraph) else _listed_lowest(graph)

    def round_(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        parent, grandparent, _ = state
        offer = lowest(grandparent)
        hooked = parent.at[parent].min(offer)
        parent = jnp.minimum(jnp.minimum(hooked, offer), grandparent)
        higher = parent[parent]
        return parent, higher, anywhere((higher != grandparent).any())

    own = jnp.arange(N, dtype=jnp.int32)
    return jax.lax.while_loop(lambda state: state[2], round_, (own, own, jnp.bool_(True)))[1]


def component_counts(graph: Graph) -> Int[Array, "N"]:
    """How many nodes have each slot as the lowest of their component, i32[N]; 0 at slots that are not the lowest."""
    return jnp.zeros(graph.capacity, jnp.int32).at[component_labels(graph)].add(graph.node_mask.astype(jnp.int32))
