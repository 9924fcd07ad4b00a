"""Influence maximisation by martingales (IMM) on graphs of any size, on the host, as its authors sample and stop.

Tang, Shi & Xiao, "Influence maximization in near-linear time: a martingale approach", SIGMOD 2015, algorithms 1 to 3.
Letters: n nodes, m arcs, R reverse-reachable sets.
"""

from math import e, lgamma, log, log2, sqrt
from typing import NamedTuple

import numpy as np

__all__ = ["Arcs", "arcs_of", "cover", "imm", "sample_sets"]

BATCH = 2**22  # marks (set, node) held while sets are sampled


class Arcs(NamedTuple):
    """Arcs by their head: those into v are ``tails[starts[v] : starts[v + 1]]``, each live with its ``chance``."""

    starts: np.ndarray
    tails: np.ndarray
    chance: np.ndarray

    @property
    def nodes(self) -> int:
        """n."""
        return len(self.starts) - 1


def arcs_of(edges: np.ndarray, nodes: int, probability: float | None) -> Arcs:
    """Both directions of every edge, live with ``probability``; None: 1 / degree of the head (weighted cascade)."""
    tails, heads = np.concatenate([edges, edges[:, ::-1]]).T
    order = np.argsort(heads, kind="stable")
    degrees = np.bincount(heads, minlength=nodes)
    starts = np.concatenate([[0], np.cumsum(degrees)])
    chance = np.full(len(order), probability) if probability is not None else 1 / degrees[heads[order]]
    return Arcs(starts, tails[order], chance)


def sample_sets(arcs: Arcs, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Members of ``count`` reverse-reachable sets of random roots: ``(set, node)``, i64 each, all sets side by side."""
    sets, nodes = [], []
    size = max(1, min(count, BATCH // arcs.nodes))
    for first in range(0, count, size):
        number = min(size, count - first)
        seen = np.zeros((number, arcs.nodes), bool)
        which, at = np.arange(number), rng.integers(arcs.nodes, size=number)
        seen[which, at] = True
        while len(at):
            degrees = arcs.starts[at + 1] - arcs.starts[at]
            ends = np.cumsum(degrees)
            arc = np.arange(ends[-1]) + np.repeat(arcs.starts[at] - ends + degrees, degrees)
            live = np.flatnonzero(rng.random(len(arc)) < arcs.chance[arc])
            code = np.repeat(which, degrees)[live] * arcs.nodes + arcs.tails[arc[live]]
            code = np.unique(code[~seen.reshape(-1)[code]])
            which, at = np.divmod(code, arcs.nodes)
            seen[which, at] = True
        found = np.nonzero(seen)
        sets.append(found[0] + first)
        nodes.append(found[1])
    return np.concatenate(sets), np.concatenate(nodes)


def cover(sets: np.ndarray, nodes: np.ndarray, count: int, size: int, seeds: int) -> tuple[np.ndarray, float]:
    """Greedily the ``seeds`` of ``size`` nodes that are in the most of ``count`` sets, and their share."""
    by_set, by_node = np.argsort(sets, kind="stable"), np.argsort(nodes, kind="stable")
    of_set = np.concatenate([[0], np.cumsum(np.bincount(sets, minlength=count))])
    of_node = np.concatenate([[0], np.cumsum(np.bincount(nodes, minlength=size))])
    gains, covered, chosen = np.diff(of_node).astype(np.int64), np.zeros(count, bool), []
    for _ in range(seeds):
        best = int(gains.argmax())
        chosen.append(best)
        new = sets[by_node[of_node[best] : of_node[best + 1]]]
        new = new[~covered[new]]
        covered[new] = True
        lengths = of_set[new + 1] - of_set[new]
        if len(new):
            ends = np.cumsum(lengths)
            gone = by_set[np.arange(ends[-1]) + np.repeat(of_set[new] - ends + lengths, lengths)]
            gains -= np.bincount(nodes[gone], minlength=size)
        gains[best] = -1
    return np.array(chosen), float(covered.mean())


def imm(arcs: Arcs, seeds: int, *, error: float = 0.5, rng: np.random.Generator) -> np.ndarray:
    """``seeds`` nodes that are (1 - 1/e - ``error``)-optimal with probability 1 - 1/n, i64[seeds].

    As many sets are sampled as a lower bound of the optimum asks for, which is found by halving.
    """
    n, k = arcs.nodes, seeds
    choices = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    ell = 1 + log(2) / log(n)
    loose, bound = sqrt(2) * error, 1.0
    rounds = max(int(log2(n)), 1)
    factor = (2 + 2 * loose / 3) * (choices + ell * log(n) + log(max(log2(n), 1))) * n / loose**2
    sets, nodes, count = np.zeros(0, np.int64), np.zeros(0, np.int64), 0

    def grow(target: int) -> None:
        nonlocal sets, nodes, count
        if target > count:
            more = sample_sets(arcs, target - count, rng)
            sets, nodes = np.concatenate([sets, more[0] + count]), np.concatenate([nodes, more[1]])
            count = target

    for i in range(1, rounds):
        guess = n / 2**i
        grow(int(factor / guess) + 1)
        share = cover(sets, nodes, count, n, k)[1]
        if n * share >= (1 + loose) * guess:
            bound = n * share / (1 + loose)
            break
    alpha = sqrt(ell * log(n) + log(2))
    beta = sqrt((1 - 1 / e) * (choices + ell * log(n) + log(2)))
    grow(int(2 * n * ((1 - 1 / e) * alpha + beta) ** 2 / error**2 / bound) + 1)
    return cover(sets, nodes, count, n, k)[0]
