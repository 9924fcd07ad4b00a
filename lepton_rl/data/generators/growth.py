"""Families that grow node by node: every step is taken by all graphs at once, graphs innermost."""

import numpy as np

from lepton_rl.data.generators.batch import EdgeBatch

__all__ = ["barabasi_albert", "holme_kim"]

_BIT = np.array([1, 2, 4, 8, 16, 32, 64, 128], np.uint8)


def _edges(ends: np.ndarray, num_nodes: int) -> EdgeBatch:
    """From int32[steps, 2, m, P]: targets, then their sources."""
    steps, _, m, count = ends.shape
    return EdgeBatch.equal(ends.transpose(3, 0, 2, 1).reshape(count, steps * m, 2), num_nodes)


def _prefer(rng: np.random.Generator, ends: np.ndarray, length: int, graphs: np.ndarray) -> np.ndarray:
    """A uniform one of the first ``length`` edge ends of each of ``graphs`` int[..., G], of ``ends`` int32[..., P]."""
    count = ends.shape[-1]
    place = rng.integers(length, size=graphs.shape, dtype=np.int32)
    return ends.reshape(-1).take(place.astype(np.int64) * count + graphs)


def _check(num_nodes: int, m: int) -> None:
    if not 1 <= m < num_nodes:
        raise ValueError(f"{m} edges for each new node of {num_nodes}: give 1 <= m < {num_nodes}.")


def barabasi_albert(rng: np.random.Generator, count: int, num_nodes: int, *, m: int = 2) -> EdgeBatch:
    """Barabási–Albert graphs as networkx >= 2.6 grows them: from a star of m + 1 nodes, m = 2 edges for each new node.

    Connected, with m (n - m) edges. A target is drawn in proportion to its degree, again where it repeats.
    Barabási & Albert, "Emergence of scaling in random networks", Science 286 (1999). ("ba" starts from m isolated
    nodes and is the one published test sets are made of.)

    Args:
        m: edges that a new node brings, 1 … n - 1.

    Raises:
        ValueError: ``m`` is none of these.
    """
    _check(num_nodes, m)
    ends = np.empty((num_nodes - m, 2, m, count), np.int32)  # every node once for each of its edges
    ends[0, 0], ends[0, 1] = 0, np.arange(1, m + 1)[:, None]
    graphs = np.broadcast_to(np.arange(count), (m, count))
    for step in range(1, num_nodes - m):
        length = 2 * m * step
        new = _prefer(rng, ends, length, graphs)
        for j in range(1, m):
            while (repeated := np.flatnonzero((new[:j] == new[j]).any(0))).size:
                new[j, repeated] = _prefer(rng, ends, length, repeated)
        ends[step, 0], ends[step, 1] = new, m + step
    return _edges(ends, num_nodes)


def _random_bit(rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """The place of a uniform set bit of each row of uint8[R, W], int64[R]; every row has one."""
    every, per_byte = np.arange(len(rows)), np.bitwise_count(rows)
    upto = per_byte.cumsum(-1, dtype=np.int32)
    rank = rng.integers(upto[:, -1])
    byte = (upto > rank[:, None]).argmax(-1)
    rank -= upto[every, byte] - per_byte[every, byte]
    bits = np.unpackbits(rows[every, byte, None], axis=-1, bitorder="little").cumsum(-1, dtype=np.int32)
    return 8 * byte + (bits > rank[:, None]).argmax(-1)


def _close_triangles(
    rng: np.random.Generator, neighbours: np.ndarray, anchor: np.ndarray, chosen: np.ndarray, p: float
) -> np.ndarray:
    """With probability ``p`` a neighbour of ``anchor`` int32[P] that is not among ``chosen`` int32[j, P], else -1."""
    graphs = np.flatnonzero(rng.random(len(anchor)) < p)
    candidates = neighbours[anchor[graphs], graphs]
    for node in chosen[:, graphs]:
        candidates[np.arange(len(graphs)), node >> 3] &= ~_BIT[node & 7]
    some = candidates.any(-1)
    picked = np.full(len(anchor), -1, np.int32)
    picked[graphs[some]] = _random_bit(rng, candidates[some])
    return picked


def holme_kim(rng: np.random.Generator, count: int, num_nodes: int, *, m: int = 2, p: float = 0.5) -> EdgeBatch:
    """Power-law cluster graphs: preferential attachment of m = 2 edges whose later ones close triangles with p = 0.5.

    Connected, with m (n - m) edges. From m isolated nodes; the first edge of a new node goes to a node drawn in
    proportion to its degree, any other with probability ``p`` to a neighbour of the node so drawn last, and by degree
    again where it doesn't or none is free. Holme & Kim, "Growing scale-free networks with tunable clustering", Phys.
    Rev. E 65 (2002). (networkx's version may repeat an edge and so loses some.)

    Args:
        m: edges that a new node brings, 1 … n - 1.
        p: probability of a triangle for each of them but the first.

    Raises:
        ValueError: ``m`` or ``p`` is out of range.
    """
    _check(num_nodes, m)
    if not 0 <= p <= 1:
        raise ValueError(f"triangles with probability {p}: give 0 … 1.")
    every, steps = np.arange(count), num_nodes - m
    ends = np.empty((m + 2 * m * steps, count), np.int32)
    ends[:m] = np.arange(m)[:, None]  # an isolated node counts as one of degree 1
    grown = ends[m:].reshape(steps, 2, m, count)
    neighbours = np.zeros((num_nodes, count, -(-num_nodes // 8)), np.uint8)  # bitset rows
    for step in range(steps):
        source, length, new = m + step, m + 2 * m * step, grown[step, 0]
        anchor = np.zeros(count, np.int32)
        for j in range(m):
            new[j] = _close_triangles(rng, neighbours, anchor, new[:j], p) if j else -1
            todo = by_degree = np.flatnonzero(new[j] < 0)
            while todo.size:
                new[j, todo] = _prefer(rng, ends, length, todo)
                todo = todo[(new[:j, todo] == new[j, todo]).any(0)]
            anchor[by_degree] = new[j, by_degree]
        for node in new:
            neighbours[node, every, source >> 3] |= _BIT[source & 7]
            neighbours[source, every, node >> 3] |= _BIT[node & 7]
        grown[step, 1] = source
    return _edges(grown, num_nodes)
