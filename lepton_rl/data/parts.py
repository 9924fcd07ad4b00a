"""Parts of a graph: components, cores and samples; each says in the report what was lost."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lepton_rl.data.named import NamedGraph
from lepton_rl.data.source import DataError
from lepton_rl.registry import resolve

__all__ = [
    "SAMPLERS", "core", "forest_fire", "largest_component", "random_walk", "sample", "snowball", "without_isolated",
]  # fmt: skip

SAMPLERS = {
    "snowball": "lepton_rl.data.parts:snowball",
    "random_walk": "lepton_rl.data.parts:random_walk",
    "forest_fire": "lepton_rl.data.parts:forest_fire",
}
_BURN = 0.7  # mean of the geometric number of neighbours a fire spreads to is _BURN / (1 - _BURN)
_RESTART = 0.15  # a walk starts over with this probability


def _matrix(graph: NamedGraph) -> csr_array:
    """The adjacency, directions left out, bool[n, n]."""
    u, v = graph.edges.T
    ends = np.concatenate([u, v]), np.concatenate([v, u])
    return csr_array((np.ones(2 * len(u), bool), ends), shape=(graph.num_nodes, graph.num_nodes))


def _said(graph: NamedGraph, part: NamedGraph, what: str) -> NamedGraph:
    line = f"{what}: {part.num_nodes} of {graph.num_nodes} nodes, {len(part.edges)} of {len(graph.edges)} edges kept"
    return part.reported(line)


def largest_component(graph: NamedGraph) -> NamedGraph:
    """The part induced by the largest (weakly) connected component, the first of equals."""
    count, labels = connected_components(_matrix(graph), directed=False)
    if count == 1:
        return graph
    largest = np.bincount(labels).argmax()
    part = graph.part(np.flatnonzero(labels == largest))
    return _said(graph, part, f"largest component of {count}")


def core(graph: NamedGraph, k: int) -> NamedGraph:
    """The k-core: what is left when nodes of fewer than ``k`` neighbours are removed until none is left.

    Raises:
        DataError: nothing is left.
    """
    matrix = _matrix(graph)
    kept = np.ones(graph.num_nodes, bool)
    while True:
        weak = kept & (matrix @ kept.astype(np.int32) < k)
        if not weak.any():
            break
        kept &= ~weak
    if not kept.any():
        raise DataError(f"{graph.name} has no {k}-core: give a smaller k.")
    return graph if kept.all() else _said(graph, graph.part(np.flatnonzero(kept)), f"{k}-core")


def without_isolated(graph: NamedGraph) -> NamedGraph:
    """The graph without the nodes that have no edge."""
    kept = np.unique(graph.edges)
    return graph if len(kept) == graph.num_nodes else _said(graph, graph.part(kept), "nodes with an edge")


def sample(graph: NamedGraph, nodes: int, method: str = "random_walk", seed: int = 0) -> NamedGraph:
    """The part induced by ``nodes`` nodes that a sampler visits first; the graph itself where it is no larger.

    Args:
        graph: directions are not looked at. ``nodes``: at least 1. ``method``: a name in :data:`SAMPLERS`.
        seed: equal seeds give equal samples.

    Raises:
        ValueError: fewer than one node; an unknown method.
    """
    if nodes < 1:
        raise ValueError(f"a sample of {nodes} nodes: give at least 1.")
    sampler: Callable[[csr_array, int, np.random.Generator], np.ndarray] = resolve(SAMPLERS, method, "sampler")
    if graph.num_nodes <= nodes:
        return graph
    chosen = sampler(_matrix(graph), nodes, np.random.default_rng(seed))
    return _said(graph, graph.part(chosen), f"{method.replace('_', ' ')} sample (seed {seed})")


class _Visits:
    """Nodes in the order of their first visit; starts are drawn anew whenever a sampler is stuck."""

    def __init__(self, size: int, wanted: int, rng: np.random.Generator) -> None:
        self.starts = iter(rng.permutation(size).tolist())
        self.seen = np.zeros(size, bool)
        self.order: list[int] = []
        self.wanted = wanted

    def start(self) -> int:
        """A node not seen yet."""
        return next(node for node in self.starts if not self.seen[node])

    def add(self, nodes: list[int]) -> list[int]:
        """Visit ``nodes``; those that were new, as far as they are wanted."""
        new = [node for node in nodes if not self.seen[node]][: self.wanted - len(self.order)]
        self.seen[new] = True
        self.order += new
        return new

    @property
    def full(self) -> bool:
        return len(self.order) >= self.wanted


def snowball(matrix: csr_array, nodes: int, rng: np.random.Generator) -> np.ndarray:
    """Breadth first from a random node: whole neighbourhoods, hubs too often (Goodman 1961)."""
    visits = _Visits(matrix.shape[0], nodes, rng)
    wave: list[int] = []
    while not visits.full:
        wave = wave or visits.add([visits.start()])
        wave = [new for node in wave for new in visits.add(rng.permutation(_neighbours(matrix, node)).tolist())]
    return np.array(visits.order)


def random_walk(matrix: csr_array, nodes: int, rng: np.random.Generator) -> np.ndarray:
    """A walk that starts over at its first node with probability 0.15 (Leskovec & Faloutsos 2006, §3.3.3)."""
    visits = _Visits(matrix.shape[0], nodes, rng)
    home = at = visits.start()
    stale = 0
    while not visits.full:
        stale = 0 if visits.add([at]) else stale + 1
        near = _neighbours(matrix, at)
        if stale > 100 * nodes or not len(near):
            home = at = visits.start()
            stale = 0
        else:
            at = home if rng.random() < _RESTART else int(near[rng.integers(len(near))])
    return np.array(visits.order)


def forest_fire(matrix: csr_array, nodes: int, rng: np.random.Generator) -> np.ndarray:
    """A fire that spreads to a geometric number of unburnt neighbours (Leskovec & Faloutsos 2006, §3.3.3)."""
    visits = _Visits(matrix.shape[0], nodes, rng)
    burning: list[int] = []
    while not visits.full:
        if not burning:
            burning = visits.add([visits.start()])
            continue
        near = _neighbours(matrix, burning.pop(0))
        unburnt = rng.permutation(near[~visits.seen[near]])
        burning += visits.add(unburnt[: rng.geometric(1 - _BURN) - 1].tolist())
    return np.array(visits.order)


def _neighbours(matrix: csr_array, node: int) -> np.ndarray:
    return matrix.indices[matrix.indptr[node] : matrix.indptr[node + 1]]
