"""A knowledge graph with errors put in whose repair is known: facts removed, injected, rewired, entities mistyped.

Letters: N entities, R relations, E facts, C types.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from lepton_rl.noise import corrupt, fact_keys

__all__ = ["Damage", "Damaged", "damage", "most_repaired", "touching"]

_ROUNDS = 200  # of draws and rejections


@dataclass(frozen=True)
class Damage:
    """Shares of what is damaged, each in [0, 1)."""

    removed: float = 0.05
    """Of the true facts: gone."""
    injected: float = 0.05
    """As many wrong facts beside the true ones."""
    rewired: float = 0.05
    """Of the true facts: one end is another entity, so that the fact is wrong and the true one is gone."""
    mistyped: float = 0.05
    """Of the entities with a type: another type."""
    consistent: float = 0.5
    """Of the wrong facts: the other entity stands at that end of the relation elsewhere too. The rest is arbitrary."""

    def check(self) -> None:
        """Check the shares.

        Raises:
            ValueError: a share out of range, or more facts to take than there are.
        """
        for name in ("removed", "injected", "rewired", "mistyped", "consistent"):
            share = getattr(self, name)
            if not 0 <= share <= 1 or (share == 1 and name != "consistent"):
                raise ValueError(f"{name} {share}: give a share from 0 to below 1.")
        if self.removed + self.rewired >= 1:
            raise ValueError(f"removed {self.removed} and rewired {self.rewired} leave no fact: give less than 1.")


class Damaged(NamedTuple):
    """What became of a graph: ``facts`` int[m, 3] and ``types`` int[N], -1 = an entity has none."""

    facts: np.ndarray
    types: np.ndarray


def damage(
    facts: np.ndarray, types: np.ndarray, num_entities: int, num_relations: int, how: Damage, rng: np.random.Generator
) -> Damaged:
    """Damage true facts int[E, 3] and types int[N]; no fact that is put in is true, and none comes twice.

    Raises:
        ValueError: shares out of range; no room for so many wrong facts.
    """
    how.check()
    N, R, E, order = num_entities, num_relations, len(facts), rng.permutation(len(facts))
    gone, bent = round(how.removed * E), round(how.rewired * E)
    kept = facts[np.sort(order[gone + bent :])]
    there = np.concatenate([kept, _rewired(facts[order[gone : gone + bent]], facts, N, R, how.consistent, rng)])
    wrong = round(how.injected * E)
    alike = round(how.consistent * wrong)
    for kind, many in (("types", alike), ("uniform", wrong - alike)):
        if many:
            there = corrupt(there, N, R, many / len(there), kind, rng, known=facts).facts
    return Damaged(there, _mistyped(types, how.mistyped, rng))


def _rewired(
    some: np.ndarray, facts: np.ndarray, N: int, R: int, consistent: float, rng: np.random.Generator
) -> np.ndarray:
    """True facts with another entity at one end each, none of them true and none twice."""
    wrong, left = some.copy(), np.arange(len(some))
    for _ in range(_ROUNDS):
        if not len(left):
            return wrong
        rows, ends = some[left], 2 * rng.integers(2, size=len(left))
        drawn = rng.integers(N, size=len(left))
        alike = rng.random(len(left)) < consistent
        for r, end in np.unique(np.stack([rows[:, 1], ends], 1)[alike], axis=0):
            mine = alike & (rows[:, 1] == r) & (ends == end)
            drawn[mine] = rng.choice(facts[facts[:, 1] == r, end], size=mine.sum())
        wrong[left] = rows
        wrong[left, ends] = drawn
        keys = fact_keys(wrong, N, R)
        again = np.ones(len(keys), bool)
        again[np.unique(keys, return_index=True)[1]] = False
        left = np.flatnonzero(again | np.isin(keys, fact_keys(facts, N, R)))
    raise ValueError(f"no room for {len(some)} wrong facts among {N} entities: give smaller shares.")


def _mistyped(types: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Other types for a share of the entities that have one; none where there is one type only."""
    typed, C = np.flatnonzero(types >= 0), int(types.max(initial=-1)) + 1
    changed = types.copy()
    if C > 1:
        some = rng.choice(typed, size=round(share * len(typed)), replace=False)
        changed[some] = (types[some] + rng.integers(1, C, size=len(some))) % C
    return changed


def touching(facts: np.ndarray, focus: np.ndarray) -> np.ndarray:
    """Which facts int[m, 3] have an entity of ``focus`` at an end, bool[m]."""
    return np.isin(facts[:, 0], focus) | np.isin(facts[:, 2], focus)


def most_repaired(missing: np.ndarray, wrong: np.ndarray, mistyped: int, edits: int) -> int:
    """The largest drop of the symmetric difference that so many edits of the facts at a focus can bring.

    A fact is added, deleted, or replaced by one that differs in one place; an entity gets another type. Types count as
    facts, one an entity, so a wrong one stands for a difference of two. An edit drops the difference by two at most,
    and more edits than that by one each: with m pairs of a wrong and a missing fact, alike in two places and no two
    pairs with a fact in common, min(2 L, L + m + c, errors) for c wrong types. No plan does better: edits that hang
    together by the facts they change, k of them, mend k errors, or k + 1 where none of them adds or deletes; such a
    group replaces a wrong fact by a missing one or meets both, which no other group then can.

    Args:
        missing: int[a, 3], true facts that are not there. ``wrong``: int[b, 3], facts there that are not true.
        mistyped: c. ``edits``: L.
    """
    alike = (wrong[:, None] == missing[None]).sum(-1) == 2
    pairs = int((maximum_bipartite_matching(csr_array(alike)) >= 0).sum()) if alike.any() else 0
    errors = len(missing) + len(wrong) + 2 * mistyped
    return min(2 * edits, edits + pairs + mistyped, errors)
