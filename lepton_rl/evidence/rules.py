"""Rules of one or two steps, counted on the graph without the fact that is judged.

A rule's confidence is the share of pairs that its body joins (:mod:`lepton_rl.bodies`) and that have its relation; the
pair that is judged is left out of both counts.
Letters: N entities, R relations, A arcs (each fact in both directions), m triples asked about, B = 2R + (2R)² bodies.
"""

from typing import NamedTuple

import numpy as np

from lepton_rl.bodies import PESSIMISM, bodies_between, body_sizes, body_support, steps_of
from lepton_rl.evidence.base import MOST, Case, Family, Note

__all__ = ["RULES"]

_LEAST = 1e-3
_PAIRS = 1 << 14  # at a time


class _Counted(NamedTuple):
    """Arcs i64[A, 3], pairs of each body i64[B], facts of each relation i64[R], and those that a body leads to."""

    arcs: np.ndarray
    sizes: np.ndarray
    facts: np.ndarray
    support: np.ndarray


def _score(case: Case, note: Note) -> np.ndarray:
    N, R = case.num_entities, case.num_relations
    if 2 * R > MOST:
        raise ValueError(
            f"rules of two steps over {R} relations are too many to count all (at most {MOST // 2}): leave 'rules' out."
        )
    arcs, facts = steps_of(case.facts, R), np.bincount(case.facts[:, 1], minlength=R)
    counted = _Counted(arcs, body_sizes(arcs, N, R), facts, body_support(arcs, case.facts, N, R).toarray())
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
    sure = held / (pairs + PESSIMISM)
    best, spoken = np.zeros(m), np.bincount(row, -np.log1p(-sure), minlength=m)
    np.maximum.at(best, row, sure)
    usual = ((counted.facts[relations] - stated + 0.5) / N**2)[row]
    total = np.bincount(row, np.log((held + usual * PESSIMISM) / (pairs + PESSIMISM) / usual), minlength=m)
    lift = total / np.maximum(np.bincount(row, minlength=m), 1)  # counts of nothing are whole numbers
    return np.stack([lift, np.log((best + _LEAST) / (1 - best + _LEAST)), np.log(spoken + _LEAST)], axis=1)


RULES = Family(("rules", "rules: best", "rules: all"), _score)
"""The mean over all bodies that join the ends of how often they lead to the relation, beside how often two entities
have it; the log-odds of the best rule; all rules together (the logarithm of -Σ log(1 - confidence))."""
