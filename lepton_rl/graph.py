"""The editable graph: a bitset adjacency whose edits are total, O(1), and safe under ``jit`` and ``vmap``.

Everything is un-batched; ``jax.vmap`` is the batch. Letters: N node slots, W = ceil(N / 32) words a row,
F node features, Fe edge features. Bit v of ``rows[u]`` (word v // 32, bit v % 32) says that the edge u -> v is there.

An edit names two node slots. It is *total*: out-of-range slots, absent nodes and self-loops change nothing, so that
an agent's illegal action can never corrupt a state. Invariants kept by every function here: no self-loops, no edge
at an absent node, ``rows`` symmetric unless ``directed``, no bit at or beyond N.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, UInt32

from lepton_rl.storage import G, Graph, Slot, checked_pairs, padded, valid_pair

__all__ = [
    "BitGraph", "Graph", "absent_rows", "add_edge", "adjacency", "degree", "from_edges", "from_networkx", "has_edge",
    "isolate", "neighbour_mask", "neighbours", "num_edges", "num_nodes", "pack_bits", "pad", "permute", "remove_edge",
    "set_label", "to_networkx", "toggle_edge", "unpack_bits",
]  # fmt: skip

WORD = 32


@struct.dataclass
class BitGraph(Graph):
    """A graph of at most N nodes as bitset rows; the storage for N <= ~2,000.

    Attributes:
        rows: uint32[N, W], bit v of row u = edge u -> v.
        node_mask: bool[N], True = the node is present.
        node_features: f32[N, F] (F may be 0); zero at absent nodes.
        edge_features: f32[N, N, Fe] or None; read only where the edge is present.
        labels: f32[N] or None: what node edits write and objectives of nodes read (1 = chosen, spins ±1, opinions in
            [-1, 1], sides of a bipartite graph); zero at absent nodes.
        directed: static; when False, ``rows`` is symmetric.

    >>> graph = from_edges([(0, 1), (1, 2)], num_nodes=3)
    >>> bool(has_edge(graph, 0, 2)), int(num_edges(add_edge(graph, 0, 2)))
    (False, 3)
    """

    rows: UInt32[Array, "*B N W"]
    node_mask: Bool[Array, "*B N"]
    node_features: Float[Array, "*B N F"]
    edge_features: Float[Array, "*B N N Fe"] | None = None
    labels: Float[Array, "*B N"] | None = None
    directed: bool = struct.field(pytree_node=False, default=False)


def pack_bits(dense: Bool[Array, "... N"]) -> UInt32[Array, "... W"]:
    """Pack the last axis of a boolean array into uint32 words, bit i % 32 of word i // 32."""
    size = dense.shape[-1]
    words = -(-size // WORD)
    padded = jnp.pad(dense, [(0, 0)] * (dense.ndim - 1) + [(0, words * WORD - size)])
    lanes = padded.reshape(*dense.shape[:-1], words, WORD).astype(jnp.uint32)
    return (lanes << jnp.arange(WORD, dtype=jnp.uint32)).sum(-1, dtype=jnp.uint32)


def unpack_bits(words: UInt32[Array, "... W"], size: int) -> Bool[Array, "... size"]:
    """Inverse of :func:`pack_bits`: the first ``size`` bits of the last axis as booleans."""
    bits = (words[..., None] >> jnp.arange(WORD, dtype=jnp.uint32)) & 1
    return bits.reshape(*words.shape[:-1], words.shape[-1] * WORD)[..., :size].astype(bool)


def _bit(v: Array) -> Array:
    return jnp.uint32(1) << (v % WORD).astype(jnp.uint32)


@singledispatch
def has_edge(graph: BitGraph, u: Slot, v: Slot) -> Bool[Array, ""]:
    """Whether the edge u -> v is present; False for slots that name no pair of present nodes."""
    u, v, valid = valid_pair(graph, u, v)
    return valid & ((graph.rows[u, v // WORD] & _bit(v)) != 0)


@singledispatch
def edit_edge(graph: Any, u: Slot, v: Slot, operation: str) -> Any:
    """The graph with an edge added, removed or toggled (``operation``: "add", "remove", "toggle")."""
    u, v, valid = valid_pair(graph, u, v)

    def write(rows: Array, u: Array, v: Array) -> Array:
        word = rows[u, v // WORD]
        bit = jnp.where(valid, _bit(v), jnp.uint32(0))
        new = {"add": word | bit, "remove": word & ~bit, "toggle": word ^ bit}[operation]
        return rows.at[u, v // WORD].set(new)

    rows = write(graph.rows, u, v)
    return replace(graph, rows=rows if graph.directed else write(rows, v, u))


def add_edge(graph: G, u: Slot, v: Slot) -> G:
    """Return ``graph`` with the edge u -> v (and v -> u when undirected); no change where u, v is no valid pair."""
    return edit_edge(graph, u, v, "add")


def remove_edge(graph: G, u: Slot, v: Slot) -> G:
    """Return ``graph`` without the edge u -> v (and v -> u when undirected); total like :func:`add_edge`."""
    return edit_edge(graph, u, v, "remove")


def toggle_edge(graph: G, u: Slot, v: Slot) -> G:
    """Return ``graph`` with the edge u -> v (and v -> u when undirected) flipped; total like :func:`add_edge`."""
    return edit_edge(graph, u, v, "toggle")


@singledispatch
def isolate(graph: Any, u: Slot) -> Any:
    """Return ``graph`` without the edges of slot u, which stays present; no change where u is no present node."""
    u = jnp.asarray(u, jnp.int32)
    gone = (jnp.arange(graph.capacity) == u)[:, None]
    bits = jnp.where(jnp.arange(graph.rows.shape[-1]) == u // WORD, _bit(u), jnp.uint32(0))
    return replace(graph, rows=jnp.where(gone.any(), jnp.where(gone, 0, graph.rows & ~bits), graph.rows))


def set_label(graph: G, u: Slot, label: Float[Array, ""] | float) -> G:
    """Return ``graph`` with the label of slot u set; no change where u is no present node.

    Raises:
        ValueError: a graph without labels.
    """
    if graph.labels is None:
        raise ValueError("the graph has no labels to set: give from_edges labels=, or replace(graph, labels=…).")
    there = (jnp.arange(graph.capacity) == jnp.asarray(u, jnp.int32)) & graph.node_mask
    return replace(graph, labels=jnp.where(there, label, graph.labels))


def absent_rows(graph: BitGraph) -> UInt32[Array, "N W"]:
    """Rows of the complement; bits of u itself, of absent slots and beyond N are to be masked by the reader."""
    return ~graph.rows


def num_nodes(graph: Graph) -> Int[Array, ""]:
    """Number of nodes present, i32[]."""
    return graph.node_mask.sum(dtype=jnp.int32)


@singledispatch
def degree(graph: Any) -> Int[Array, "N"]:
    """Out-degree of every slot, i32[N] (the degree when undirected); 0 at absent nodes."""
    return jax.lax.population_count(graph.rows).sum(-1).astype(jnp.int32)


def num_edges(graph: Graph) -> Int[Array, ""]:
    """Number of edges, i32[]; an undirected edge counts once."""
    total = degree(graph).sum(dtype=jnp.int32)
    return total if graph.directed else total // 2


def adjacency(graph: BitGraph) -> Bool[Array, "N N"]:
    """Dense adjacency view, bool[N, N]."""
    return unpack_bits(graph.rows, graph.capacity)


def neighbour_mask(graph: BitGraph, u: Slot) -> Bool[Array, "N"]:
    """bool[N]: the out-neighbours of slot u (clipped into range)."""
    return unpack_bits(graph.rows[jnp.clip(u, 0, graph.capacity - 1)], graph.capacity)


def neighbours(graph: BitGraph, max_degree: int) -> tuple[Int[Array, "N D"], Bool[Array, "N D"], Int[Array, ""]]:
    """Neighbour-list (ELL) view: ``(index i32[N, D], mask bool[N, D], dropped i32[])`` with D = ``max_degree``.

    Neighbours come in increasing order; unused entries hold 0 with mask False. ``dropped`` counts the neighbours
    that did not fit, so that a cap is never silent: check it is 0.
    """
    dense = adjacency(graph)
    keys = jnp.where(dense, jnp.arange(graph.capacity, dtype=jnp.int32), graph.capacity)
    spare = max(max_degree - graph.capacity, 0)  # D may exceed N: one width for graphs of several capacities
    index = jnp.pad(jnp.sort(keys, axis=-1)[:, :max_degree], ((0, 0), (0, spare)), constant_values=graph.capacity)
    mask = index < graph.capacity
    dropped = jnp.maximum(degree(graph) - max_degree, 0).sum(dtype=jnp.int32)
    return jnp.where(mask, index, 0), mask, dropped


def permute(graph: BitGraph, order: Int[Array, "N"]) -> BitGraph:
    """Relabel: slot i of the result is slot ``order[i]`` of ``graph``."""
    dense = adjacency(graph)[order][:, order]
    edge = None if graph.edge_features is None else graph.edge_features[order][:, order]
    return replace(
        graph,
        rows=pack_bits(dense), node_mask=graph.node_mask[order], node_features=graph.node_features[order],
        edge_features=edge, labels=None if graph.labels is None else graph.labels[order],
    )  # fmt: skip


def pad(graph: BitGraph, capacity: int) -> BitGraph:
    """Return ``graph`` with ``capacity`` slots, the new ones absent.

    Raises:
        ValueError: ``capacity`` is below the present capacity.
    """
    extra = capacity - graph.capacity
    if extra < 0:
        raise ValueError(f"cannot pad {graph.capacity} slots to {capacity}: give a capacity of at least that many.")
    words = -(-capacity // WORD) - graph.rows.shape[1]
    edge = graph.edge_features
    return replace(
        graph,
        rows=jnp.pad(graph.rows, ((0, extra), (0, words))),
        node_mask=jnp.pad(graph.node_mask, (0, extra)),
        node_features=jnp.pad(graph.node_features, ((0, extra), (0, 0))),
        edge_features=None if edge is None else jnp.pad(edge, ((0, extra), (0, extra), (0, 0))),
        labels=None if graph.labels is None else jnp.pad(graph.labels, (0, extra)),
    )


def from_edges(
    edges: Sequence[tuple[int, int]] | np.ndarray,
    num_nodes: int,
    *,
    capacity: int | None = None,
    directed: bool = False,
    node_features: np.ndarray | None = None,
    edge_features: np.ndarray | None = None,
    labels: np.ndarray | None = None,
) -> BitGraph:
    """Build a graph on the host from slot pairs.

    Args:
        edges: int[m, 2], slots in [0, num_nodes); duplicates merge.
        num_nodes: nodes present, in slots 0 … num_nodes - 1.
        capacity: node slots N; default ``num_nodes``.
        directed: keep the direction of the pairs.
        node_features: f32[num_nodes, F]; default F = 0.
        edge_features: f32[num_nodes, num_nodes, Fe] or None.
        labels: f32[num_nodes] or None.

    Raises:
        ValueError: not pairs, a slot out of range, a self-loop, a capacity below ``num_nodes``, or features of
            another shape.
    """
    N = num_nodes if capacity is None else capacity
    pairs = checked_pairs(edges, num_nodes, N)
    dense = np.zeros((N, -(-N // WORD) * WORD), dtype=bool)
    dense[pairs[:, 0], pairs[:, 1]] = True
    if not directed:
        dense[pairs[:, 1], pairs[:, 0]] = True
    rows = np.packbits(dense, axis=1, bitorder="little").view("<u4")
    nodes = np.zeros((num_nodes, 0)) if node_features is None else node_features
    pairwise = None if edge_features is None else padded("edge_features", edge_features, (num_nodes, num_nodes), N)
    return BitGraph(
        rows=jnp.asarray(rows), node_mask=jnp.asarray(np.arange(N) < num_nodes),
        node_features=padded("node_features", nodes, (num_nodes,), N), edge_features=pairwise,
        labels=None if labels is None else padded("labels", np.asarray(labels)[:, None], (num_nodes,), N)[:, 0],
        directed=directed,
    )  # fmt: skip


def from_networkx(graph: nx.Graph, *, capacity: int | None = None) -> tuple[BitGraph, tuple[Hashable, ...]]:
    """Convert a networkx graph; slot i holds the i-th node of ``graph.nodes``. Returns ``(graph, names)``.

    Self-loops are dropped and parallel edges merge; attributes stay with networkx (encode them as features).
    """
    names = tuple(graph.nodes)
    slot = {name: i for i, name in enumerate(names)}
    edges = [(slot[u], slot[v]) for u, v in graph.edges() if u != v]
    return from_edges(edges, len(names), capacity=capacity, directed=graph.is_directed()), names


def to_networkx(graph: BitGraph, names: Sequence[Hashable] | None = None) -> nx.Graph:
    """Convert to networkx with the user's node names (default: slot numbers). Absent slots are left out."""
    out = nx.DiGraph() if graph.directed else nx.Graph()
    present: list[int] = np.flatnonzero(np.asarray(graph.node_mask)).tolist()
    label: dict[int, Hashable] = {i: i if names is None else names[i] for i in present}
    out.add_nodes_from(label.values())
    sources, targets = np.nonzero(np.asarray(adjacency(graph)))
    out.add_edges_from((label[int(u)], label[int(v)]) for u, v in zip(sources, targets, strict=True))
    return out
