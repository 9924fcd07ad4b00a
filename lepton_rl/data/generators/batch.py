"""Many graphs of one size as padded arrays of edges: what a stream hands over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

__all__ = ["EdgeBatch", "join", "plain_graph"]


@dataclass(frozen=True, eq=False)
class EdgeBatch:
    """P simple undirected graphs on the nodes 0 … num_nodes - 1.

    ``envs.pools.pool_from_edges`` makes start graphs of them, without a loop over graphs.

    Attributes:
        edges: int32[P, M, 2], each edge once, the lower node first; -1 from ``counts[i]`` on. M is the most edges of a
            graph here.
        counts: int32[P], edges of each graph.
        num_nodes: nodes of every graph.
        points: f64[P, n, 2], where the nodes lie, in families of graphs that lie somewhere; else None.
    """

    edges: np.ndarray
    counts: np.ndarray
    num_nodes: int
    points: np.ndarray | None = None

    @classmethod
    def equal(cls, edges: np.ndarray, num_nodes: int) -> EdgeBatch:
        """Graphs with M edges each: ``edges`` int[P, M, 2], ends of an edge in either order."""
        u, v = edges[..., 0], edges[..., 1]
        ordered = np.stack([np.minimum(u, v), np.maximum(u, v)], axis=-1, dtype=np.int32)
        return cls(ordered, np.full(len(edges), edges.shape[1], np.int32), num_nodes)

    @property
    def size(self) -> int:
        """Number of graphs P."""
        return len(self.counts)

    @property
    def present(self) -> np.ndarray:
        """bool[P, M]: where there is an edge and not padding."""
        return np.arange(self.edges.shape[1]) < self.counts[:, None]

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """All edges in a row: the graph of each, int64[E], and its ends, int32[E, 2]."""
        # By take: indexing pairs with a mask is ten times slower.
        ends = self.edges.reshape(-1, 2).take(np.flatnonzero(self.present), axis=0)
        return np.repeat(np.arange(self.size), self.counts), ends

    def take(self, which: np.ndarray) -> EdgeBatch:
        """The graphs ``which`` (indices or bool[P]), padded no more than they need."""
        counts = self.counts[which]
        points = None if self.points is None else self.points[which]
        return EdgeBatch(self.edges[which, : counts.max(initial=0)], counts, self.num_nodes, points)

    def members(self) -> list[np.ndarray]:
        """The edges of each graph, int32[m, 2]."""
        return [edges[:count] for edges, count in zip(self.edges, self.counts, strict=True)]


def join(parts: Sequence[EdgeBatch], num_nodes: int) -> EdgeBatch:
    """The graphs of all ``parts`` in one batch."""
    counts = np.concatenate([np.zeros(0, np.int32), *(part.counts for part in parts)])
    edges = np.full((len(counts), counts.max(initial=0), 2), -1, np.int32)
    begin = 0
    for part in parts:
        edges[begin : begin + part.size, : part.edges.shape[1]] = part.edges
        begin += part.size
    points = [part.points for part in parts if part.points is not None]
    return EdgeBatch(edges, counts, num_nodes, np.concatenate(points) if points else None)


def plain_graph(num_nodes: int, edges: Iterable[Sequence[int]], points: np.ndarray | None = None) -> nx.Graph:
    """The networkx graph of these edges on the nodes 0 … num_nodes - 1, in this order.

    Args:
        num_nodes: n. ``edges``: pairs of nodes. ``points``: f64[n, 2], kept as the nodes' attributes x and y.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(num_nodes))
    for node, (x, y) in enumerate([] if points is None else points.tolist()):
        graph.nodes[node].update(x=x, y=y)
    graph.add_edges_from(edges)
    return graph
