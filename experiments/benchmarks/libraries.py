"""What other libraries take for the structural objectives: each by its own quickest way, with our conventions.

A library's graph is made once, outside of what is timed. ``PEERS`` says which library has which objective.
"""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import networkx as nx
import numpy as np

__all__ = ["PEERS", "evaluator", "installed"]

Function = Callable[[Any, list[int]], float]  # (the library's graph, communities) -> the objective


@cache
def _module(name: str) -> Any:
    return import_module(name)


def installed(library: str) -> bool:
    """Whether ``library`` can be imported."""
    return find_spec(library) is not None


def _to_igraph(graph: nx.Graph) -> Any:
    return _module("igraph").Graph(n=len(graph), edges=list(graph.edges))


def _to_rustworkx(graph: nx.Graph) -> Any:
    out = _module("rustworkx").PyGraph(multigraph=False)
    out.add_nodes_from(range(len(graph)))
    out.add_edges_from_no_data(list(graph.edges))
    return out


def _to_networkit(graph: nx.Graph) -> Any:
    out = _module("networkit").Graph(len(graph))
    for u, v in graph.edges:
        out.addEdge(u, v)
    return out


CONVERT: dict[str, Callable[[nx.Graph], Any]] = {
    "networkx": lambda graph: graph, "scipy": lambda graph: nx.to_scipy_sparse_array(graph, dtype=float, format="csr"),
    "igraph": _to_igraph, "rustworkx": _to_rustworkx, "networkit": _to_networkit,
}  # fmt: skip


def _pairs(sizes: Any) -> float:
    sizes = np.asarray(sizes)
    return float((sizes * (sizes - 1)).sum() / (sizes.sum() * (sizes.sum() - 1)))


def _share(sizes: Any) -> float:
    sizes = np.asarray(sizes)
    return float(sizes.max() / sizes.sum())


def _matrix(rows: Any) -> np.ndarray:
    """Distances with n for a pair without a path (infinite, negative or absurdly large in the libraries)."""
    steps = np.array(rows, float)
    return np.where((steps < 0) | (steps > len(steps)), len(steps), steps)


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)]


def _efficient(rows: Any) -> float:
    steps = _off_diagonal(_matrix(rows))
    return float(np.where(steps < len(rows), 1 / np.maximum(steps, 1), 0).mean())


def _mean_distance(rows: Any) -> float:
    return float(_off_diagonal(_matrix(rows)).mean())


def _igraph_average(graph: Any, labels: list[int]) -> float:
    return graph.average_path_length() if graph.is_connected() else _mean_distance(graph.distances())


DISTANCES: dict[str, Callable[[Any], Any]] = {
    "scipy": lambda matrix: _module("scipy.sparse.csgraph").shortest_path(matrix, unweighted=True),
    "igraph": lambda graph: graph.distances(),
    "rustworkx": lambda graph: _module("rustworkx").distance_matrix(graph, null_value=-1.0),
    "networkit": lambda graph: _module("networkit").distance.APSP(graph).run().getDistances(asarray=True),
}
SIZES: dict[str, Callable[[Any], Any]] = {
    "networkx": lambda graph: [len(part) for part in nx.connected_components(graph)],
    "scipy": lambda matrix: np.bincount(
        _module("scipy.sparse.csgraph").connected_components(matrix, directed=False)[1]
    ),
    "igraph": lambda graph: graph.connected_components().sizes(),
    "rustworkx": lambda graph: [len(part) for part in _module("rustworkx").connected_components(graph)],
    "networkit": lambda graph: list(
        _module("networkit").components.ConnectedComponents(graph).run().getComponentSizes().values()
    ),
}  # fmt: skip


def _laplacian(matrix: Any) -> np.ndarray:
    dense = matrix.toarray()
    return np.diag(dense.sum(1)) - dense


def _resistance(matrix: Any) -> float:
    """R = n Σ 1/μ over the eigenvalues μ > 0 of a connected graph's Laplacian, as a share of n²(n - 1) / 2."""
    n = matrix.shape[0]
    return float((1 / np.linalg.eigvalsh(_laplacian(matrix))[1:]).sum() * 2 / (n * (n - 1)))


def _of(measure: Callable[[Any], float], source: dict[str, Callable[[Any], Any]]) -> dict[str, Function]:
    """The same number from what each library finds."""
    return {library: partial(_after, measure, find) for library, find in source.items()}


def _after(measure: Callable[[Any], float], find: Callable[[Any], Any], graph: Any, labels: list[int]) -> float:
    return measure(find(graph))


def _parts(labels: list[int]) -> list[set[int]]:
    return [{node for node, label in enumerate(labels) if label == one} for one in set(labels)]


PEERS: dict[str, dict[str, Function]] = {
    "largest_component": _of(_share, SIZES),
    "pairwise_connectivity": _of(_pairs, SIZES),
    "algebraic_connectivity": {"scipy": lambda matrix, _: float(np.linalg.eigvalsh(_laplacian(matrix))[1])},
    "spectral_radius": {"scipy": lambda matrix, _: float(np.linalg.eigvalsh(matrix.toarray())[-1])},
    "natural_connectivity": {
        "scipy": lambda matrix, _: float(np.log(np.exp(np.linalg.eigvalsh(matrix.toarray())).mean()))
    },
    "effective_resistance": {"scipy": lambda matrix, _: _resistance(matrix)},
    "efficiency": {"networkx": lambda graph, _: nx.global_efficiency(graph), **_of(_efficient, DISTANCES)},
    "local_efficiency": {"networkx": lambda graph, _: nx.local_efficiency(graph)},
    "average_path": _of(_mean_distance, DISTANCES) | {"igraph": _igraph_average},
    "diameter": _of(lambda rows: float(_matrix(rows).max()), DISTANCES) | {
        "igraph": lambda graph, _: float(min(graph.diameter(unconn=False), graph.vcount()))
    },
    "transitivity": {
        "networkx": lambda graph, _: nx.transitivity(graph), "igraph": lambda graph, _: graph.transitivity_undirected(),
        "rustworkx": lambda graph, _: _module("rustworkx").transitivity(graph),
    },
    "clustering": {
        "networkx": lambda graph, _: nx.average_clustering(graph),
        "igraph": lambda graph, _: graph.transitivity_avglocal_undirected(mode="zero"),
    },
    "assortativity": {
        "networkx": lambda graph, _: nx.degree_assortativity_coefficient(graph),
        "igraph": lambda graph, _: graph.assortativity_degree(directed=False),
    },
    "modularity": {
        "networkx": lambda graph, labels: nx.community.modularity(graph, _parts(labels)),
        "igraph": lambda graph, labels: graph.modularity(labels),
    },
}  # fmt: skip


def evaluator(name: str, library: str, members: list[nx.Graph], communities: int) -> Callable[[], list[float]]:
    """What evaluates objective ``name`` of ``members`` by ``library``, one after the other; a node's community is its
    number modulo ``communities``."""
    function, graphs = PEERS[name][library], [CONVERT[library](graph) for graph in members]
    labels = [[node % communities for node in range(len(graph))] for graph in members]
    return lambda: [function(graph, each) for graph, each in zip(graphs, labels, strict=True)]
