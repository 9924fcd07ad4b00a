"""Gather, message, reduce: the only file that knows how a graph's neighbourhoods are laid out.

Two layouts, chosen by a static argument:

- *dense* (``max_degree=None``): a product with the unpacked adjacency, under ``vmap`` one batched matmul. On CPU it
  wins whenever the graph was just edited, at every size a ``BitGraph`` is meant for: deriving neighbour lists costs
  more than the product does.
- *lists* (``max_degree=D``): gathers unrolled over D neighbours, a single fused loop and O(N·D) memory; for "max" and
  for graphs that stay the same over many calls, where the lists are derived once.

An ``EdgeGraph`` has one layout only, its own lists (:mod:`lepton_rl.lists`); what an episode changed is put right.

An undirected graph is its own transpose, so the backward pass of a sum is the same sum over the cotangents: a gather
again, never a scatter-add (which XLA runs on one thread on CPU and as compare-and-swap loops on GPU).
Letters: N node slots, D width (or the static largest degree of the lists).
"""

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lepton_rl.edge_graph import EdgeGraph, base_holds
from lepton_rl.graph import BitGraph, degree, neighbours, unpack_bits
from lepton_rl.lists import fold_lists, fold_rows
from lepton_rl.storage import Graph

__all__ = ["Reduce", "aggregate", "aggregate_messages", "over_neighbours", "present_edge_features"]

Reduce = Literal["sum", "mean", "max"]
UNROLL = 64  # neighbours gathered in one fused loop; beyond, the compile time grows and nothing is won


def aggregate(
    h: Float[Array, "N D"], graph: Graph, reduce: Reduce = "sum", max_degree: int | None = None
) -> Float[Array, "N D"]:
    """Reduce the embeddings of every node's out-neighbours, f32[N, D]; 0 where there is none.

    Args:
        h: one row a node slot; finite at absent nodes (their values are never used).
        graph: whose neighbourhoods are meant.
        reduce: "mean" divides by the degree, so that its size does not grow with the graph.
        max_degree: None = dense layout; else neighbour lists of that static length. A node with more neighbours turns
            the whole result into NaN: a cap that drops neighbours is never silent. Large graphs have lists anyway.

    >>> from lepton_rl.graph import from_edges
    >>> path = from_edges([(0, 1), (1, 2)], num_nodes=3)
    >>> aggregate(jnp.array([[1.0], [2.0], [4.0]]), path).tolist()
    [[2.0], [5.0], [2.0]]
    """
    if isinstance(graph, EdgeGraph):
        if reduce == "max":
            return _finite(over_neighbours(h, graph, "maximum", -jnp.inf))
        leaves, structure = jax.tree.flatten(graph)  # plain containers: cotangents are made in their form
        total = _large_sum(structure, False, h, leaves)
        return total if reduce == "sum" else total / _at_least_one(graph, h)
    graph = _bits(graph)
    if reduce == "max":
        return _largest(h, graph, max_degree)
    layout = (graph.rows,) if max_degree is None else _lists(graph, max_degree)
    total = _sum(h, layout) if graph.directed else _undirected_sum(h, layout)
    return total if reduce == "sum" else total / _at_least_one(graph, h)


def aggregate_messages(messages: Float[Array, "N N D"], graph: Graph, reduce: Reduce = "sum") -> Float[Array, "N D"]:
    """Reduce messages that differ by edge, ``messages[i, j]`` from j to i, over the out-neighbours j of i.

    Written as a function of ``messages``, so that XLA fuses the making of the messages with their reduction.
    """
    present = unpack_bits(_bits(graph).rows, graph.capacity)[..., None]
    if reduce == "max":
        return _finite(jnp.where(present, messages, -jnp.inf).max(1))
    total = jnp.where(present, messages, 0.0).sum(1)
    return total if reduce == "sum" else total / _at_least_one(graph, messages)


def present_edge_features(graph: Graph) -> Float[Array, "N N Fe"] | None:
    """The edge features with zeros where there is no edge, so that nothing stored there reaches a gradient."""
    if isinstance(graph, EdgeGraph) or (graph := _bits(graph)).edge_features is None:
        return None
    return jnp.where(unpack_bits(graph.rows, graph.capacity)[..., None], graph.edge_features, 0.0)


def over_neighbours(
    values: Array, graph: EdgeGraph, combine: str, nothing: Any, against: bool = False
) -> Array:
    """Reduce ``values`` [N] or [N, D] over every node's out-neighbours in a large graph as it stands.

    A sum takes back what the base says wrongly of the L pairs in the delta. A maximum or minimum cannot: nodes of such
    pairs are looked at once more, edge by edge, if there are any.

    Args:
        combine: "add", "maximum" or "minimum". ``nothing``: what it leaves unchanged; for nodes without neighbours.
        against: over in-neighbours.
    """
    lists = graph.into if against and graph.into is not None else graph.out
    cut = graph.cut.reshape(-1, *[1] * (values.ndim - 1))
    total = fold_lists(jnp.where(cut, nothing, values).astype(values.dtype), lists, combine, nothing)
    total = jnp.where(cut, nothing, total).astype(values.dtype)
    if not graph.max_edits:
        return total
    pairs, present = graph.delta.edges, graph.delta.present
    if not graph.directed:
        pairs, present = jnp.concatenate([pairs, pairs[:, ::-1]]), jnp.tile(present, 2)
    u, v = pairs[:, ::-1].T if against and graph.directed else pairs.T
    if combine == "add":
        wrong = present.astype(values.dtype) - jnp.resize(base_holds(graph), present.shape)
        return total.at[u].add(wrong.reshape(-1, *[1] * (values.ndim - 1)) * values[v])

    def anew(total: Array) -> Array:
        alive = fold_rows(values, lists, combine, nothing, u, v, graph.cut)
        beyond = jnp.where(u < 0, graph.capacity, u)
        total = total.at[beyond].set(alive, mode="drop")
        added = jnp.where(present.reshape(-1, *[1] * (values.ndim - 1)), values[v], nothing).astype(values.dtype)
        return getattr(total.at[beyond], {"maximum": "max", "minimum": "min"}[combine])(added, mode="drop")

    return jax.lax.cond(graph.delta.count > 0, anew, lambda total: total, total)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _large_sum(structure: Any, against: bool, h: Float[Array, "N D"], leaves: list[Array]) -> Float[Array, "N D"]:
    return over_neighbours(h, jax.tree.unflatten(structure, leaves), "add", 0.0, against)


def _large_forward(structure: Any, against: bool, h: Array, leaves: list[Array]) -> tuple[Array, list[Array]]:
    return _large_sum(structure, against, h, leaves), leaves


def _large_backward(structure: Any, against: bool, leaves: list[Array], cotangent: Array) -> tuple[Array, None]:
    return _large_sum(structure, not against, cotangent, leaves), None


_large_sum.defvjp(_large_forward, _large_backward)


def _bits(graph: Graph) -> BitGraph:
    if not isinstance(graph, BitGraph):
        raise TypeError(f"messages that differ by edge need bitset rows, a BitGraph; got {type(graph).__name__}.")
    return graph


def _at_least_one(graph: Graph, like: Array) -> Float[Array, "N 1"]:
    return jnp.maximum(degree(graph), 1).astype(like.dtype)[:, None]


def _finite(largest: Array) -> Array:
    """0 for the maximum over nothing, without a NaN in the gradient."""
    return jnp.where(largest == -jnp.inf, 0.0, largest)


def _lists(graph: BitGraph, max_degree: int) -> tuple[Array, Array]:
    """``(index i32[N, D], excess f32[])``: unused entries name the row after the last; excess is NaN if D is short."""
    index, mask, dropped = neighbours(graph, max_degree)
    return jnp.where(mask, index, graph.capacity), jnp.where(dropped > 0, jnp.nan, 0.0)


def _sum(h: Float[Array, "N D"], layout: tuple[Array, ...]) -> Float[Array, "N D"]:
    """The sum over a layout: ``(rows,)`` is dense, ``(index, excess)`` are lists."""
    if len(layout) == 1:
        return unpack_bits(layout[0], h.shape[0]).astype(h.dtype) @ h
    index, excess = layout
    padded = jnp.pad(h, ((0, 1), (0, 0)))
    return _fold(jnp.add, padded, index, jnp.zeros_like(h)) + excess


def _largest(h: Float[Array, "N D"], graph: BitGraph, max_degree: int | None) -> Float[Array, "N D"]:
    if max_degree is None:
        return aggregate_messages(jnp.broadcast_to(h, (h.shape[0], *h.shape)), graph, "max")
    index, excess = _lists(graph, max_degree)
    padded = jnp.pad(h, ((0, 1), (0, 0)), constant_values=-jnp.inf)
    return _finite(_fold(jnp.maximum, padded, index, jnp.full_like(h, -jnp.inf))) + excess


def _fold(combine: Any, padded: Array, index: Array, start: Array) -> Array:
    """Combine the rows that ``index`` names, one neighbour at a time: unrolled, they fuse into a single loop."""

    def one(total: Array, column: Array) -> tuple[Array, None]:
        return combine(total, padded[column]), None

    return jax.lax.scan(one, start, index.T, unroll=min(index.shape[1], UNROLL))[0]


_undirected_sum = jax.custom_vjp(_sum)


def _forward(h: Array, layout: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
    return _sum(h, layout), layout


def _backward(layout: tuple[Array, ...], cotangent: Array) -> tuple[Array, None]:
    return _sum(cotangent, layout), None


_undirected_sum.defvjp(_forward, _backward)
