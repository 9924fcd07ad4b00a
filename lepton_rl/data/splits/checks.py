"""What a split gives away: facts in two parts, facts whose inverse is known, names that training never sees."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from lepton_rl.data.knowledge.graph import KnowledgeGraph, TripleSplits, contained
from lepton_rl.data.splits.shares import fingerprint
from lepton_rl.ranges import expand

__all__ = ["Exposure", "RelationPair", "SplitReport", "check_splits"]

_CERTAIN = 0.99


class RelationPair(NamedTuple):
    """Facts of ``relation`` whose ends ``other`` links too: the other way round ("inverse") or alike ("duplicate").

    ``facts`` is their number in train, ``share`` their share of the training facts of ``relation``;
    ``relation == other`` is a symmetric relation.
    """

    kind: Literal["inverse", "duplicate"]
    relation: str
    other: str
    share: float
    facts: int


class Exposure(NamedTuple):
    """What training knows of one of the other parts: numbers of its facts, and names.

    Attributes:
        reversed: facts (h, r, t) for which train has (t, r, h).
        linked: facts for which train links h and t, either way round, by any relation.
        leaked: facts that train gives away by a relation that is nearly inverse, symmetric or the same.
        unseen: facts that mention an entity or relation that no training fact mentions.
        entities, relations: the names of those.
    """

    reversed: int
    linked: int
    leaked: int
    unseen: int
    entities: tuple[str, ...]
    relations: tuple[str, ...]


@dataclass(frozen=True)
class SplitReport:
    """What :func:`check_splits` found; ``str`` of it is for people.

    Attributes:
        name: of the training part. ``seed``: what the split was drawn with, None where it was given.
        sizes: facts by part. ``sha256``: of each part (see :func:`~lepton_rl.data.splits.fingerprint`).
        shared: facts in two parts, by the names of both ("train and test").
        exposure: of valid and test, by name.
        pairs: relations that are nearly inverse, symmetric or the same in train, those of most facts first.
    """

    name: str
    seed: int | None
    sizes: dict[str, int]
    sha256: dict[str, str]
    shared: dict[str, int]
    exposure: dict[str, Exposure]
    pairs: tuple[RelationPair, ...]

    def __str__(self) -> str:
        lines = [f"{self.name}{'' if self.seed is None else f', seed {self.seed}'}"]
        lines += [f"{part}: {size} facts, SHA-256 {self.sha256[part]}" for part, size in self.sizes.items()]
        lines += [f"{count} fact(s) both in {both}" for both, count in self.shared.items() if count]
        for part, found in self.exposure.items():
            for count, what in (
                (found.reversed, "reversed in train"), (found.linked, "with ends that train links"),
                (found.leaked, "given away by an inverse, symmetric or duplicate relation"),
                (found.unseen, "with an entity or relation unseen in train"),
            ):  # fmt: skip
                lines.append(f"{part}: {count} fact(s) {what} ({count / max(self.sizes[part], 1):.1%})")
            for kind, names in (("entities", found.entities), ("relations", found.relations)):
                more = ", …" if len(names) > 3 else ""
                lines += [f"{part}: {len(names)} unseen {kind}: {', '.join(names[:3])}{more}"] if names else []
        lines += [f"{p.kind}: {p.relation} → {p.other} ({p.share:.1%}, {p.facts} training facts)" for p in self.pairs]
        return "\n".join(lines)


def _joined(triples: np.ndarray, train: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """All ``(i, j)`` with equal head and tail in ``triples[i]`` and ``train[j]``."""
    keys = train[:, 0].astype(np.int64) * n + train[:, 2]
    order = np.argsort(keys, kind="stable")
    wanted = triples[:, 0].astype(np.int64) * n + triples[:, 2]
    low, high = (np.searchsorted(keys[order], wanted, side) for side in ("left", "right"))
    i, places = expand(low, high - low)
    return i, order[places]


def _common(train: KnowledgeGraph, some: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(codes r * R + r' of relation pairs, how many facts of r in ``some`` r' joins too, their share)``."""
    i, j = _joined(some, train.triples, train.num_entities)
    codes = some[i, 1].astype(np.int64) * train.num_relations + train.triples[j, 1]
    found, count = np.unique(codes, return_counts=True)
    size = np.bincount(train.triples[:, 1], minlength=train.num_relations)
    return found, count, count / size[found // train.num_relations]


def _near(train: KnowledgeGraph, threshold: float) -> tuple[list[RelationPair], dict[str, np.ndarray]]:
    """Pairs above the threshold, and their codes by kind."""
    pairs: list[RelationPair] = []
    codes: dict[str, np.ndarray] = {}
    kinds: tuple[tuple[Literal["inverse", "duplicate"], np.ndarray], ...] = (
        ("inverse", train.triples[:, ::-1]), ("duplicate", train.triples),
    )  # fmt: skip
    for kind, some in kinds:
        found, count, share = _common(train, some)
        r, other = np.divmod(found, train.num_relations)
        near = (share >= threshold) & ((kind == "inverse") | (r != other))
        codes[kind] = found[near]
        rows = zip(*(column[near].tolist() for column in (r, other, share, count)), strict=True)
        pairs += [RelationPair(kind, train.relations[a], train.relations[b], part, size) for a, b, part, size in rows]
    return sorted(pairs, key=lambda pair: -pair.facts), codes


def _given_away(part: np.ndarray, train: KnowledgeGraph, codes: dict[str, np.ndarray]) -> np.ndarray:
    """Facts that a near pair, in either direction, and a fact of train give away, bool[k]."""
    leaked = np.zeros(len(part), bool)
    R = train.num_relations
    for kind, some in (("inverse", part[:, ::-1]), ("duplicate", part)):
        i, j = _joined(some, train.triples, train.num_entities)
        r, other = some[i, 1].astype(np.int64), train.triples[j, 1].astype(np.int64)
        leaked[i[np.isin(r * R + other, codes[kind]) | np.isin(other * R + r, codes[kind])]] = True
    return leaked


def check_splits(splits: TripleSplits, threshold: float | None = None) -> SplitReport:
    """Look for leakage between the parts, and for what training never sees.

    Two relations are near inverses when the training facts of one come with the other's, ends swapped, in at least
    ``threshold`` of the cases; its default 0.99 minus the share of facts outside train allows for those that the
    split took away (Dettmers et al. 2018). Relations with the same ends in the same direction are near duplicates
    (Toutanova & Chen 2015).

    Args:
        splits: the parts. ``threshold``: in 0 … 1; default as above.
    """
    train, parts = splits.train, splits.parts
    sizes = {name: len(part.triples) for name, part in parts.items()}
    limit = _CERTAIN - (sizes["valid"] + sizes["test"]) / sum(sizes.values()) if threshold is None else threshold
    pairs, codes = _near(train, limit)
    both = (("train", "valid"), ("train", "test"), ("valid", "test"))
    return SplitReport(
        train.name, splits.seed, sizes,
        sha256={name: fingerprint(part.to_arrow().columns) for name, part in parts.items()},
        shared={f"{a} and {b}": int(_in(parts[b].triples, parts[a]).sum()) for a, b in both},
        exposure={name: _exposure(part, splits, codes) for name, part in parts.items() if name != "train"},
        pairs=tuple(pairs),
    )  # fmt: skip


def _exposure(part: KnowledgeGraph, splits: TripleSplits, codes: dict[str, np.ndarray]) -> Exposure:
    train, triples = splits.train, part.triples
    linked = np.zeros(len(triples), bool)
    for some in (triples, triples[:, ::-1]):
        linked[_joined(some, train.triples, train.num_entities)[0]] = True
    entities = np.setdiff1d(triples[:, ::2], train.triples[:, ::2])
    relations = np.setdiff1d(triples[:, 1], train.triples[:, 1])
    return Exposure(
        int(_in(triples[:, ::-1], train).sum()), int(linked.sum()), int(_given_away(triples, train, codes).sum()),
        int(splits.unseen(part).sum()), tuple(train.entities.take(entities)), tuple(train.relations.take(relations)),
    )  # fmt: skip


def _in(some: np.ndarray, graph: KnowledgeGraph) -> np.ndarray:
    return contained(some, graph.triples, graph.num_entities, graph.num_relations)
