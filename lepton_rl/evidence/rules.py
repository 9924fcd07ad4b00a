"""Rules of one or two steps, counted on the graph without the fact that is judged.

r(x, y) ← a(x, y) and r(x, y) ← a(x, z), b(z, y), inverse relations among the steps, as AnyBURL's (Meilicke, Chekol,
Ruffinelli & Stuckenschmidt, IJCAI 2019), exhaustive and without constants. Steps join two different entities, so that
no fact is a step between its own ends. A rule's confidence is the share of pairs that its body joins and that have r;
the pair that is judged is left out of both counts.
Letters: N entities, R relations, E facts, A arcs (each fact in both directions), m triples asked about, B = 2R + (2R)²
bodies, p pairs.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from lepton_rl.evidence.base import Case, Family, Note

__all__ = ["MOST", "RULES", "arcs_of", "bodies_between", "body_sizes", "body_support"]

MOST = 200  # 2R; supports are a table of R (2R)² numbers
_PESSIMISM = 5  # pairs without the fact that every rule is charged with, so that rare ones are not sure
_LEAST = 1e-3
_PAIRS = 1 << 14  # at a time


def arcs_of(case: Case) -> np.ndarray:
    """Both directions of all facts that join two different entities, by source and target, i64[A, 3]."""
    h, r, t = case.facts[case.facts[:, 0] != case.facts[:, 2]].T
    both = np.concatenate([np.stack([h, r, t], 1), np.stack([t, r + case.num_relations, h], 1)])
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


def _expand(starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and places of ranges of ``counts`` places from ``starts``, one range a row."""
    rows = np.repeat(np.arange(len(starts)), counts)
    return rows, np.arange(len(rows)) + np.repeat(starts - np.cumsum(counts) + counts, counts)


def bodies_between(arcs: np.ndarray, pairs: np.ndarray, N: int, R: int) -> sp.csr_array:
    """Which bodies join each of the pairs int[p, 2], a sparse bool[p, B]; its rows by body, each once."""
    R2, codes = 2 * R, arcs[:, 0] * N + arcs[:, 2]
    degrees = np.bincount(arcs[:, 0], minlength=N)
    first = np.cumsum(degrees) - degrees
    x, y = pairs.T
    back = degrees[y] < degrees[x]  # go from the end with fewer arcs
    begin, goal = np.where(back, y, x), np.where(back, x, y)
    rows, places = _expand(first[begin], degrees[begin])
    step, middle = arcs[places, 1], arcs[places, 2]
    # Forward: middle -> y; backward: x -> middle, and the step from y to the middle is the inverse of the second.
    wanted = np.where(back[rows], goal[rows] * N + middle, middle * N + goal[rows])
    low, high = (np.searchsorted(codes, wanted, side) for side in ("left", "right"))
    again, found = _expand(low, high - low)
    rows, step, other = rows[again], step[again], arcs[found, 1]
    two = np.where(back[rows], other * R2 + (step + R) % R2, step * R2 + other) + R2
    low, high = (np.searchsorted(codes, x * N + y, side) for side in ("left", "right"))
    direct, found = _expand(low, high - low)
    where = np.concatenate([direct, rows]), np.concatenate([arcs[found, 1], two])
    joined = sp.csr_array((np.ones(len(where[0]), np.int32), where), shape=(len(pairs), R2 + R2**2))
    return joined.astype(bool)  # paths of equal steps are one


class _Counted(NamedTuple):
    """Arcs i64[A, 3], pairs of each body i64[B], facts of each relation i64[R], and those that a body leads to."""

    arcs: np.ndarray
    sizes: np.ndarray
    facts: np.ndarray
    support: np.ndarray


def body_support(arcs: np.ndarray, case: Case) -> np.ndarray:
    """How many facts of each relation a body leads to, f64[R, B]."""
    N, R, facts = case.num_entities, case.num_relations, case.facts
    total = np.zeros((R, 2 * R + 4 * R**2))
    for i in range(0, len(facts), _PAIRS):
        part = facts[i : i + _PAIRS]
        of = sp.csr_array((np.ones(len(part)), (part[:, 1], np.arange(len(part)))), shape=(R, len(part)))
        total += (of @ bodies_between(arcs, part[:, ::2], N, R)).toarray()
    return total


def _score(case: Case, note: Note) -> np.ndarray:
    N, R = case.num_entities, case.num_relations
    if 2 * R > MOST:
        raise ValueError(
            f"rules of two steps over {R} relations are too many to count all (at most {MOST // 2}): leave 'rules' out."
        )
    arcs, facts = arcs_of(case), np.bincount(case.facts[:, 1], minlength=R)
    counted = _Counted(arcs, body_sizes(arcs, N, R), facts, body_support(arcs, case))
    parts = [np.zeros((0, 3))]
    for i in range(0, len(case.asked), _PAIRS):
        rows = slice(i, i + _PAIRS)
        parts.append(_judged(counted, case.asked[rows], case.stated[rows], N))
    return np.concatenate(parts)


def _judged(counted: _Counted, asked: np.ndarray, stated: np.ndarray, N: int) -> np.ndarray:
    """The columns of some triples int[m, 3], f64[m, 3]."""
    relations, m = asked[:, 1], len(asked)
    found = bodies_between(counted.arcs, asked[:, ::2], N, len(counted.facts)).tocoo()
    kept = found.col != relations[found.row]  # r(x, y) ← r(x, y) says nothing
    row, body = found.row[kept], found.col[kept]
    held, pairs = counted.support[relations[row], body] - stated[row], counted.sizes[body] - 1
    sure = held / (pairs + _PESSIMISM)
    best, spoken = np.zeros(m), np.bincount(row, -np.log1p(-sure), minlength=m)
    np.maximum.at(best, row, sure)
    usual = ((counted.facts[relations] - stated + 0.5) / N**2)[row]
    total = np.bincount(row, np.log((held + usual * _PESSIMISM) / (pairs + _PESSIMISM) / usual), minlength=m)
    lift = total / np.maximum(np.bincount(row, minlength=m), 1)  # counts of nothing are whole numbers
    return np.stack([lift, np.log((best + _LEAST) / (1 - best + _LEAST)), np.log(spoken + _LEAST)], axis=1)


RULES = Family(("rules", "rules: best", "rules: all"), _score)
"""The mean over all bodies that join the ends of how often they lead to the relation, beside how often two entities
have it; the log-odds of the best rule; all rules together (the logarithm of -Σ log(1 - confidence))."""
