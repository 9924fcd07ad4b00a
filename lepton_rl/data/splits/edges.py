"""Edges into training, validation and test, for link prediction."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

from lepton_rl.data.named import NamedGraph
from lepton_rl.data.source import DataError
from lepton_rl.data.splits.shares import assigned, fingerprint, sizes

__all__ = ["EdgeSplits", "split_edges"]

_PARTS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class EdgeSplits:
    """Edges to learn from, and pairs to predict.

    Attributes:
        train: the graph with its training edges and every node.
        valid, test: int32[k, 2], edges that are not in ``train``, as :class:`NamedGraph` writes them.
        valid_negatives, test_negatives: as many pairs that are no edge of the whole graph, each once over both parts;
            None unless asked for.
        sha256: of each part's edges by name, in any order. ``seed``: what the split was drawn with.
        report: one line each.
    """

    train: NamedGraph
    valid: np.ndarray
    test: np.ndarray
    valid_negatives: np.ndarray | None
    test_negatives: np.ndarray | None
    sha256: dict[str, str]
    seed: int
    report: tuple[str, ...] = field(default=())


def split_edges(
    graph: NamedGraph, shares: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0, negatives: bool = True,
    connected: bool = False,
) -> EdgeSplits:  # fmt: skip
    """Split the edges of a graph at random; an edge and its reciprocal are never in different parts.

    Args:
        graph: the whole graph. ``shares``: of train, valid and test; they sum to 1.
        seed: equal seeds give equal splits. ``negatives``: also sample pairs that are no edges, uniformly.
        connected: hold a random spanning forest in train, so that it has no more (weak) components than the graph.

    Raises:
        DataError: no such shares, a part would be empty, the forest alone is larger than train, or there are fewer
            pairs without an edge than negatives.
    """
    rng = np.random.default_rng(seed)
    ends = np.sort(graph.edges, axis=1).astype(np.int64)
    _, first, group, weights = np.unique(
        ends[:, 0] * graph.num_nodes + ends[:, 1], return_index=True, return_inverse=True, return_counts=True
    )
    wanted = sizes(len(graph.edges), shares)
    lines = [f"split {tuple(shares)} with seed {seed}"]
    held = np.zeros(len(weights), bool)
    if connected:
        held[_forest(ends[first], graph.num_nodes, rng)] = True
        lines.append(f"{held.sum()} edges of a spanning forest held in train")
        wanted[0] -= weights[held].sum()
        if wanted[0] < 0:
            raise DataError(
                f"a spanning forest of {graph.name} has {weights[held].sum()} of its {len(graph.edges)} edges, more "
                f"than a share of {shares[0]}: give train a larger one, or connected=False."
            )
    part = np.zeros(len(weights), np.int8)
    part[~held] = assigned(weights[~held], wanted, rng)
    rows = [np.flatnonzero(part[group] == i) for i in range(3)]
    data = None if graph.edge_data is None else graph.edge_data.take(pa.array(rows[0]))
    train = replace(graph, name=f"{graph.name} (train)", edges=graph.edges[rows[0]], edge_data=data)
    valid, test = graph.edges[rows[1]], graph.edges[rows[2]]
    missing: list[np.ndarray] | list[None] = [None, None]
    if negatives:
        missing = np.split(_non_edges(graph, len(valid) + len(test), rng), [len(valid)])
    hashes = {name: _hash(graph, edges) for name, edges in zip(_PARTS, (train.edges, valid, test), strict=True)}
    lines.append(f"{len(train.edges)} train, {len(valid)} valid and {len(test)} test edges")
    return EdgeSplits(train, valid, test, *missing, sha256=hashes, seed=seed, report=tuple(lines))


def _forest(pairs: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of ``pairs`` int64[g, 2] that make a spanning forest, drawn by random weights."""
    weights = 1.0 + rng.permutation(len(pairs))  # unique, so a weight says which row it came from
    tree = minimum_spanning_tree(csr_array((weights, (pairs[:, 0], pairs[:, 1])), shape=(size, size)))
    row = np.empty(len(pairs), np.int64)
    row[weights.astype(np.int64) - 1] = np.arange(len(pairs))
    return row[tree.data.astype(np.int64) - 1]


def _non_edges(graph: NamedGraph, count: int, rng: np.random.Generator) -> np.ndarray:
    """Different pairs without an edge, int32[count, 2]: ranks among them, drawn and then looked up."""
    n = graph.num_nodes
    u, v = graph.edges.T.astype(np.int64)
    # Pairs are numbered row by row; row u begins at starts[u].
    width = np.full(n, n - 1, np.int64) if graph.directed else np.arange(n - 1, -1, -1, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(width)])
    taken = np.sort(starts[u] + (v - (v > u) if graph.directed else v - u - 1))
    free = int(starts[-1]) - len(taken)
    if free < count:
        raise DataError(f"{graph.name} has {free} pairs without an edge, {count} are needed: give negatives=False.")
    ranks = rng.choice(free, count, replace=False)
    pairs = ranks + np.searchsorted(taken - np.arange(len(taken)), ranks, side="right")
    source = np.searchsorted(starts, pairs, side="right") - 1
    rest = pairs - starts[source]
    target = rest + (rest >= source) if graph.directed else rest + source + 1
    return np.stack([source, target], axis=1).astype(np.int32)


def _hash(graph: NamedGraph, edges: np.ndarray) -> str:
    """Of edges by name; an undirected edge begins with the name that sorts first."""
    names = graph.names.arrow()
    u, v = (names.take(pa.array(column)) for column in edges.T)
    if not graph.directed:
        low = pc.less_equal(u.cast(pa.large_binary()), v.cast(pa.large_binary()))
        u, v = pc.if_else(low, u, v), pc.if_else(low, v, u)
    return fingerprint([u, v])
