"""The large graph: a frozen base of neighbour lists and what an episode has changed of it.

The same vocabulary as :class:`~lepton_rl.graph.BitGraph` (importing this module teaches the functions of
:mod:`lepton_rl.graph` the storage); edits are total here too, except that edits of edges may outgrow their list of L
pairs: those are refused and counted. Nodes may be isolated without limit. Letters: N node slots, L pairs.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from lepton_rl import graph as bits
from lepton_rl.delta import Delta, empty, look, write
from lepton_rl.lists import contains, make_lists
from lepton_rl.storage import Graph, Slot, checked_pairs, padded, valid_pair

__all__ = ["EdgeGraph", "base_holds", "from_edges", "on_base", "refused", "to_edges", "without_base"]

CHUNK = 128  # neighbours of an isolated node that are told at a time


@struct.dataclass
class EdgeGraph(Graph):
    """A graph of many nodes; the storage above ~2,000.

    Attributes:
        out: neighbour lists (:class:`~lepton_rl.lists.Lists`) of the base, shared and never batched. ``into``: those
            against the direction; None where edges have none.
        node_mask: bool[N], True = the node is present. ``labels``: f32[N] or None, see BitGraph.
        node_features: f32[N, F] (F may be 0).
        cut: bool[N], True = the node was isolated, and its edges in the base are dead.
        degrees: i32[N] out-degrees, kept up to date by every edit. ``delta``: edges that were set since.
        directed: static.
    """

    out: Any
    into: Any
    node_mask: Bool[Array, "*B N"]
    node_features: Float[Array, "*B N F"]
    cut: Bool[Array, "*B N"]
    degrees: Int[Array, "*B N"]
    delta: Delta
    labels: Float[Array, "*B N"] | None = None
    directed: bool = struct.field(pytree_node=False, default=False)

    @property
    def edge_features(self) -> None:
        """Large graphs have none."""

    @property
    def rows(self) -> NoReturn:
        """Refused, so that what reads whole matrices says why it does not work here."""
        raise TypeError(
            "this reads bitset rows (memory N²/8 bytes), which a large graph does not have: use what works on "
            "EdgeGraph too (see docs/large.md), or a part of the graph as a BitGraph."
        )

    @property
    def max_edits(self) -> int:
        """L (static)."""
        return self.delta.edges.shape[-2]


def from_edges(
    edges: Sequence[tuple[int, int]] | np.ndarray, num_nodes: int, *, capacity: int | None = None,
    directed: bool = False, node_features: np.ndarray | None = None, labels: np.ndarray | None = None,
    max_edits: int = 0,
) -> EdgeGraph:  # fmt: skip
    """Build a graph on the host from slot pairs; see :func:`lepton_rl.graph.from_edges`.

    Args:
        max_edits: L, pairs of nodes whose edge an episode may set; 0 where only nodes are edited.

    Raises:
        ValueError: as there; more than 2^31 - 1 arcs (an undirected edge is two).

    >>> ring = from_edges([(0, 1), (1, 2), (2, 0)], num_nodes=3, max_edits=1)
    >>> bits.remove_edge(ring, 2, 1).degrees.tolist()
    [2, 1, 1]
    """
    N = num_nodes if capacity is None else capacity
    pairs = checked_pairs(edges, num_nodes, N)
    u, v = pairs.T if directed else np.concatenate([pairs, pairs[:, ::-1]]).T
    out, into = make_lists(u, v, N), make_lists(v, u, N) if directed else None
    features = np.zeros((num_nodes, 0)) if node_features is None else node_features
    column = None if labels is None else np.asarray(labels)[:, None]
    return EdgeGraph(
        out, into, jnp.asarray(np.arange(N) < num_nodes), padded("node_features", features, (num_nodes,), N),
        jnp.zeros(N, bool), jnp.diff(out.starts),
        empty(max_edits, 2), None if column is None else padded("labels", column, (num_nodes,), N)[:, 0], directed,
    )  # fmt: skip


def without_base(graph: EdgeGraph) -> EdgeGraph:
    """What an episode owns of a graph; only :func:`on_base` can use it."""
    return replace(graph, out=None, into=None)


def on_base(graph: EdgeGraph, state: EdgeGraph) -> EdgeGraph:
    """``state`` (of :func:`without_base`) on the base of ``graph``."""
    return replace(state, out=graph.out, into=graph.into)


def refused(graph: EdgeGraph) -> Int[Array, ""]:
    """How many edits of edges were not made because the list of L pairs was full, i32[]; check it is 0."""
    return graph.delta.refused


def base_holds(graph: EdgeGraph) -> Bool[Array, "L"]:
    """Whether each pair of the delta has an edge in the base that isolating its ends has not killed, bool[L]."""
    u, v = graph.delta.edges[:, 0], graph.delta.edges[:, 1]
    return graph.delta.based & ~graph.cut[u] & ~graph.cut[v]


@bits.has_edge.register(EdgeGraph)
def _has_edge(graph: EdgeGraph, u: Slot, v: Slot) -> Bool[Array, ""]:
    u, v, valid = valid_pair(graph, u, v)
    return valid & _look(graph, *_ordered(graph, u, v))[0]


def _ordered(graph: EdgeGraph, u: Array, v: Array) -> tuple[Array, Array]:
    return (u, v) if graph.directed else (jnp.minimum(u, v), jnp.maximum(u, v))


def _look(graph: EdgeGraph, u: Array, v: Array) -> tuple[Array, Array]:
    """Of an ordered pair: whether the edge is there, and whether it is in the base."""
    based = contains(graph.out, u, v)
    known, present, _ = look(graph.delta, jnp.stack([u, v]))
    return jnp.where(known, present, based & ~graph.cut[u] & ~graph.cut[v]), based


@bits.edit_edge.register(EdgeGraph)
def _edit_edge(graph: EdgeGraph, u: Slot, v: Slot, operation: str) -> EdgeGraph:
    u, v, valid = valid_pair(graph, u, v)
    u, v = _ordered(graph, u, v)
    now, based = _look(graph, u, v)
    want = {"add": jnp.bool_(True), "remove": jnp.bool_(False), "toggle": ~now}[operation]
    delta, made = write(graph.delta, jnp.stack([u, v]), based, want, valid & (want != now))
    if not graph.max_edits:
        return replace(graph, delta=delta)
    change = jnp.where(made, jnp.where(want, 1, -1), 0)
    degrees = graph.degrees.at[u].add(change)
    return replace(graph, delta=delta, degrees=degrees if graph.directed else degrees.at[v].add(change))


@bits.isolate.register(EdgeGraph)
def _isolate(graph: EdgeGraph, u: Slot) -> EdgeGraph:
    N, u = graph.capacity, jnp.asarray(u, jnp.int32)
    slot = jnp.clip(u, 0, N - 1)
    there = (u == slot) & graph.node_mask[slot]
    lists = graph.out if graph.into is None else graph.into  # of those whose degree counts an edge to u
    begin, end = lists.starts[slot], lists.starts[slot + 1]

    def tell(i: Int[Array, ""], degrees: Int[Array, "N"]) -> Int[Array, "N"]:
        places = begin + CHUNK * i + jnp.arange(CHUNK)
        nodes = lists.targets[jnp.minimum(places, lists.targets.shape[0] - 1)]
        told = (places < end) & ~graph.cut[nodes]
        return degrees.at[jnp.where(told, nodes, N)].add(-1, mode="drop")

    chunks = jnp.where(there & ~graph.cut[slot], (end - begin + CHUNK - 1) // CHUNK, 0)
    degrees = jax.lax.fori_loop(0, chunks, tell, graph.degrees) if lists.widest else graph.degrees
    graph, degrees = _without_pairs(graph, jnp.where(there, slot, N), degrees)
    where = jnp.where(there, slot, N)
    return replace(graph, cut=graph.cut.at[where].set(True, mode="drop"), degrees=degrees.at[where].set(0, mode="drop"))


def _without_pairs(graph: EdgeGraph, u: Array, degrees: Array) -> tuple[EdgeGraph, Array]:
    """Nothing left of what the delta holds of node u; degrees that were told of the base's edges are put right."""
    if not graph.max_edits:
        return graph, degrees
    pairs, present = graph.delta.edges, graph.delta.present
    first, second = pairs[:, 0] == u, pairs[:, 1] == u
    wrong = base_holds(graph).astype(jnp.int32) - present
    degrees = degrees.at[pairs[:, 0]].add(jnp.where(second, wrong, 0))
    if not graph.directed:
        degrees = degrees.at[pairs[:, 1]].add(jnp.where(first, wrong, 0))
    return replace(graph, delta=replace(graph.delta, present=present & ~(first | second))), degrees


@bits.degree.register(EdgeGraph)
def _degree(graph: EdgeGraph) -> Int[Array, "N"]:
    return graph.degrees


def to_edges(graph: EdgeGraph) -> np.ndarray:
    """The edges as they stand, int32[m, 2] (host), the lower slot first where they have no direction."""
    starts, targets, cut = (np.asarray(part) for part in (graph.out.starts, graph.out.targets, graph.cut))
    sources = np.repeat(np.arange(graph.capacity, dtype=np.int32), np.diff(starts))
    kept = ~cut[sources] & ~cut[targets] & (graph.directed | (sources < targets))
    edges = np.stack([sources[kept], targets[kept]], axis=1)
    pairs, present = np.asarray(graph.delta.edges), np.asarray(graph.delta.present)
    used = pairs[:, 0] >= 0
    code = edges[:, 0].astype(np.int64) * graph.capacity + edges[:, 1]
    known = pairs[used, 0].astype(np.int64) * graph.capacity + pairs[used, 1]
    return np.concatenate([edges[~np.isin(code, known)], pairs[used & present]])
