"""Facts that a knowledge graph does not state and its rules lead to: candidates for what is missing.

Letters: N entities, R relations, E facts, B = 2R + (2R)² bodies of rules, of one step and of two.
"""

import numpy as np
import scipy.sparse as sp

from lepton_rl.bodies import PESSIMISM, body_sizes, body_support, steps_of
from lepton_rl.evidence.base import MOST
from lepton_rl.noise import facts_in
from lepton_rl.ranges import expand

__all__ = ["propose"]

_RULES = 30  # of a relation, the surest
_SURE = 0.05  # what a rule must be at least
_LEAST = 10  # candidates of a relation with few facts


def propose(facts: np.ndarray, num_entities: int, num_relations: int) -> np.ndarray:
    """Up to as many candidates of each relation as it has facts, int[m, 3], the surest ones of each first.

    A candidate is as sure as all rules together that lead to it, Σ -log(1 - confidence). With more than a hundred
    relations rules have one step. No entity is joined to itself by a relation that joins none to itself.

    Args:
        facts: int[E, 3], each once.
    """
    N, R = num_entities, num_relations
    facts = np.asarray(facts, np.int64)
    arcs = steps_of(facts, R)
    steps = [_matrix(arcs[arcs[:, 1] == a], N) for a in range(2 * R)]
    sure = _confidences(arcs, facts, N, R)
    parts = [facts[:0]]
    for r in range(R):
        sure[r, r] = 0  # a fact is no evidence of itself
        mine = facts[facts[:, 1] == r]
        rows = _candidates(sure[r], steps, r, bool((mine[:, 0] == mine[:, 2]).any()))
        new = rows[facts_in(rows, facts, N, R) == len(facts)]
        parts.append(new[: max(len(mine), _LEAST)])
    return np.concatenate(parts)


def _matrix(arcs: np.ndarray, N: int) -> sp.csr_array:
    return sp.csr_array((np.ones(len(arcs), np.float32), (arcs[:, 0], arcs[:, 2])), shape=(N, N))


def _confidences(arcs: np.ndarray, facts: np.ndarray, N: int, R: int) -> np.ndarray:
    """Of each relation given each body, f64[R, B]; [R, 2R] where there are too many for two steps."""
    if 2 * R <= MOST:
        return body_support(arcs, facts, N, R).toarray() / (body_sizes(arcs, N, R) + PESSIMISM)
    codes = arcs[:, 0] * N + arcs[:, 2]
    h, r, t = facts.T
    low, high = (np.searchsorted(codes, h * N + t, side) for side in ("left", "right"))
    rows, places = expand(low, high - low)
    support = np.bincount(r[rows] * 2 * R + arcs[places, 1], minlength=2 * R * R).reshape(R, 2 * R)
    return np.asarray(support / (np.bincount(arcs[:, 1], minlength=2 * R) + PESSIMISM))


def _candidates(sure: np.ndarray, steps: list[sp.csr_array], relation: int, reflexive: bool) -> np.ndarray:
    """What the surest rules for a relation lead to, i64[m, 3], the surest first."""
    R2 = len(steps)
    bodies = np.argsort(-sure, kind="stable")[:_RULES]
    total = sp.csr_array(steps[0].shape, dtype=np.float32)
    for body in bodies[sure[bodies] >= _SURE]:
        first, second = divmod(int(body) - R2, R2)
        reached = steps[body] if body < R2 else steps[first] @ steps[second]
        weight = -np.log1p(-min(sure[body], 1 - 1e-6))
        total = total + (reached > 0).astype(np.float32) * np.float32(weight)
    found = total.tocoo()
    kept = (found.row != found.col) | reflexive
    h, t, scores = found.row[kept].astype(np.int64), found.col[kept].astype(np.int64), found.data[kept]
    order = np.lexsort((t, h, -scores))
    return np.stack([h, np.full(len(h), relation), t], axis=1)[order]
