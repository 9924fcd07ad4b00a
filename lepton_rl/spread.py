"""Spread of influence on graphs of any size, on the host: whom a cascade from given seeds reaches."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order

__all__ = ["cascade_sizes"]


def cascade_sizes(
    edges: np.ndarray, num_nodes: int, seeds: np.ndarray, probability: float | np.ndarray = 0.1, *, worlds: int = 64,
    seed: int = 0, directed: bool = False,
) -> np.ndarray:  # fmt: skip
    """Nodes that an independent cascade reaches in each of some random worlds, int64[worlds]; their mean is the spread.

    A world keeps every edge with its probability, and the cascade is a breadth-first search from all seeds at once
    (Kempe, Kleinberg & Tardos, KDD 2003, §2). An undirected edge is drawn once for both ways, which gives each way the
    same law, as no cascade asks it twice.

    Args:
        edges: int[m, 2]. ``seeds``: int[k], slots. ``probability``: of an edge, or f64[m] of each.
        worlds: how many. ``seed``: of their random numbers: equal seeds give equal worlds for any ``seeds``.

    Raises:
        ValueError: a seed that is no node, or a probability out of [0, 1].

    >>> cascade_sizes(np.array([[0, 1], [1, 2], [3, 4]]), 5, np.array([0]), 1.0, worlds=2).tolist()
    [3, 3]
    """
    seeds, chance = np.unique(seeds), np.asarray(probability, float)
    if len(seeds) and (seeds[0] < 0 or seeds[-1] >= num_nodes):
        raise ValueError(f"seeds are slots in 0 … {num_nodes - 1}; leave out what is -1.")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError("probabilities lie between 0 and 1.")
    rng, sizes = np.random.default_rng(seed), np.empty(worlds, np.int64)
    source = np.full(len(seeds), num_nodes)  # one more node, from which all seeds are reached
    for world in range(worlds):
        live = edges[rng.random(len(edges)) < chance]
        if not directed:
            live = np.concatenate([live, live[:, ::-1]])
        ends = np.concatenate([source, live[:, 0]]), np.concatenate([seeds, live[:, 1]])
        matrix = coo_matrix((np.ones(len(ends[0]), np.int8), ends), (num_nodes + 1, num_nodes + 1)).tocsr()
        sizes[world] = len(breadth_first_order(matrix, num_nodes, return_predecessors=False)) - 1
    return sizes
