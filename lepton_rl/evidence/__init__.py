"""Detectors: what a knowledge graph's other facts say of a triple, whether it is stated or not.

Every column is a logarithm of odds, or of a ratio to what is usual in that graph, so that what is learnt from columns
on one graph can be used on another. A triple that is itself a fact is left out when it is judged: counts are without
it, what is trained is trained without its fold.
Letters: N entities, R relations, E facts, m triples asked about, F columns.
"""

import time
from collections.abc import Sequence

import numpy as np

from lepton_rl.evidence.base import MOST, Case, Family, Note
from lepton_rl.noise import facts_in
from lepton_rl.registry import resolve

__all__ = ["DEFAULT", "EVIDENCE", "columns", "gather", "get_family", "usable"]

EVIDENCE = {
    "frequency": "lepton_rl.evidence.frequency:FREQUENCY",
    "types": "lepton_rl.evidence.signatures:SIGNATURES",
    "rules": "lepton_rl.evidence.rules:RULES",
    "embedding": "lepton_rl.evidence.embedding:EMBEDDING",
    "propagation": "lepton_rl.evidence.propagation:PROPAGATION",
}
DEFAULT = ("frequency", "types", "rules", "embedding")
"""All but propagation, which takes minutes."""


def _ignore(_: str) -> None:
    pass


def get_family(name: str) -> Family:
    """The family called ``name``.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    family: Family = resolve(EVIDENCE, name, "evidence")
    return family


def columns(names: Sequence[str] = DEFAULT) -> tuple[str, ...]:
    """What the columns of :func:`gather` are called; the first of each family is its verdict."""
    return tuple(column for name in names for column in get_family(name).columns)


def usable(names: Sequence[str], num_relations: int, note: Note = _ignore) -> tuple[str, ...]:
    """Those of the families that can judge a graph of so many relations; ``note`` is told what is left out.

    Raises:
        ValueError: an unknown name, or nothing is left.
    """
    for name in names:
        get_family(name)
    found = tuple(name for name in names if name != "rules" or 2 * num_relations <= MOST)
    if found != tuple(names):
        there = f"they are counted for up to {MOST // 2} relations, and there are {num_relations}."
        note(f"rules left out of the evidence: {there}")
    if not found:
        raise ValueError(f"no evidence is left to judge by: give some of {', '.join(EVIDENCE)}.")
    return found


def gather(
    facts: np.ndarray, asked: np.ndarray, num_entities: int, num_relations: int, *, names: Sequence[str] = DEFAULT,
    types: np.ndarray | None = None, seed: int = 0, note: Note = _ignore,
) -> np.ndarray:  # fmt: skip
    """Judge triples int[m, 3] by the graph of ``facts`` int[E, 3], f64[m, F]; higher is more plausible.

    Args:
        asked: facts and others, in any order; each is judged by the facts other than itself.
        names: in :data:`EVIDENCE`, see :func:`columns`. ``types``: int[N], a label from 0 on for each entity, for
            "types". ``seed``: of folds and of what is trained. ``note``: is told what each family took.

    Raises:
        ValueError: an unknown name, numbers out of range, a fact given twice, fewer than two facts, or a graph that a
            family cannot judge.
    """
    N, R = num_entities, num_relations
    families = [get_family(name) for name in names]
    facts, asked = (np.asarray(rows, np.int64).reshape(-1, 3) for rows in (facts, asked))
    for what, rows in (("facts", facts), ("asked", asked)):
        if (rows < 0).any() or (rows >= (N, R, N)).any():
            raise ValueError(f"{what}: entities must lie in [0, {N}), relations in [0, {R}).")
    if len(facts) < 2 or (facts_in(facts, facts, N, R) != np.arange(len(facts))).any():
        raise ValueError("evidence needs at least two facts, each given once.")
    if types is not None and (np.shape(types) != (N,) or np.min(types) < 0):
        raise ValueError(f"types must be int[{N}], a label from 0 on for each entity; got shape {np.shape(types)}.")
    labels = None if types is None else np.asarray(types, np.int64)
    case = Case(facts, asked, facts_in(asked, facts, N, R), N, R, labels, seed)
    parts = [np.zeros((len(asked), 0))]
    for name, family in zip(names, families, strict=True):
        begin = time.perf_counter()
        parts.append(family.score(case, note))
        note(f"{name}: {time.perf_counter() - begin:.1f} s for {len(asked)} triples")
    return np.concatenate(parts, axis=1)
