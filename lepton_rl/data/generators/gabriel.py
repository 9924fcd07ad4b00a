"""Planar graphs of points: what roads, pipes and cables look like."""

from dataclasses import replace

import numpy as np
from scipy.spatial import Delaunay

from lepton_rl.data.generators.batch import EdgeBatch, join

__all__ = ["gabriel", "gabriel_edges"]


def gabriel_edges(points: np.ndarray) -> np.ndarray:
    """Gabriel graph: two points are joined when no third lies in the disk whose diameter they span.

    Such edges are Delaunay edges, and a Delaunay edge is one unless a triangle at it has an obtuse angle opposite.

    Args:
        points: f64[n, 2] in general position (no three on a line, no four on a circle), n >= 3.

    Returns:
        int32[m, 2], the lower slot first, in lexicographic order.
    """
    triangles = np.sort(Delaunay(points).simplices, axis=-1).astype(np.int64)
    corner, a, b = triangles[:, [0, 1, 2, 1, 0, 2, 2, 0, 1]].reshape(-1, 3).T  # each corner and the edge opposite
    obtuse = ((points[a] - points[corner]) * (points[b] - points[corner])).sum(-1) < 0
    codes = a * len(points) + b
    kept = np.setdiff1d(codes, codes[obtuse])
    return np.stack(np.divmod(kept, len(points)), axis=-1).astype(np.int32)


def gabriel(rng: np.random.Generator, count: int, num_nodes: int) -> EdgeBatch:
    """Gabriel graphs of points drawn uniformly in the unit square: planar, connected, mean degree below 4.

    The batch has the points; networkx graphs have them as the attributes x and y of the nodes.
    Gabriel & Sokal, "A new statistical approach to geographic variation analysis", Syst. Zool. 18 (1969).

    Raises:
        ValueError: fewer than 3 nodes.
    """
    if num_nodes < 3:
        raise ValueError(f"a Gabriel graph of {num_nodes} nodes: give at least 3.")
    points = rng.random((count, num_nodes, 2))
    graphs = (gabriel_edges(each)[None] for each in points)
    return replace(join([EdgeBatch.equal(edges, num_nodes) for edges in graphs], num_nodes), points=points)
