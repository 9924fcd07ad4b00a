"""Families whose edges are independent but for their number: G(n, p), G(n, m), stochastic blocks.

A pair of nodes is one number, its code: hi (hi - 1) / 2 + lo, 0 … K - 1 with K = n (n - 1) / 2.
"""

from collections.abc import Sequence

import numpy as np

from lepton_rl.data.generators.batch import EdgeBatch
from lepton_rl.data.generators.connected import until_connected

__all__ = ["decode", "gnm", "gnp", "stochastic_block", "subsets"]

_PART = 2**20  # pairs drawn at a time


def decode(codes: np.ndarray) -> np.ndarray:
    """The pairs of ``codes`` int[...], int32[..., 2], the lower node first."""
    hi = ((1 + np.sqrt(1 + 8.0 * codes)) / 2).astype(np.int32)  # exact: the root's error is far below its steps
    return np.stack([codes - hi * (hi - 1) // 2, hi], axis=-1, dtype=np.int32)


def _independent(rng: np.random.Generator, count: int, num_nodes: int, chances: np.ndarray) -> EdgeBatch:
    """Graphs that have the pair of code c with probability ``chances[c]``, f64[K]."""
    mask = np.empty((count, len(chances)), bool)
    width = max(_PART // count, 1)
    for begin in range(0, len(chances), width):
        part = chances[begin : begin + width]
        mask[:, begin : begin + width] = rng.random((count, len(part))) < part
    counts = mask.sum(-1, dtype=np.int32)
    edges = np.full((count, counts.max(), 2), -1, np.int32)
    edges[np.arange(edges.shape[1]) < counts[:, None]] = decode(np.flatnonzero(mask) % len(chances))
    return EdgeBatch(edges, counts, num_nodes)


def subsets(rng: np.random.Generator, count: int, size: int, total: int) -> np.ndarray:
    """Uniform random subsets of 0 … total - 1, int32[count, size], each in increasing order.

    Repeats are drawn again until there are none: the law is that of drawing one by one until ``size`` are found.
    """
    if 2 * size > total:
        mask = np.ones((count, total), bool)
        mask[np.arange(count)[:, None], subsets(rng, count, total - size, total)] = False
        return np.nonzero(mask)[1].reshape(count, size).astype(np.int32)
    chosen = np.sort(rng.integers(total, size=(count, size), dtype=np.int32), axis=-1)
    rows = np.arange(count)
    while rows.size:
        part = chosen[rows]
        repeated = part[:, 1:] == part[:, :-1]
        again = repeated.any(-1)
        rows, part, repeated = rows[again], part[again], repeated[again]
        part[:, 1:][repeated] = rng.integers(total, size=repeated.sum(), dtype=np.int32)
        part.sort(axis=-1)
        chosen[rows] = part
    return chosen


def _usual_degree(num_nodes: int) -> float:
    """Twice the mean degree from which on random graphs are connected as a rule."""
    return 2 * np.log(num_nodes)


def gnp(
    rng: np.random.Generator, count: int, num_nodes: int, *, p: float | None = None, connected: bool = True
) -> EdgeBatch:
    """Erdős–Rényi graphs G(n, p), every pair an edge with probability p = 2 ln(n) / n; connected ones.

    Gilbert, "Random graphs", Ann. Math. Stat. 30 (1959).

    Args:
        p: default min(1, 2 ln(n) / n), with which most draws are connected.
        connected: draw disconnected graphs again.

    Raises:
        ValueError: ``p`` is no probability, or so small that hardly a draw is connected.
    """
    p = min(1.0, _usual_degree(num_nodes) / num_nodes) if p is None else p
    if not 0 <= p <= 1:
        raise ValueError(f"G(n, p) with p = {p}: give a probability, 0 … 1.")
    chances = np.full(num_nodes * (num_nodes - 1) // 2, p)

    def draw(number: int) -> EdgeBatch:
        return _independent(rng, number, num_nodes, chances)

    return until_connected(draw, count, f"give p > {p:.3g}, or connected=False") if connected else draw(count)


def gnm(rng: np.random.Generator, count: int, num_nodes: int, *, m: int | None = None) -> EdgeBatch:
    """Erdős–Rényi graphs G(n, m), connected, with m = ceil(n ln n) edges ("er": 20 % of the pairs).

    Erdős & Rényi, "On random graphs I", Publ. Math. Debrecen 6 (1959).

    Args:
        m: default ceil(n ln n), or every pair where they are fewer: twice what connects most draws.

    Raises:
        ValueError: ``m`` edges cannot connect the nodes, are more than the pairs, or hardly ever connect them.
    """
    pairs = num_nodes * (num_nodes - 1) // 2
    m = min(pairs, int(np.ceil(_usual_degree(num_nodes) * num_nodes / 2))) if m is None else m
    if not num_nodes - 1 <= m <= pairs:
        raise ValueError(f"m = {m} edges on {num_nodes} nodes: give {num_nodes - 1} (a tree's) … {pairs} (every pair).")

    def draw(number: int) -> EdgeBatch:
        return EdgeBatch.equal(decode(subsets(rng, number, m, pairs)), num_nodes)

    return until_connected(draw, count, f"give m > {m}")


def stochastic_block(
    rng: np.random.Generator,
    count: int,
    num_nodes: int,
    *,
    sizes: Sequence[int] | None = None,
    p: Sequence[Sequence[float]] | np.ndarray | None = None,
    connected: bool = True,
) -> EdgeBatch:
    """Stochastic block model, connected: four equal blocks, edges with probability 0.5 within, 0.05 between.

    Holland, Laskey & Leinhardt, "Stochastic blockmodels: first steps", Social Networks 5 (1983).

    Args:
        sizes: nodes of each block, which are consecutive; default four blocks, equal but for rounding.
        p: f[blocks, blocks], symmetric: probability of an edge between two nodes of blocks a and b; default 0.5 where
            a = b, 0.05 elsewhere.
        connected: draw disconnected graphs again.

    Raises:
        ValueError: blocks that don't make up the nodes, ``p`` that doesn't fit them or is no probability, or hardly a
            draw is connected.
    """
    sizes = np.diff(np.linspace(0, num_nodes, 5).astype(int)).tolist() if sizes is None else list(sizes)
    table = np.where(np.eye(len(sizes), dtype=bool), 0.5, 0.05) if p is None else np.asarray(p, float)
    if min(sizes, default=0) < 1 or sum(sizes) != num_nodes:
        raise ValueError(f"blocks of {sizes} nodes: give sizes of at least 1 that sum to {num_nodes}.")
    if table.shape != (len(sizes), len(sizes)) or not ((table >= 0) & (table <= 1) & (table == table.T)).all():
        raise ValueError(f"p = {table.tolist()}: give a symmetric table of probabilities, one row a block of {sizes}.")
    block = np.repeat(np.arange(len(sizes)), sizes)
    lo, hi = decode(np.arange(num_nodes * (num_nodes - 1) // 2)).T

    def draw(number: int) -> EdgeBatch:
        return _independent(rng, number, num_nodes, table[block[lo], block[hi]])

    return until_connected(draw, count, "give larger p, or connected=False") if connected else draw(count)
