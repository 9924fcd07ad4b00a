"""Curves of dismantling of any size, on the host: the largest component after every removal of a plan."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

__all__ = ["largest_component_curve"]


def largest_component_curve(edges: np.ndarray, num_nodes: int, order: np.ndarray) -> np.ndarray:
    """Nodes in the largest component after 0, 1, … removals, int64[T + 1].

    One pass backwards: what is left at the end falls into components at once, then nodes come back one by one and
    join the components of their neighbours by union and find. Removed nodes no longer count, not even as themselves.

    Args:
        edges: int[m, 2]. ``order``: int[T], the nodes in the order of their removal, each once.

    Raises:
        ValueError: a node is named twice, or is none.

    >>> largest_component_curve(np.array([[0, 1], [1, 2], [2, 3]]), 4, np.array([1, 2])).tolist()
    [4, 2, 1]
    """
    order, T = np.asarray(order, np.int64), len(order)
    if T and (order.min() < 0 or order.max() >= num_nodes or len(np.unique(order)) < T):
        raise ValueError(f"a plan names each of its nodes once, in 0 … {num_nodes - 1}; leave out what is -1.")
    time = np.full(num_nodes, T)
    time[order] = np.arange(T)
    ends = time[edges].min(1)  # an edge is there until its first end goes
    kept = ends == T
    size = int(kept.sum())
    matrix = coo_matrix((np.ones(size, np.int8), tuple(edges[kept].T)), (num_nodes, num_nodes))
    count, part = connected_components(matrix, directed=False)
    sizes = np.bincount(part, weights=time == T, minlength=count).astype(np.int64)
    back = np.argsort(-ends[~kept], kind="stable")
    pairs, when = part[edges[~kept][back]], ends[~kept][back]
    firsts = np.searchsorted(-when, -np.arange(T - 1, -2, -1))  # where each time's edges begin, the last time first
    return _come_back(pairs, firsts, sizes, part[order])


def _come_back(pairs: np.ndarray, firsts: np.ndarray, sizes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The curve from components of ``sizes``: nodes return, the last of ``order`` first, with their ``pairs``."""
    parent, size, T = list(range(len(sizes))), sizes.tolist(), len(order)
    largest = max(size, default=0)
    curve = [largest]
    for step in range(T):
        u = int(order[T - 1 - step])
        size[u] += 1
        total = u
        for other in np.unique(pairs[firsts[step] : firsts[step + 1]]).tolist():
            root = other
            while parent[root] != root:
                parent[root] = parent[parent[root]]
                root = parent[root]
            while parent[total] != total:
                total = parent[total]
            if root != total:
                small, large = (root, total) if size[root] < size[total] else (total, root)
                parent[small] = large
                size[large] += size[small]
                total = large
        largest = max(largest, size[total])
        curve.append(largest)
    return np.array(curve[::-1])
