"""Pools of graphs into training, validation and test."""

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from lepton_rl.data.named import NamedGraph
from lepton_rl.data.splits.shares import assigned, sizes

__all__ = ["GraphSplits", "split_graphs"]


@dataclass(frozen=True, eq=False)
class GraphSplits:
    """Which graphs of a pool are for what.

    Attributes:
        train, valid, test: int64[k], positions in the pool, ascending.
        sha256: of each part: of its positions, and of its edges where graphs were given. ``seed``: of the draw.
        report: one line each.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    sha256: dict[str, str]
    seed: int
    report: tuple[str, ...] = field(default=())


def split_graphs(
    graphs: int | Sequence[NamedGraph], shares: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0
) -> GraphSplits:
    """Split a pool of graphs at random; graphs that look the same are kept in one part.

    Graphs look the same where the Weisfeiler–Lehman test (Shervashidze et al. 2011) cannot tell their structure apart:
    isomorphic graphs always, a few others too. Names, attributes and weights are not looked at.

    Args:
        graphs: the pool, or how many there are (then none are compared). ``shares``: of train, valid and test.
        seed: equal seeds give equal splits.

    Raises:
        DataError: no such shares, or a part would be empty.
    """
    total = graphs if isinstance(graphs, int) else len(graphs)
    wanted = sizes(total, shares)
    lines = [f"split {tuple(shares)} with seed {seed}"]
    group = np.arange(total)
    if not isinstance(graphs, int):
        group = _alike(graphs)
        weights = np.bincount(group)
        lines.append(f"{weights[weights > 1].sum()} graphs in {(weights > 1).sum()} groups that look the same")
    part = assigned(np.bincount(group, minlength=total), wanted, np.random.default_rng(seed))[group]
    found = {name: np.flatnonzero(part == i) for i, name in enumerate(("train", "valid", "test"))}
    lines.append(", ".join(f"{len(rows)} {name}" for name, rows in found.items()))
    hashes = {name: _hash(graphs, rows) for name, rows in found.items()}
    return GraphSplits(**found, sha256=hashes, seed=seed, report=tuple(lines))


def _alike(graphs: Sequence[NamedGraph]) -> np.ndarray:
    """Equal numbers int64[g] for graphs that look the same; degrees are compared first, being many times quicker."""
    rough: dict[Hashable, list[int]] = defaultdict(list)
    for i, graph in enumerate(graphs):
        out, into = (np.bincount(ends, minlength=graph.num_nodes) for ends in graph.edges.T)
        degrees = np.sort(out * (len(graph.edges) + 1) + into) if graph.directed else np.sort(out + into)
        rough[graph.directed, degrees.tobytes()].append(i)
    group = np.empty(len(graphs), np.int64)
    groups: dict[Hashable, int] = {}
    for key, members in rough.items():
        for i in members:
            fine = _looks(graphs[i]) if len(members) > 1 else ""
            group[i] = groups.setdefault((key, fine), len(groups))
    return group


def _looks(graph: NamedGraph) -> str:
    plain = nx.DiGraph() if graph.directed else nx.Graph()
    plain.add_nodes_from(range(graph.num_nodes))
    plain.add_edges_from(graph.edges.tolist())
    with warnings.catch_warnings():  # that its hashes differ from older versions': they are compared here and forgotten
        warnings.simplefilter("ignore", UserWarning)
        return nx.weisfeiler_lehman_graph_hash(plain, iterations=5)


def _hash(graphs: int | Sequence[NamedGraph], rows: np.ndarray) -> str:
    digest = hashlib.sha256(rows.astype("<i8").tobytes())
    for graph in [] if isinstance(graphs, int) else [graphs[i] for i in rows.tolist()]:
        digest.update(f"{graph.num_nodes} {len(graph.edges)};".encode())
        digest.update(graph.edges[np.lexsort(graph.edges.T[::-1])].astype("<i4").tobytes())
    return digest.hexdigest()
