"""A host-side knowledge graph in the user's own names, and one that is split into parts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from lepton_rl.data.names import Names

__all__ = ["KnowledgeGraph", "TripleSplits"]


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """A set of facts (head, relation, tail).

    Attributes:
        name: what tables and pictures call it.
        triples: int32[m, 3], slots of head, relation and tail; each fact once.
        entities: entity names by slot. ``relations``: relation names by slot.
        entity_data: an arrow table of one row an entity (labels, types, literals), or None.
        relation_data: of one row a relation, or None.
        report: what reading and cleaning ignored or merged, one line each.
    """

    name: str
    triples: np.ndarray
    entities: Names
    relations: Names
    entity_data: pa.Table | None = None
    relation_data: pa.Table | None = None
    report: tuple[str, ...] = field(default=())

    @property
    def num_entities(self) -> int:
        """Number of entities."""
        return len(self.entities)

    @property
    def num_relations(self) -> int:
        """Number of relations."""
        return len(self.relations)

    def facts(self, rows: np.ndarray | slice = slice(None)) -> list[tuple[str, str, str]]:
        """Some triples in words; all of them by default."""
        h, r, t = np.asarray(self.triples[rows]).reshape(-1, 3).T
        return list(zip(self.entities.take(h), self.relations.take(r), self.entities.take(t), strict=True))

    def reported(self, line: str) -> KnowledgeGraph:
        """The graph with one more line in its report."""
        return replace(self, report=(*self.report, line))


@dataclass(frozen=True, eq=False)
class TripleSplits:
    """Facts to learn from, to choose models by and to test on; all three share the vocabularies of ``train``.

    Attributes:
        train, valid, test: the parts; equal ``entities`` and ``relations`` (the same objects).
        report: what the split says of itself: unseen entities, inverse and duplicate facts across parts.
    """

    train: KnowledgeGraph
    valid: KnowledgeGraph
    test: KnowledgeGraph
    report: tuple[str, ...] = field(default=())
