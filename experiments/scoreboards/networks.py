"""Real networks from a folder of edge lists, and generated ones where there is none; synthetic ones to learn from."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from lepton_rl.data import DataError

__all__ = ["LARGEST_SYNTHETIC", "SocialNetwork", "generated_network", "published_auc", "read_network", "synthetic"]


class SocialNetwork(NamedTuple):
    """``edges`` int[m, 2], each once and without loops; ``nodes``: n, slots 0 … n - 1."""

    name: str
    edges: np.ndarray
    nodes: int


def read_network(folder: Path, name: str) -> SocialNetwork:
    """The network ``name``.txt, ``u v`` a line; nodes that have nothing but a loop count, loops and repeats do not.

    Raises:
        DataError: the file is missing or no list of pairs of whole numbers.
    """
    path = folder / f"{name}.txt"
    try:
        pairs = np.loadtxt(path, dtype=np.int64, usecols=(0, 1), ndmin=2)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no edge list of whole numbers, two a line: {error}") from None
    nodes = int(pairs.max()) + 1
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    return SocialNetwork(name, pairs, nodes)


def published_auc(folder: Path | None) -> dict[str, float]:
    """What published_auc.csv in ``folder`` says of each network; nothing where there is no such file."""
    path = None if folder is None else folder / "published_auc.csv"
    if path is None or not path.exists():
        return {}
    with path.open(newline="") as stream:
        return {row["Graph"]: float(row["AUC"]) for row in csv.DictReader(stream)}


def _largest_part(name: str, edges: np.ndarray, nodes: int) -> SocialNetwork:
    """The largest component, its nodes in a new order without gaps."""
    matrix = coo_matrix((np.ones(len(edges), np.int8), tuple(edges.T)), (nodes, nodes))
    part = connected_components(matrix, directed=False)[1]
    inside = part == np.bincount(part).argmax()
    slots = np.cumsum(inside) - 1
    return SocialNetwork(name, slots[edges[inside[edges[:, 0]]]], int(inside.sum()))


def _from_networkx(name: str, graph: nx.Graph) -> SocialNetwork:
    plain = nx.convert_node_labels_to_integers(nx.Graph(graph))
    plain.remove_edges_from(list(nx.selfloop_edges(plain)))
    return _largest_part(name, np.array(plain.edges, np.int64).reshape(-1, 2), len(plain))


def _power_law(n: int, rng: np.random.Generator, draw: int) -> nx.Graph:
    degrees = np.minimum(rng.zipf(2.1, n), n // 3)
    degrees[0] += degrees.sum() % 2
    return nx.configuration_model(degrees.tolist(), seed=draw)


def _communities(n: int, rng: np.random.Generator, draw: int) -> nx.Graph:
    inside, across = 16 / n, 0.6 / n
    return nx.stochastic_block_model([n // 4] * 4, np.eye(4) * (inside - across) + across, seed=draw)


_FAMILIES: tuple[Callable[[int, np.random.Generator, int], nx.Graph], ...] = (
    lambda n, rng, draw: nx.barabasi_albert_graph(n, 2, draw),
    lambda n, rng, draw: nx.powerlaw_cluster_graph(n, int(rng.integers(1, 5)), 0.5, draw),
    lambda n, rng, draw: nx.gnm_random_graph(n, int(n * rng.uniform(1.1, 2.5)), draw),
    lambda n, rng, draw: nx.watts_strogatz_graph(n, 4, 0.1, draw),
    lambda n, rng, draw: nx.random_geometric_graph(n, rng.uniform(1.3, 2) / np.sqrt(n), seed=draw),
    _power_law,
    lambda n, rng, draw: nx.barabasi_albert_graph(n, 6, draw),
    _communities,
)
LARGEST_SYNTHETIC = 0.5  # share of the nodes that a component has to have to be used


def synthetic(nodes: int, count: int, seed: int) -> list[SocialNetwork]:
    """``count`` largest components of random graphs of ``nodes`` nodes, from eight families in turn.

    Preferential attachment (2 and 6 edges a node, with triangles), sparse random, small worlds, random geometric,
    power-law degrees, communities.
    """
    rng = np.random.default_rng(seed)
    found: list[SocialNetwork] = []
    while len(found) < count:
        family = _FAMILIES[len(found) % len(_FAMILIES)]
        one = _from_networkx(f"synthetic {len(found)}", family(nodes, rng, int(rng.integers(2**31))))
        if one.nodes >= LARGEST_SYNTHETIC * nodes:
            found.append(one)
    return found


def generated_network(name: str) -> SocialNetwork:
    """A network called ``family-nodes``, as ba-1000, or one that networkx carries (les_miserables, karate)."""
    if name in ("les_miserables", "karate"):
        return _from_networkx(name, nx.les_miserables_graph() if name == "les_miserables" else nx.karate_club_graph())
    family, _, nodes = name.rpartition("-")
    made: dict[str, Callable[[int], nx.Graph]] = {
        "ba": lambda n: nx.barabasi_albert_graph(n, 2, 7),
        "sparse": lambda n: nx.gnm_random_graph(n, int(1.5 * n), 7),
        "geometric": lambda n: nx.random_geometric_graph(n, 1.6 / np.sqrt(n), seed=7),
    }
    return _from_networkx(name, made[family](int(nodes)))
