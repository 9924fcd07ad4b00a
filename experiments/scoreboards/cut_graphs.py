"""Graphs of the MaxCut table: a folder of archives, or the same protocol's graphs generated."""

from pathlib import Path
from typing import NamedTuple

import networkx as nx
import numpy as np

from envs.pools import Pool, make_pool
from lepton_rl.data import DataError
from lepton_rl.graph import BitGraph, from_edges

__all__ = ["FIRST", "CutGraph", "generated", "pool_of", "read"]

FIRST = {"train": 0, "valid": 100_000, "test": 200_000}  # seeds of generated graphs
_FILES = {"ER": "p15", "BA": "m4"}


class CutGraph(NamedTuple):
    """``edges`` int[m, 2], ``weights`` int[m] of ±1, ``nodes``; ``best``: the largest cut known, or nan."""

    edges: np.ndarray
    weights: np.ndarray
    nodes: int
    best: float


def generated(family: str, nodes: int, split: str, count: int) -> list[CutGraph]:
    """Graphs by the protocol of the sets: ER with p = 0.15, BA with 4 edges a node, weights ±1 at equal odds."""
    graphs = []
    for seed in range(FIRST[split], FIRST[split] + count):
        rng = np.random.default_rng([seed, nodes])
        draw = int(rng.integers(2**31))
        graph = nx.gnp_random_graph(nodes, 0.15, draw) if family == "ER" else nx.barabasi_albert_graph(nodes, 4, draw)
        edges = np.array(graph.edges, np.int64).reshape(-1, 2)
        graphs.append(CutGraph(edges, rng.choice([-1, 1], len(edges)), nodes, np.nan))
    return graphs


def read(folder: Path, family: str, nodes: int, count: int) -> list[CutGraph]:
    """The first ``count`` graphs of a set.

    Raises:
        DataError: the file is missing or unsound.
    """
    path = folder / f"{family}_{nodes}spin_{_FILES[family]}_100graphs.npz"
    try:
        with np.load(path, allow_pickle=False) as found:
            edges, weights, ptr, best = (found[name] for name in ("edges", "weights", "ptr", "best_cut"))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path} is no set of graphs with edges, weights, ptr and best_cut: {error}") from None
    ends = zip(ptr[:count], ptr[1:], best, strict=False)
    weights = weights.astype(np.int64)  # archives hold single bytes, and sums of theirs end at 127
    return [CutGraph(edges[a:b].astype(np.int64), weights[a:b], nodes, float(value)) for a, b, value in ends]


def _bits(graph: CutGraph, labels: np.ndarray) -> BitGraph:
    features = np.zeros((graph.nodes, graph.nodes, 1), np.float32)
    u, v = graph.edges.T
    features[u, v, 0] = features[v, u, 0] = graph.weights
    return from_edges(graph.edges, graph.nodes, edge_features=features, labels=labels)


def pool_of(graphs: list[CutGraph], starts: int, seed: int) -> Pool:
    """Each graph with ``starts`` random labellings, in the order of the graphs."""
    rng = np.random.default_rng(seed)
    return make_pool([_bits(graph, rng.choice([-1.0, 1.0], graph.nodes)) for graph in graphs for _ in range(starts)])
