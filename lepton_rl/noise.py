"""Wrong facts put into a knowledge graph, so that detectors and editors can be trained and judged.

Letters: N entities, R relations, E facts, k wrong ones.
"""

from typing import NamedTuple

import numpy as np

from lepton_rl.registry import near_match

__all__ = ["KINDS", "Noisy", "corrupt", "fact_keys", "facts_in"]

KINDS = ("uniform", "types", "relation", "mixed", "verified")
"""How a fact is made wrong, see :func:`corrupt`."""
_MIXED = ("relation", "types", "uniform")  # the one that most graphs have room for last
_ROUNDS = 200  # of draws and rejections, after which there are too few wrong facts to find


class Noisy(NamedTuple):
    """Facts, some of them wrong.

    Attributes:
        facts: int[E + k, 3], the given ones in their order, then the wrong ones. ``wrong``: bool[E + k].
    """

    facts: np.ndarray
    wrong: np.ndarray


def fact_keys(facts: np.ndarray, num_entities: int, num_relations: int) -> np.ndarray:
    """A number i64[m] a fact int[m, 3]; equal where facts are."""
    h, r, t = np.asarray(facts, np.int64).reshape(-1, 3).T
    return np.asarray((h * num_relations + r) * num_entities + t)


def facts_in(asked: np.ndarray, facts: np.ndarray, num_entities: int, num_relations: int) -> np.ndarray:
    """Where each of ``asked`` int[m, 3] stands among ``facts`` int[E, 3], i64[m]; E where it does not."""
    keys, wanted = (fact_keys(rows, num_entities, num_relations) for rows in (facts, asked))
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    return np.where(keys[order][place] == wanted, order[place], len(keys))


def corrupt(
    facts: np.ndarray, num_entities: int, num_relations: int, share: float, kind: str, rng: np.random.Generator, *,
    known: np.ndarray | None = None, types: np.ndarray | None = None, negatives: np.ndarray | None = None,
) -> Noisy:  # fmt: skip
    """Put k = ``share`` · E wrong facts into a graph, at least one; each is in no list of true ones, and there once.

    Args:
        facts: int[E, 3]. ``share``: of E, in (0, 1).
        kind: "uniform": the head, relation or tail of a fact is another one, drawn uniformly; "types": its head or tail
            is another entity of equal type, or that is seen at that end of that relation where no types are given;
            "relation": its relation is another one; "mixed": a third of each of these, or more of the others where a
            graph has no room for one; "verified": facts of ``negatives``.
        known: int[m, 3], facts that are true beside ``facts``. ``types``: int[N], a label an entity.
        negatives: int[n, 3], facts that are known to be wrong.

    Raises:
        ValueError: an unknown kind, a share out of range, numbers out of range, or too few wrong facts to be found.
    """
    facts = _checked(facts, num_entities, num_relations, "facts")
    true = facts if known is None else np.concatenate([facts, _checked(known, num_entities, num_relations, "known")])
    if kind not in KINDS:
        raise ValueError(f"unknown kind of noise '{kind}'.{near_match(kind, KINDS)} Allowed: {', '.join(KINDS)}.")
    wanted = max(round(share * len(facts)), 1)
    if not 0 < share < 1 or not len(facts):
        raise ValueError(f"a share of {share} of {len(facts)} facts: give facts, and a share between 0 and 1.")
    if kind == "verified":
        if negatives is None:
            raise ValueError("noise of the kind 'verified' takes negatives, int[n, 3]: facts known to be wrong.")
        pool = rng.permutation(_checked(negatives, num_entities, num_relations, "negatives"))
        wrong = _fresh(pool, true, num_entities, num_relations)[:wanted]
        if len(wrong) < wanted:
            raise ValueError(f"{wanted} wrong facts are asked for and {len(wrong)} are verified: lower the share.")
    elif kind == "mixed":
        wrong = _mixed(facts, true, num_entities, num_relations, wanted, types, rng)
    else:
        wrong = _drawn(facts, true, num_entities, num_relations, wanted, kind, types, rng)
    return Noisy(np.concatenate([facts, wrong]), np.arange(len(facts) + wanted) >= len(facts))


def _checked(facts: np.ndarray, N: int, R: int, what: str) -> np.ndarray:
    rows = np.asarray(facts, np.int64).reshape(-1, 3)
    if (rows < 0).any() or (rows >= (N, R, N)).any():
        raise ValueError(f"{what}: entities must lie in [0, {N}), relations in [0, {R}).")
    return rows


def _fresh(drawn: np.ndarray, true: np.ndarray, N: int, R: int) -> np.ndarray:
    """Those that are not true, each once, in the order drawn."""
    keys = fact_keys(drawn, N, R)
    first = np.zeros(len(keys), bool)
    first[np.unique(keys, return_index=True)[1]] = True
    return drawn[first & ~np.isin(keys, fact_keys(true, N, R))]


def _mixed(
    facts: np.ndarray, true: np.ndarray, N: int, R: int, wanted: int, types: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """``wanted`` wrong facts, of every kind that is drawn as many, i64[k, 3]."""
    found = facts[:0]
    for i, kind in enumerate(_MIXED):
        count = -(-(wanted - len(found)) // (len(_MIXED) - i))
        try:
            part = _drawn(facts, np.concatenate([true, found]), N, R, count, kind, types, rng) if count else found[:0]
        except ValueError:
            if kind == _MIXED[-1]:
                raise
            continue  # a graph of one relation has none to take instead
        found = np.concatenate([found, part])
    return found


def _drawn(
    facts: np.ndarray, true: np.ndarray, N: int, R: int, wanted: int, kind: str, types: np.ndarray | None,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Facts changed in one place until ``wanted`` of them are wrong, i64[k, 3]."""
    like = _Alike(facts, N, R, types) if kind == "types" else None
    wrong = np.zeros((0, 3), np.int64)
    for _ in range(_ROUNDS):
        rows = facts[rng.integers(len(facts), size=2 * wanted)].copy()
        at = np.arange(len(rows))
        place = np.full(len(rows), 1) if kind == "relation" else rng.integers(3, size=len(rows))
        if like is not None:
            place = 2 * rng.integers(2, size=len(rows))
            rows[at, place] = like.draw(rows, place, rng)
        else:
            rows[at, place] = np.where(place == 1, rng.integers(R, size=len(rows)), rng.integers(N, size=len(rows)))
        wrong = _fresh(np.concatenate([wrong, rows]), true, N, R)
        if len(wrong) >= wanted:
            return wrong[:wanted]
    raise ValueError(
        f"noise of the kind '{kind}': found {len(wrong)} wrong facts of {wanted}. The graph is too small or too dense "
        "for it: lower the share, or take another kind."
    )


class _Alike:
    """Entities that may stand where another does: of its type, or seen at that end of the relation."""

    def __init__(self, facts: np.ndarray, N: int, R: int, types: np.ndarray | None) -> None:
        self.num_relations, self.types = R, None if types is None else np.asarray(types, np.int64)
        if self.types is None:
            h, r, t = facts.T
            rows = np.unique(np.concatenate([np.stack([r, h], 1), np.stack([r + R, t], 1)]), axis=0)
            groups, self.members = rows.T
        elif self.types.shape != (N,) or (self.types < 0).any():
            raise ValueError(f"types must be int[{N}], a label from 0 on an entity; got shape {self.types.shape}.")
        else:
            self.members = np.argsort(self.types, kind="stable")
            groups = self.types[self.members]
        self.counts = np.bincount(groups, minlength=2 * R)
        self.starts = np.cumsum(self.counts) - self.counts

    def draw(self, rows: np.ndarray, place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One for each row int[m, 3] and place i[m] (0 or 2), i64[m]."""
        if self.types is None:
            group = rows[:, 1] + np.where(place == 2, self.num_relations, 0)
        else:
            group = self.types[rows[np.arange(len(rows)), place]]
        return self.members[self.starts[group] + rng.integers(self.counts[group])]
