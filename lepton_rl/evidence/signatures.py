"""Types by what entities do: how usual are entities of such roles in this one?

A role is an end of a relation, 2R in all; a given type is one more. For an entity e and a role q, every other role p of
e asks how many of the others with p have q too, beside how many of all have: the mean of these logarithms. As the type
statistics of SDType (Paulheim & Bizer, ISWC 2013), with roles for types.
Letters: N entities, R relations, P = 2R roles and the types, m triples asked about.
"""

import numpy as np

from lepton_rl.evidence.base import Case, Family, Note

__all__ = ["SIGNATURES"]

_CHUNK = 1 << 22  # numbers at a time


def _roles(case: Case) -> np.ndarray:
    """How many facts give an entity a role, i64[N, P]."""
    N, R, (h, r, t) = case.num_entities, case.num_relations, case.facts.T
    codes = np.concatenate([h * 2 * R + r, t * 2 * R + r + R])
    counts = np.bincount(codes, minlength=N * 2 * R).reshape(N, 2 * R)
    if case.types is None:
        return counts
    return np.concatenate([counts, np.eye(case.types.max() + 1, dtype=np.int64)[case.types]], axis=1)


def _end(case: Case, counts: np.ndarray, together: np.ndarray, end: int) -> np.ndarray:
    """How usual the entities at that end are there, f64[m]."""
    N, R, r = case.num_entities, case.num_relations, case.asked[:, 1]
    entity, role, other = (case.asked[:, 0], r, r + R) if end == 0 else (case.asked[:, 2], r + R, r)
    loop = case.stated & (case.asked[:, 0] == case.asked[:, 2])
    sizes, out, step = np.diag(together), np.zeros(len(r)), max(_CHUNK // counts.shape[1], 1)
    for first in range(0, len(r), step):
        rows = slice(first, first + step)
        e, q, at = entity[rows], role[rows], np.arange(len(r[rows]))
        mine = counts[e] > 0
        has = mine[at, q].astype(float)  # the entity itself is left out of all counts
        mine[at, other[rows]] &= counts[e, other[rows]] > loop[rows]
        mine[at, q] = False
        usual = (sizes[q] - has + 0.5) / N
        shared = together[q] - has[:, None] * mine
        logs = np.log((shared + usual[:, None]) / np.maximum(sizes - mine + 1, 1)) - np.log(usual)[:, None]
        out[rows] = (logs * mine).sum(1) / np.maximum(mine.sum(1), 1)
    return out


def _score(case: Case, note: Note) -> np.ndarray:
    counts = _roles(case)
    there = (counts > 0).astype(np.float32)
    together = (there.T @ there).astype(float)
    heads, tails = (_end(case, counts, together, end) for end in (0, 2))
    return np.stack([heads + tails, np.minimum(heads, tails), np.maximum(heads, tails)], axis=1)


SIGNATURES = Family(("types", "types: worse end", "types: better end"), _score)
"""How usual the ends are in their roles, together and apart; 0 where an entity has no other role."""
