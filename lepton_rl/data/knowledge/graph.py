"""A host-side knowledge graph in the user's own names, and one that is split into parts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pyarrow as pa

from lepton_rl.data.names import Names

if TYPE_CHECKING:
    from lepton_rl.triple_graph import TripleGraph

__all__ = ["KnowledgeGraph", "TripleSplits", "contained", "fact_codes"]


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

    def to_arrow(self) -> pa.Table:
        """The facts in words, as the string columns head, relation and tail; ``.to_pandas()`` goes on from there."""
        h, r, t = (pa.array(column) for column in self.triples.T)
        entities, relations = (names.arrow().cast(pa.large_string()) for names in (self.entities, self.relations))
        return pa.table({"head": entities.take(h), "relation": relations.take(r), "tail": entities.take(t)})

    def labelled(self) -> np.ndarray:
        """The facts in words, str[m, 3]: what ``pykeen.triples.TriplesFactory.from_labeled_triples`` takes."""
        return np.array(self.facts(), dtype=np.str_).reshape(-1, 3)

    def to_triple_graph(self, max_edits: int = 0) -> TripleGraph:
        """The graph that episodes edit and encoders read; slots and the order of facts are those of ``triples``.

        Args:
            max_edits: L, facts that an episode may set.
        """
        from lepton_rl.triple_graph import from_triples  # noqa: PLC0415 - reading files must not wait for jax

        return from_triples(self.triples, self.num_entities, self.num_relations, max_edits=max_edits)

    def to_networkx(self) -> nx.MultiDiGraph:
        """The same facts in networkx: an edge from head to tail with the relation as its key, entities with their data.

        Entities are nodes in slot order; data of relations has no place there.
        """
        graph = nx.MultiDiGraph(name=self.name)
        rows: list[dict[str, Any]] = [{}] * self.num_entities
        if self.entity_data is not None:
            rows = self.entity_data.to_pylist()
        graph.add_nodes_from(
            (name, {key: value for key, value in row.items() if value is not None})
            for name, row in zip(self.entities, rows, strict=True)
        )
        graph.add_edges_from((h, t, r) for h, r, t in self.facts())
        return graph

    def reported(self, line: str) -> KnowledgeGraph:
        """The graph with one more line in its report."""
        return replace(self, report=(*self.report, line))


@dataclass(frozen=True, eq=False)
class TripleSplits:
    """Facts to learn from, to choose models by and to test on; all three share the vocabularies of ``train``.

    Attributes:
        train, valid, test: the parts; equal ``entities`` and ``relations`` (the same objects).
        report: what reading or splitting says of the whole.
        seed: what the split was drawn with; None where it was given.
    """

    train: KnowledgeGraph
    valid: KnowledgeGraph
    test: KnowledgeGraph
    report: tuple[str, ...] = field(default=())
    seed: int | None = None

    @property
    def parts(self) -> dict[str, KnowledgeGraph]:
        """The three parts by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}

    def unseen(self, part: KnowledgeGraph) -> np.ndarray:
        """Which facts of ``part`` mention an entity or a relation that no fact of ``train`` does, bool[m]."""
        entities = np.ones(part.num_entities, bool)
        relations = np.ones(part.num_relations, bool)
        entities[self.train.triples[:, ::2]] = relations[self.train.triples[:, 1]] = False
        h, r, t = part.triples.T
        return entities[h] | relations[r] | entities[t]


def fact_codes(triples: np.ndarray, num_entities: int, num_relations: int) -> np.ndarray:
    """Numbers int32[m] that are equal where facts int[m, 3] are, counted up in the order of first appearance."""
    h, r, t = triples.astype(np.int64).T
    pairs = np.asarray(pa.array(h * num_entities + t).dictionary_encode().indices)  # dense, so that nothing overflows
    return np.asarray(pa.array(pairs.astype(np.int64) * num_relations + r).dictionary_encode().indices)


def contained(some: np.ndarray, triples: np.ndarray, num_entities: int, num_relations: int) -> np.ndarray:
    """Which facts of ``some`` int[k, 3] are among ``triples`` int[m, 3], bool[k]."""
    codes = fact_codes(np.concatenate([triples, some]), num_entities, num_relations)
    return codes[len(triples) :] <= codes[: len(triples)].max(initial=-1)
