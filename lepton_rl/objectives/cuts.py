"""Objectives of a set of nodes and the edges that it has on one, both or neither side: cuts, independent sets, covers.

All have one form, a weight a node that is in, plus what each edge earns by which of its ends are in. A changed label
changes the terms of its own edges, O(N); an edge that comes or goes changes one term.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, neighbour_mask, num_nodes
from lepton_rl.objectives.base import LABEL_SET, REBUILT, Edit, Objective, Weighted, labels_of, no_noise, weight_change
from lepton_rl.weights import pair_weights, unweighted, weight_of, weights

__all__ = ["crossing_weights", "cut", "independent_set", "vertex_cover"]

Earned = Callable[[Bool[Array, "..."], Bool[Array, "..."]], Bool[Array, "..."]]


@struct.dataclass
class Sides:
    """``value`` f32[]; ``total`` f32[]: the value before it is divided by the nodes; ``inside`` bool[N]: who is in."""

    value: Float[Array, "*B"]
    total: Float[Array, "*B"]
    inside: Bool[Array, "*B N"]


def _inside(graph: BitGraph) -> Bool[Array, "N"]:
    return labels_of(graph, "1 = on this side or chosen, -1 or 0 = not") > 0


def crossing_weights(graph: BitGraph) -> Float[Array, "N N"]:
    """What each pair of nodes earns ``cut`` when its ends are on two sides, f32[N, N]; symmetric, 0 without an edge."""
    each = weights(graph)
    return each + each.T if graph.directed else each


def _all_edges(graph: BitGraph, earned: Earned, inside: Bool[Array, "N"]) -> Float[Array, ""]:
    each = adjacency(graph) & earned(inside[:, None], inside)
    total = jnp.where(each, pair_weights(graph), 0.0).sum()
    return total if graph.directed else total / 2


def _turned(
    graph: BitGraph, earned: Earned, before: Bool[Array, "N"], after: Bool[Array, "N"], u: Array
) -> Float[Array, ""]:
    """By how much the edges of u earn more than before, of all nodes u alone having moved."""
    slots = jnp.arange(graph.capacity)
    more = earned(after[u], after).astype(jnp.float32) - earned(before[u], after)
    total = jnp.where(neighbour_mask(graph, u), more * weight_of(graph, u, slots), 0.0)
    if graph.directed:
        total += jnp.where(adjacency(graph)[:, u], more * weight_of(graph, slots, u), 0.0)
    return total.sum()


def _of_sides(
    labels: str, earned: Earned, node: float, edge: float, *, share: bool, weighted: bool = False,
    directed: bool = False,
) -> Objective:  # fmt: skip
    """``node`` · nodes inside + ``edge`` · edges that ``earned`` holds for, as a ``share`` of n or as it is.

    Args:
        earned: (one end is inside, the other is) -> whether the edge counts; symmetric.
        weighted: edges count with their first feature, where the graph has any.
    """

    def weighing(graph: BitGraph) -> BitGraph:
        return graph if weighted else unweighted(graph)

    def carry(graph: BitGraph, total: Float[Array, ""], inside: Bool[Array, "N"]) -> Sides:
        n = jnp.maximum(num_nodes(graph), 1).astype(jnp.float32)
        return Sides(total / n if share else total, total, inside)

    def init(graph: BitGraph, noise: tuple[()]) -> Sides:
        inside = _inside(graph)
        earnings = _all_edges(weighing(graph), earned, inside)
        return carry(graph, node * inside.sum() + edge * earnings, inside)

    def delta(state: Sides, edit: Edit, graph: BitGraph) -> Sides:
        graph, u, v = weighing(graph), edit.u, edit.v
        moved = jnp.where(earned(state.inside[u], state.inside[v]), weight_change(edit, graph), 0.0)
        inside = jnp.where(edit.operation == LABEL_SET, _inside(graph), state.inside)
        turned = _turned(graph, earned, state.inside, inside, u)
        entered = inside[u].astype(jnp.float32) - state.inside[u]
        return carry(graph, state.total + node * entered + edge * (moved + turned), inside)

    def update(state: Sides, edit: Edit, graph_after: BitGraph, noise: tuple[()]) -> Sides:
        rebuilt = anywhere(edit.operation == REBUILT)
        return jax.lax.cond(rebuilt, lambda: init(graph_after, ()), lambda: delta(state, edit, graph_after))

    reads: Weighted = "any" if weighted else ""
    return Objective(no_noise, init, update, labels=labels, directed=directed, weighted=reads)


cut = _of_sides("spin", lambda a, b: a ^ b, 0.0, 1.0, share=False, weighted=True, directed=True)
"""The number of edges between nodes of label +1 and -1, or their weight, the first edge feature; its maximum is MaxCut.

Edges of a directed graph count whichever way they cross.
"""
independent_set = _of_sides("chosen", lambda a, b: a & b, 1.0, -1.0, share=True)
"""(Chosen nodes - edges between them) / n, whose maximum is the size of a maximum independent set / n.

Of any set, leave out one end of every edge inside: no more nodes go than edges do, so that the value does not fall, and
what is left is independent. Hence no set is worth more than the largest independent one.
"""
vertex_cover = _of_sides("chosen", lambda a, b: ~(a | b), -1.0, -1.0, share=True)
"""-(chosen nodes + edges without a chosen end) / n, whose maximum is - the size of a minimum vertex cover / n.

To any set, add one end of every edge that it leaves uncovered: no more nodes come than such edges go, so that the value
does not fall, and the result is a cover. Hence no set is worth more than the smallest cover. The nodes that are not
chosen are worth 1 + this value as an ``independent_set`` (Gallai 1959).
"""
