"""Candidates that one ranker proposes for another: quick scores of all entities, then a look at the best of them.

Letters: N entities, Q queries, B of them at a time, C candidates.
"""

import numpy as np

from lepton_rl.batching import in_full_batches
from lepton_rl.metrics import Known, Score

__all__ = ["propose", "reranked"]

_BATCH = 128


def propose(score: Score, queries: np.ndarray, most: int, stated: Known | None = None) -> np.ndarray:
    """The likeliest answers to queries, i32[Q, C], the best first; on the host.

    Args:
        score: of the ranker that proposes. ``queries``: int[Q, >= 2] entity, relation in [0, 2R), at least one.
        ``most``: C, or N where that is less.
        stated: facts that nobody needs to be told: their answers come after all others.

    Raises:
        ValueError: no candidates asked for.
    """
    if most < 1:
        raise ValueError(f"{most} candidates a query: ask for at least 1.")

    def best(some: np.ndarray) -> np.ndarray:
        scores = np.array(score(some[:, 0], some[:, 1]))
        if stated is not None:
            scores[stated.mask(some[:, 0], some[:, 1])] = -np.inf
        chosen = _highest(scores, most)
        return np.take_along_axis(chosen, np.argsort(-np.take_along_axis(scores, chosen, 1), 1, kind="stable"), 1)

    return in_full_batches(best, np.asarray(queries)[:, :2], _BATCH).astype(np.int32)


def reranked(score: Score, proposer: Score, most: int, stated: Known) -> Score:
    """The order of ``score`` among the C best of ``proposer`` that the graph does not state; the others follow in its
    own order. Where stated answers come says nothing.
    """

    def both(entities: np.ndarray, relations: np.ndarray) -> np.ndarray:
        own, others = (np.array(each(entities, relations), np.float64) for each in (score, proposer))
        open_ = np.where(stated.mask(entities, relations), -np.inf, others)
        chosen = _highest(open_, most)
        picked = np.take_along_axis(own, chosen, 1)
        behind = others - others.max(1, keepdims=True) + picked.min(1, keepdims=True) - 1
        np.put_along_axis(behind, chosen, picked, 1)
        return behind

    return both


def _highest(scores: np.ndarray, most: int) -> np.ndarray:
    """The places of the C highest of each row of f[B, N], ascending; of equal ones the first."""
    B, N = scores.shape
    if most >= N:
        return np.tile(np.arange(N), (B, 1))
    least = np.partition(scores, N - most, axis=1)[:, N - most, None]
    above, level = scores > least, scores == least
    room = most - above.sum(1, keepdims=True)
    return np.nonzero(above | (level & (level.cumsum(1) <= room)))[1].reshape(B, most)
