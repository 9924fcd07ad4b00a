"""Networks of opinions: Reddit and Twitter from a folder, Watts–Strogatz generated, small ones to learn from."""

from pathlib import Path
from typing import NamedTuple

import networkx as nx
import numpy as np

from lepton_rl.data import DataError

__all__ = ["OpinionNetwork", "read_opinions", "small_world", "synthetic_opinions"]


class OpinionNetwork(NamedTuple):
    """``edges`` int[m, 2], each once; ``opinions`` f64[n], innate ones."""

    name: str
    edges: np.ndarray
    opinions: np.ndarray


def _table(path: Path, separator: str | None) -> np.ndarray:
    try:
        # The signature of a byte order mark that some files begin with is no part of a number.
        return np.loadtxt(path, delimiter=separator, encoding="utf-8-sig", ndmin=2)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no table of numbers: {error}") from None


def _joined(pairs: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Pairs as edges between places in ``present`` (sorted): each once, without direction, loops and strangers."""
    known = np.isin(pairs, present).all(1) & (pairs[:, 0] != pairs[:, 1])
    return np.unique(np.sort(np.searchsorted(present, pairs[known]), axis=1), axis=0)


def read_opinions(folder: Path, name: str) -> OpinionNetwork:
    """"reddit" or "twitter", opinions in [0, 1].

    Nodes of both are numbered from 1 in the edges; who has no opinion is left out. Reddit's opinions are in that order,
    Twitter's are the means of each user's messages; its edges are named once for either direction.

    Raises:
        DataError: a file is missing or unsound.
    """
    if name == "reddit":
        pairs = _table(folder / "reddit_edgelist.csv", ",").astype(np.int64)
        opinions = _table(folder / "reddit_innateop.csv", ",")[:, 1]
        return OpinionNetwork(name, _joined(pairs, np.arange(1, len(opinions) + 1)), opinions)
    pairs = _table(folder / "edges_twitter.txt", None).astype(np.int64)
    messages = _table(folder / "opinion_twitter.txt", None)
    users, place = np.unique(messages[:, 0].astype(np.int64), return_inverse=True)
    opinions = np.bincount(place, messages[:, 2]) / np.bincount(place)
    return OpinionNetwork(name, _joined(pairs, users), opinions)


def _of(name: str, graph: nx.Graph, rng: np.random.Generator) -> OpinionNetwork:
    """With opinions uniform in [0, 1]."""
    edges = np.array(nx.Graph(graph).edges, np.int64).reshape(-1, 2)
    return OpinionNetwork(name, edges[edges[:, 0] != edges[:, 1]], rng.random(len(graph)))


def small_world(nodes: int, seed: int) -> OpinionNetwork:
    """Watts & Strogatz's small world: 10 neighbours, rewired with probability 0.1."""
    graph = nx.watts_strogatz_graph(nodes, 10, 0.1, seed)
    return _of(f"watts_strogatz-{nodes}", graph, np.random.default_rng(seed))


def synthetic_opinions(nodes: int, count: int, seed: int) -> list[OpinionNetwork]:
    """Small worlds, sparse random graphs, preferential attachment with triangles and communities in turn."""
    rng, found = np.random.default_rng(seed), []
    for i in range(count):
        draw = int(rng.integers(2**31))
        graph = (
            lambda draw: nx.watts_strogatz_graph(nodes, 6, 0.1, draw),
            lambda draw: nx.gnm_random_graph(nodes, int(nodes * rng.uniform(2, 6)), draw),
            lambda draw: nx.powerlaw_cluster_graph(nodes, int(rng.integers(2, 7)), 0.5, draw),
            lambda draw: nx.planted_partition_graph(4, nodes // 4, 0.5, 0.05, draw),
        )[i % 4](draw)
        found.append(_of(f"synthetic {i}", nx.convert_node_labels_to_integers(graph), rng))
    return found
