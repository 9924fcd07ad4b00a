"""How often an entity stands at an end of a relation, beside what is usual there."""

import numpy as np

from lepton_rl.evidence.base import Case, Family, Note

__all__ = ["FREQUENCY"]

_HALF = 0.5  # added to counts, so that none is no minus infinity


def _ratio(count: np.ndarray, usual: np.ndarray) -> np.ndarray:
    return np.log((count + _HALF) / (usual + _HALF))


def _end(case: Case, entity: np.ndarray, end: int, rest: np.ndarray) -> np.ndarray:
    """Other facts of the relation with the entity at that end, beside the mean over entities that are there, f64[m]."""
    N, R, r = case.num_entities, case.num_relations, case.asked[:, 1]
    counts = np.bincount(case.facts[:, 1] * N + case.facts[:, end], minlength=R * N).reshape(R, N)
    mine = counts[r, entity] - case.stated
    others = (counts > 0).sum(1)[r] - (case.stated & (mine == 0))
    return _ratio(mine, rest / np.maximum(others, 1))


def _score(case: Case, note: Note) -> np.ndarray:
    N, R, E = case.num_entities, case.num_relations, len(case.facts)
    h, r, t = case.asked.T
    left = E - case.stated
    rest = np.bincount(case.facts[:, 1], minlength=R)[r] - case.stated
    heads, tails = _end(case, h, 0, rest), _end(case, t, 2, rest)
    degrees = np.bincount(case.facts[:, ::2].ravel(), minlength=N)
    own = np.where(h == t, 2, 1) * case.stated
    of_ends = [_ratio(degrees[end] - own, 2 * left / N) for end in (h, t)]
    return np.stack([heads + tails, heads, tails, _ratio(rest, left / R), *of_ends], axis=1)


FREQUENCY = Family(
    ("frequency", "frequency: head", "frequency: tail", "frequency: relation", "frequency: degree of the head",
     "frequency: degree of the tail"),
    _score,
)  # fmt: skip
"""Counts of other facts with the same relation and head, or tail; those of the relation, and of each end."""
