"""Start graphs: pools of one capacity that environments index, so that nothing is generated inside a step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Int

from lepton_rl.data.generators.batch import EdgeBatch
from lepton_rl.edge_graph import EdgeGraph, on_base, without_base
from lepton_rl.graph import WORD, BitGraph, pad

__all__ = ["Pool", "bucket", "make_pool", "make_pools", "pool_from_edges", "split", "take"]


@struct.dataclass
class Pool:
    """P start graphs of one capacity.

    Attributes:
        graphs: a BitGraph whose leaves have a leading axis P; or an EdgeGraph of which the base has none: P states of
            one large graph.
    """

    graphs: Any

    @property
    def size(self) -> int:
        """Number of graphs P (static)."""
        return self.graphs.node_mask.shape[0]

    @property
    def capacity(self) -> int:
        """Node slots N of every graph (static)."""
        return self.graphs.capacity

    def __getitem__(self, index: Int[Array, ""] | int) -> Any:
        """Graph ``index``, by value (jit- and vmap-able).

        Raises:
            IndexError: a Python ``index`` outside the pool; a traced one cannot be checked and is clipped by JAX.
        """
        if isinstance(index, int | np.integer) and not -self.size <= index < self.size:
            raise IndexError(f"graph {index} of a pool of {self.size}: give 0 … {self.size - 1}.")
        if isinstance(self.graphs, EdgeGraph):
            state = jax.tree.map(lambda leaf: leaf[index], without_base(self.graphs))
            return on_base(self.graphs, state)
        return jax.tree.map(lambda leaf: leaf[index], self.graphs)

    def whole(self, graph: Any) -> Any:
        """A graph as :meth:`owned` left it, with what all graphs of the pool share."""
        return on_base(self.graphs, graph) if isinstance(self.graphs, EdgeGraph) else graph

    def owned(self, graph: Any) -> Any:
        """What an episode owns of a graph, so that batches do not copy the rest: all but the base of an EdgeGraph."""
        return without_base(graph) if isinstance(self.graphs, EdgeGraph) else graph


def bucket(num_nodes: int) -> int:
    """The smallest capacity 32·2^k that holds ``num_nodes``."""
    capacity = 32
    while capacity < num_nodes:
        capacity *= 2
    return capacity


def make_pool(graphs: Sequence[Any], capacity: int | None = None) -> Pool:
    """Stack graphs into one pool.

    Args:
        graphs: at least one; all directed or all not, with equally wide features; or EdgeGraphs that were edited
            from one, whose base is kept once.
        capacity: node slots; default the common capacity where all agree (no slot wasted), else the bucket
            (32·2^k) of the largest.

    Raises:
        ValueError: no graph; graphs of different kinds; a capacity below a graph's.
    """
    if not graphs:
        raise ValueError("a pool needs at least one graph; got none.")
    first = graphs[0]
    if isinstance(first, EdgeGraph):
        return Pool(_on_one_base(first, graphs))
    kinds = {(g.directed, g.node_features.shape[-1], g.edge_features is None, g.labels is None) for g in graphs}
    if len(kinds) > 1:
        raise ValueError(
            f"graphs of one pool must agree in (directed, feature width, no edge features, no labels); got {kinds}."
        )
    sizes = {g.capacity for g in graphs}
    if capacity is None:
        capacity = sizes.pop() if len(sizes) == 1 else bucket(max(sizes))
    padded = (g if g.capacity == capacity else pad(g, capacity) for g in graphs)
    # Stacked by NumPy: an XLA program with one operand a graph compiles slowly.
    return Pool(jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *padded))


def _on_one_base(first: EdgeGraph, graphs: Sequence[Any]) -> EdgeGraph:
    if any(not isinstance(graph, EdgeGraph) or graph.out is not first.out for graph in graphs):
        raise ValueError("large graphs of one pool are states of one: they share its lists; make a pool of each.")
    states = [without_base(graph) for graph in graphs]
    return on_base(first, jax.tree.map(lambda *leaves: jnp.stack(leaves), *states))


def pool_from_edges(graphs: EdgeBatch, capacity: int | None = None) -> Pool:
    """A pool of the graphs of a stream: bitset rows of all of them at once, by NumPy.

    Where the nodes lie (gabriel) are their features, f32[N, 2]; other families have none.

    Args:
        graphs: at least one.
        capacity: node slots N; default ``graphs.num_nodes``.

    Raises:
        ValueError: no graph, or a capacity below the number of nodes.
    """
    N = graphs.num_nodes if capacity is None else capacity
    if not graphs.size or graphs.num_nodes > N:
        raise ValueError(
            f"{graphs.size} graph(s) of {graphs.num_nodes} nodes in {N} slots: give at least one graph, and at "
            f"least {graphs.num_nodes} slots."
        )
    P, W = graphs.size, -(-N // WORD)
    rows = np.zeros((P, N, W), np.uint32)
    graph, ends = graphs.flat()
    u, v = ends.T
    for a, b in ((u, v), (v, u)):
        word = (graph * N + a) * W + b // WORD
        np.bitwise_or.at(rows.reshape(-1), word, np.uint32(1) << (b % WORD).astype(np.uint32))
    mask = np.broadcast_to(np.arange(N) < graphs.num_nodes, (P, N))
    features = np.zeros((P, N, 0 if graphs.points is None else 2), np.float32)
    if graphs.points is not None:
        features[:, : graphs.num_nodes] = graphs.points
    return Pool(BitGraph(jnp.asarray(rows), jnp.asarray(mask), jnp.asarray(features)))


def take(pool: Pool, indices: Sequence[int]) -> Pool:
    """The graphs ``indices`` alone, at the least capacity that holds their nodes (slots in use come first)."""
    rows = np.asarray(indices)
    slots = int(np.flatnonzero(np.asarray(pool.graphs.node_mask)[rows].any(0)).max(initial=0)) + 1
    whole, edge = pool.graphs, pool.graphs.edge_features
    smaller = replace(
        whole,
        rows=whole.rows[rows, :slots, : -(-slots // WORD)], node_mask=whole.node_mask[rows, :slots],
        node_features=whole.node_features[rows, :slots],
        edge_features=None if edge is None else edge[rows, :slots, :slots],
        labels=None if whole.labels is None else whole.labels[rows, :slots],
    )  # fmt: skip
    return Pool(smaller)


def make_pools(graphs: Sequence[BitGraph]) -> dict[int, Pool]:
    """Graphs of different sizes as pools by bucket (32·2^k), one compile a bucket; within one the order is kept."""
    groups: dict[int, list[BitGraph]] = {}
    for graph in graphs:
        groups.setdefault(bucket(graph.capacity), []).append(graph)
    return {capacity: make_pool(members, capacity) for capacity, members in sorted(groups.items())}


def split(pool: Pool, fractions: Sequence[float], seed: int) -> tuple[Pool, ...]:
    """Split a pool at random into disjoint pools, one a fraction (they sum to 1), each with at least one graph.

    Raises:
        ValueError: fractions that are not positive or do not sum to 1, or fewer graphs than parts.
    """
    parts = len(fractions)
    if abs(sum(fractions) - 1) > 1e-6 or min(fractions) <= 0:
        raise ValueError(f"fractions must be positive and sum to 1; got {tuple(fractions)}.")
    if pool.size < parts:
        raise ValueError(f"{pool.size} graph(s) cannot be split into {parts} parts: give more graphs.")
    order = np.random.default_rng(seed).permutation(pool.size)
    # Rounded ends, moved as little as leaves every part a graph.
    least = np.arange(1, parts + 1)
    slack = np.clip(np.round(np.cumsum(fractions) * pool.size).astype(int) - least, 0, pool.size - parts)
    ends = np.maximum.accumulate(slack) + least
    members = np.split(order, ends[:-1])
    return tuple(Pool(jax.tree.map(lambda leaf, part=part: leaf[np.sort(part)], pool.graphs)) for part in members)
