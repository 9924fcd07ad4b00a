"""Small worlds: rings whose edges are rewired one by one, by all graphs at once."""

from itertools import product

import numpy as np

from lepton_rl.data.generators.batch import EdgeBatch
from lepton_rl.data.generators.connected import until_connected

__all__ = ["watts_strogatz"]


def _rewire(rng: np.random.Generator, ends: np.ndarray, p: float) -> None:
    """Rewire ``ends`` int32[n, k / 2, P] in place: ``ends[u, j]`` is the far end of the j-th edge that u owns.

    A new end is uniform among the nodes that u is not joined to, as in networkx: one that is full keeps its edge.
    """
    num_nodes, half, count = ends.shape
    degree = np.full((num_nodes, count), 2 * half, np.int32)
    for j, u in product(range(half), range(num_nodes)):
        graphs = np.flatnonzero((rng.random(count) < p) & (degree[u] < num_nodes - 1))
        new, todo = np.full(len(graphs), u), np.arange(len(graphs))
        while todo.size:
            new[todo] = rng.integers(num_nodes, size=todo.size)
            v, where = new[todo], graphs[todo]
            joined = (ends[u][:, where] == v).any(0) | (ends[v, :, where] == u).any(-1)
            todo = todo[joined | (v == u)]
        degree[ends[u, j, graphs], graphs] -= 1
        degree[new, graphs] += 1
        ends[u, j, graphs] = new


def watts_strogatz(rng: np.random.Generator, count: int, num_nodes: int, *, k: int = 4, p: float = 0.1) -> EdgeBatch:
    """Watts–Strogatz small worlds, connected: a ring joined to its k = 4 nearest, each edge rewired with p = 0.1.

    n k / 2 edges. Watts & Strogatz, "Collective dynamics of small-world networks", Nature 393 (1998).

    Args:
        k: neighbours on the ring, even, 2 … n - 1.
        p: probability with which the far end of an edge moves to a node drawn at random; disconnected graphs are
            drawn again.

    Raises:
        ValueError: ``k`` or ``p`` is out of range.
    """
    if k % 2 or not 2 <= k < num_nodes:
        raise ValueError(f"a ring of {num_nodes} nodes joined to their k = {k} nearest: give an even k, 2 <= k < n.")
    if not 0 <= p <= 1:
        raise ValueError(f"rewiring with probability {p}: give 0 … 1.")
    nodes, half = np.arange(num_nodes, dtype=np.int32), k // 2
    ring = (nodes[:, None] + np.arange(1, half + 1, dtype=np.int32)) % num_nodes

    def draw(number: int) -> EdgeBatch:
        ends = np.repeat(ring[..., None], number, axis=-1)
        _rewire(rng, ends, p)
        owners = np.broadcast_to(nodes[:, None, None], ends.shape)
        return EdgeBatch.equal(np.stack([owners, ends]).transpose(3, 1, 2, 0).reshape(number, -1, 2), num_nodes)

    return until_connected(draw, count, f"give k > {k}, or p < {p:.3g}")
