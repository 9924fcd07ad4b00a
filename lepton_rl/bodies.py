"""Bodies of rules of one or two steps, counted: which pairs of entities they join, and how many of these have a fact.

A body is a relation a, r(x, y) ← a(x, y), or two, r(x, y) ← a(x, z), b(z, y), inverse relations among them, as those of
AnyBURL (Meilicke, Chekol, Ruffinelli & Stuckenschmidt, IJCAI 2019), exhaustive and without constants. Steps join two
different entities, so that no fact is a step between its own ends.
Letters: N entities, R relations, E facts, A arcs (each fact in both directions), B = 2R + (2R)² bodies, p pairs.
"""

import numpy as np
import scipy.sparse as sp

from lepton_rl.packed import arcs_of
from lepton_rl.ranges import expand

__all__ = ["PESSIMISM", "bodies_between", "body_sizes", "body_support", "steps_of"]

PESSIMISM = 5
"""Pairs without the fact that every rule is charged with, so that rare ones are not sure."""

_PAIRS = 1 << 14  # at a time


def steps_of(facts: np.ndarray, num_relations: int) -> np.ndarray:
    """Both directions of all facts int[E, 3] that join two different entities, by source and target, i64[A, 3]."""
    both = arcs_of(facts[facts[:, 0] != facts[:, 2]], num_relations)
    return both[np.lexsort((both[:, 1], both[:, 2], both[:, 0]))]


def body_sizes(arcs: np.ndarray, N: int, R: int) -> np.ndarray:
    """How many pairs each body joins, i64[B]: the 2R of one step, then a · 2R + b of two."""
    R2 = 2 * R
    matrix = sp.csr_array((np.ones(len(arcs), np.int32), (arcs[:, 0], arcs[:, 1] * N + arcs[:, 2])), shape=(N, R2 * N))
    two = np.zeros((R2, R2), np.int64)
    for a in np.unique(arcs[:, 1]):
        mine = arcs[arcs[:, 1] == a]
        first = sp.csr_array((np.ones(len(mine), np.int32), (mine[:, 0], mine[:, 2])), shape=(N, N))
        two[a] = np.bincount((first @ matrix).indices // N, minlength=R2)
    return np.concatenate([np.bincount(arcs[:, 1], minlength=R2), two.ravel()])


def bodies_between(arcs: np.ndarray, pairs: np.ndarray, N: int, R: int) -> sp.csr_array:
    """Which bodies join each of the pairs int[p, 2], a sparse bool[p, B]; its rows by body, each once."""
    R2, codes = 2 * R, arcs[:, 0] * N + arcs[:, 2]
    degrees = np.bincount(arcs[:, 0], minlength=N)
    first = np.cumsum(degrees) - degrees
    x, y = pairs.T
    back = degrees[y] < degrees[x]  # go from the end with fewer arcs
    begin, goal = np.where(back, y, x), np.where(back, x, y)
    rows, places = expand(first[begin], degrees[begin])
    step, middle = arcs[places, 1], arcs[places, 2]
    # Forward: middle -> y; backward: x -> middle, and the step from y to the middle is the inverse of the second.
    wanted = np.where(back[rows], goal[rows] * N + middle, middle * N + goal[rows])
    low, high = (np.searchsorted(codes, wanted, side) for side in ("left", "right"))
    again, found = expand(low, high - low)
    rows, step, other = rows[again], step[again], arcs[found, 1]
    two = np.where(back[rows], other * R2 + (step + R) % R2, step * R2 + other) + R2
    low, high = (np.searchsorted(codes, x * N + y, side) for side in ("left", "right"))
    direct, found = expand(low, high - low)
    where = np.concatenate([direct, rows]), np.concatenate([arcs[found, 1], two])
    joined = sp.csr_array((np.ones(len(where[0]), np.int32), where), shape=(len(pairs), R2 + R2**2))
    return joined.astype(bool)  # paths of equal steps are one


def body_support(arcs: np.ndarray, facts: np.ndarray, N: int, R: int) -> sp.csr_array:
    """How many of the facts int[E, 3] of each relation a body leads to, a sparse f64[R, B]."""
    total = sp.csr_array((R, 2 * R + 4 * R**2))
    for i in range(0, len(facts), _PAIRS):
        part = facts[i : i + _PAIRS]
        of = sp.csr_array((np.ones(len(part)), (part[:, 1], np.arange(len(part)))), shape=(R, len(part)))
        total = total + of @ bodies_between(arcs, part[:, ::2], N, R)
    return total
