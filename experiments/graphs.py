"""Graphs for the command line: by file or name, and shuffles of one graph to train on while it is held out."""

import os
from collections import Counter
from dataclasses import fields, replace
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from experiments.reading import Reading
from lepton_rl.data import NAMED, Cleaning, Columns, DataError, NamedGraph, load, parts, read_graph
from lepton_rl.data.readers import node_table
from lepton_rl.data.sets import find
from lepton_rl.registry import near_match

__all__ = ["is_connected", "load_graphs", "shuffled"]


def load_graphs(text: str, reading: Reading = Reading()) -> list[NamedGraph]:  # noqa: B008 - frozen
    """The graphs that the user named: a data set or a file (one), a folder or a pattern (in the order of their names).

    Raises:
        ValueError: none of these; a knowledge graph; a file that cannot be read (the message says where).
    """
    if find(text) is not None:
        graph = load(text)
        if not isinstance(graph, NamedGraph):
            raise DataError(f"{text} is a knowledge graph: give a graph of nodes and edges (list datasets).")
        return [_part(_labelled(graph, reading), reading)]
    files = _files(text)
    if len(files) > 1 and reading.nodes is not None:
        raise ValueError("--nodes is the table of one graph: lay tables beside the files (net.nodes.csv by net.csv).")
    return _named_apart([_part(_read(file, reading), reading) for file in files])


def _named_apart(graphs: list[NamedGraph]) -> list[NamedGraph]:
    """Results go by name: files of one name in several folders get numbers."""
    seen: Counter[str] = Counter()
    apart = []
    for graph in graphs:
        seen[graph.name] += 1
        count = seen[graph.name]
        apart.append(graph if count == 1 else replace(graph, name=f"{graph.name}-{count}"))
    return apart


def _files(text: str) -> list[Path]:
    path = Path(text).expanduser()
    if path.is_dir():
        found, cure = sorted(path.iterdir()), f"{path} holds no graph file: give a folder of them (list formats)."
    elif set(text) & set("*?[") and not path.exists():
        found, cure = sorted(map(Path, glob(str(path), recursive=True))), f"no file matches '{text}'."
    elif path.suffix or os.sep in text or path.exists():
        return [path]
    else:
        raise ValueError(
            f"no file '{text}', nor a data set of that name.{near_match(text, NAMED)} Data sets: {', '.join(NAMED)}."
        )
    aside = {node_table(file) for file in found}
    files = [file for file in found if file.is_file() and not file.name.startswith(".") and file not in aside]
    if not files:
        raise DataError(cure)
    return files


def _read(file: Path, reading: Reading) -> NamedGraph:
    def given(kind: type) -> dict[str, Any]:
        return {field.name: getattr(reading, field.name) for field in fields(kind) if hasattr(reading, field.name)}

    graph = read_graph(
        file, reading.format, columns=Columns(**given(Columns)), cleaning=Cleaning(**given(Cleaning)),
        nodes=reading.nodes,
    )  # fmt: skip
    return _labelled(graph, reading)


def _labelled(graph: NamedGraph, reading: Reading) -> NamedGraph:
    return graph if reading.label is None else graph.labelled(reading.label)


def _part(graph: NamedGraph, reading: Reading) -> NamedGraph:
    """The part that the user asked for: a component, a core, a sample, in this order."""
    if reading.largest_component:
        graph = parts.largest_component(graph)
    if reading.core is not None:
        graph = parts.core(graph, reading.core)
    return graph if reading.sample is None else parts.sample(graph, reading.sample, reading.sampler)


def is_connected(edges: np.ndarray, num_nodes: int) -> bool:
    """Whether ``edges`` i32[m, 2] join all nodes."""
    joined = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(num_nodes, num_nodes))
    return int(connected_components(joined, directed=False, return_labels=False)) == 1


def _swap(
    edges: list[tuple[int, int]], tries: int, rng: np.random.Generator, oriented: bool
) -> list[tuple[int, int]]:
    """Exchange ends of random pairs of edges, ``tries`` times, where that makes no loop and no double edge.

    Of undirected edges, given with the lower slot first, either end may move; of oriented ones the targets do.
    """
    edges, present = list(edges), set(edges)
    picks = rng.integers(len(edges), size=(tries, 2)).tolist()
    for (i, j), flip in zip(picks, rng.random(tries) < 0.5, strict=True):
        (a, b), (c, d) = edges[i], edges[j][::-1] if flip and not oriented else edges[j]
        new = [(a, d), (c, b)] if oriented else [(min(a, d), max(a, d)), (min(c, b), max(c, b))]
        if len({a, b, c, d}) == 4 and not present & set(new):
            present -= {edges[i], edges[j]}
            present |= set(new)
            edges[i], edges[j] = new
    return edges


def shuffled(graph: NamedGraph, seed: int, sides: bool = False) -> NamedGraph:
    """A copy with edges swapped: every degree kept, and connected where ``graph`` is (Maslov & Sneppen 2002).

    Between a quarter and twice as many swaps are tried as there are edges, so that copies lie near and far. The
    attributes of an edge go with it. With ``sides`` every edge goes on joining a node of label 0 or less to one above.
    """
    rng = np.random.default_rng(seed)
    m, n = len(graph.edges), graph.num_nodes
    keep = is_connected(graph.edges, n)
    edges = [(int(u), int(v)) for u, v in graph.edges]
    if sides and graph.labels is not None:  # edges from users to items: swaps of their targets stay across
        edges = [(v, u) if graph.labels[u] > 0 else (u, v) for u, v in edges]
    left, stride = int(rng.integers(m // 4 + 1, 2 * m + 1)), max(m // 8, 1)
    while left > 0 and stride > 0:
        new = _swap(edges, stride, rng, graph.directed or sides)
        left -= stride
        if keep and not is_connected(np.array(new), n):
            stride //= 2  # fewer at a time, so that sparse graphs get anywhere
        else:
            edges = new
    name, ends = f"{graph.name} shuffled {seed}", np.array(edges, np.int32).reshape(-1, 2)
    ends = ends if graph.directed else np.sort(ends, axis=1)
    return replace(graph, name=name, edges=ends, report=())
