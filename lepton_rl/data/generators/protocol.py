"""Random graphs by the protocol of RNet-DQN, bit for bit, so that published sets of graphs can be made again.

Darvariu, Hailes & Musolesi, "Goal-directed graph construction using reinforcement learning", Proc. R. Soc. A 477
(2021). The random streams are spelt out here rather than left to networkx, whose generators have changed since.
"""

import random
from collections.abc import Iterable

import networkx as nx

from lepton_rl.data.generators.batch import plain_graph

__all__ = ["barabasi_albert", "erdos_renyi"]

_BA_EDGES = 2  # edges that a new node brings
_ER_STRIDE = 1000  # a disconnected draw is tried again with the seed this much further on
_ER_TRIES = 100_000


def barabasi_albert(num_nodes: int, seed: int) -> nx.Graph:
    """Barabási–Albert graph as networkx 2.2 grew it: from 2 isolated nodes, 2 edges for each new node.

    Connected, with 2·(num_nodes - 2) edges on the nodes 0 … num_nodes - 1. (networkx >= 2.6 starts from a star.)

    Args:
        num_nodes: at least 3.
        seed: equal seeds give equal graphs, in every version of networkx.

    Raises:
        ValueError: fewer than 3 nodes.

    >>> list(barabasi_albert(5, seed=0).edges)
    [(0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4)]
    """
    if num_nodes < _BA_EDGES + 1:
        raise ValueError(f"a Barabási–Albert graph of {num_nodes} node(s): give at least {_BA_EDGES + 1}.")
    choice = random.Random(seed).choice
    edges: list[tuple[int, int]] = []
    ends: list[int] = []  # every node once for each of its edges: a uniform draw is preferential attachment
    targets = set(range(_BA_EDGES))
    for source in range(_BA_EDGES, num_nodes):
        edges += [(source, target) for target in targets]
        ends += targets
        ends += [source] * _BA_EDGES
        targets = set()
        while len(targets) < _BA_EDGES:
            targets.add(choice(ends))
    return plain_graph(num_nodes, edges)


def _gnm_edges(num_nodes: int, num_edges: int, seed: int) -> dict[tuple[int, int], None]:
    """G(n, m) with the random stream of ``networkx.gnm_random_graph``: pairs in the order drawn, lower node first."""
    choice = random.Random(seed).choice
    nodes = range(num_nodes)
    edges: dict[tuple[int, int], None] = {}
    while len(edges) < num_edges:
        u, v = choice(nodes), choice(nodes)
        if u != v:
            edges[(u, v) if u < v else (v, u)] = None
    return edges


def _connected(num_nodes: int, edges: Iterable[tuple[int, int]]) -> bool:
    """Union-find; quicker than building a networkx graph that may be thrown away."""
    root = list(range(num_nodes))

    def find(u: int) -> int:
        while root[u] != u:
            root[u] = root[root[u]]
            u = root[u]
        return u

    components = num_nodes
    for u, v in edges:
        a, b = find(u), find(v)
        if a != b:
            root[a] = b
            components -= 1
    return components == 1


def erdos_renyi(num_nodes: int, seed: int) -> nx.Graph:
    """Connected Erdős–Rényi graph G(n, m) with m = 20 % of all pairs, rounded up.

    A disconnected draw is discarded and drawn again with ``seed + 1000``, ``seed + 2000``, …

    Args:
        num_nodes: 2 or at least 9, so that m >= n - 1 edges can connect the nodes.
        seed: equal seeds give equal graphs.

    Raises:
        ValueError: so few nodes that 20 % of the pairs cannot connect them.

    >>> graph = erdos_renyi(20, seed=0)
    >>> graph.number_of_edges(), nx.is_connected(graph)
    (38, True)
    """
    num_edges = -(-num_nodes * (num_nodes - 1) // 10)  # ceil(0.2 n (n - 1) / 2) in whole numbers
    if num_nodes < 2 or num_edges < num_nodes - 1:
        raise ValueError(f"20 % of the pairs of {num_nodes} node(s) cannot connect them: give 2 or at least 9 nodes.")
    for attempt in range(_ER_TRIES):
        edges = _gnm_edges(num_nodes, num_edges, seed + _ER_STRIDE * attempt)
        if _connected(num_nodes, edges):
            return plain_graph(num_nodes, edges)
    raise ValueError(f"no connected graph in {_ER_TRIES} draws of {num_nodes} nodes: give another seed.")
