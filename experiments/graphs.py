"""Graphs for the command line: by file or name, and shuffles of one graph to train on while it is held out."""

import os
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lepton_rl.data import NAMED, DataError, NamedGraph, load, parts, read_graph
from lepton_rl.data.sets import find
from lepton_rl.registry import near_match

__all__ = ["is_connected", "load_graph", "load_graphs", "shuffled"]


def load_graph(text: str, largest_component: bool = False) -> NamedGraph:
    """The graph that the user named: a data set, or a file.

    Raises:
        ValueError: neither; a knowledge graph; a file that cannot be read (the message says where).
    """
    if find(text) is not None:
        graph = load(text)
        if not isinstance(graph, NamedGraph):
            raise DataError(f"{text} is a knowledge graph: give a graph of nodes and edges (list datasets).")
    elif Path(text).suffix or os.sep in text or Path(text).exists():
        graph = read_graph(text)
    else:
        raise ValueError(
            f"no file '{text}', nor a data set of that name.{near_match(text, NAMED)} Data sets: {', '.join(NAMED)}."
        )
    return parts.largest_component(graph) if largest_component else graph


def load_graphs(path: Path) -> list[NamedGraph]:
    """The graph of a file, or of every file of a folder in the order of their names.

    Raises:
        ValueError: nothing to read, or something that cannot be read.
    """
    if not path.is_dir():
        return [load_graph(str(path))]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not files:
        raise DataError(f"{path} holds no graph file: give a folder of edge lists, CSV or GraphML files.")
    return [read_graph(file) for file in files]


def is_connected(edges: np.ndarray, num_nodes: int) -> bool:
    """Whether ``edges`` i32[m, 2] join all nodes."""
    joined = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(num_nodes, num_nodes))
    return int(connected_components(joined, directed=False, return_labels=False)) == 1


def _swap(edges: list[tuple[int, int]], tries: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Exchange ends of random pairs of edges, ``tries`` times, where that makes no loop and no double edge."""
    edges, present = list(edges), set(edges)
    picks = rng.integers(len(edges), size=(tries, 2)).tolist()
    for (i, j), flip in zip(picks, rng.random(tries) < 0.5, strict=True):
        (a, b), (c, d) = edges[i], edges[j][::-1] if flip else edges[j]
        new = [(min(a, d), max(a, d)), (min(c, b), max(c, b))]
        if len({a, b, c, d}) == 4 and not present & set(new):
            present -= {edges[i], edges[j]}
            present |= set(new)
            edges[i], edges[j] = new
    return edges


def shuffled(graph: NamedGraph, seed: int) -> NamedGraph:
    """A copy with edges swapped: every degree kept, and connected where ``graph`` is (Maslov & Sneppen 2002).

    Between a quarter and twice as many swaps are tried as there are edges, so that copies lie near and far.
    """
    rng = np.random.default_rng(seed)
    m, n = len(graph.edges), graph.num_nodes
    keep = is_connected(graph.edges, n)
    edges = [(int(u), int(v)) for u, v in graph.edges]
    left, stride = int(rng.integers(m // 4 + 1, 2 * m + 1)), max(m // 8, 1)
    while left > 0 and stride > 0:
        new = _swap(edges, stride, rng)
        left -= stride
        if keep and not is_connected(np.array(new), n):
            stride //= 2  # fewer at a time, so that sparse graphs get anywhere
        else:
            edges = new
    return NamedGraph(f"{graph.name} shuffled {seed}", np.array(edges, np.int32), graph.names)
