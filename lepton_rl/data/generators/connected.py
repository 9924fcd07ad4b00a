"""Random graphs on condition that they are connected: draw, keep the connected ones, draw the others again."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lepton_rl.data.generators.batch import EdgeBatch, join

__all__ = ["connected", "until_connected"]

PATIENCE = 1000  # draws for one connected graph; hopeless parameters are told after as many


def connected(graphs: EdgeBatch) -> np.ndarray:
    """bool[P]: whether each graph has one component."""
    total = graphs.size * graphs.num_nodes
    graph, ends = graphs.flat()
    u, v = graph * graphs.num_nodes + ends.T
    union = coo_array((np.ones(len(u), np.int8), (u, v)), shape=(total, total))
    labels = connected_components(union, directed=False)[1].reshape(graphs.size, graphs.num_nodes)
    return (labels == labels[:, :1]).all(-1)


def until_connected(draw: Callable[[int], EdgeBatch], count: int, cure: str) -> EdgeBatch:
    """``count`` graphs with the law of ``draw(number)``, on condition that they are connected.

    Raises:
        ValueError: hardly a draw is connected; the message ends with ``cure``.
    """
    slots, parts, filled, draws = np.arange(count), [], [], 0
    while slots.size:
        graphs = draw(slots.size)
        good = connected(graphs)
        parts.append(graphs.take(good))
        filled.append(slots[good])
        draws, slots = draws + slots.size, slots[~good]
        if draws > PATIENCE * (1 + count - slots.size):
            raise ValueError(f"fewer than one draw in {PATIENCE} is connected: {cure}.")
    return join(parts, graphs.num_nodes).take(np.argsort(np.concatenate(filled)))
