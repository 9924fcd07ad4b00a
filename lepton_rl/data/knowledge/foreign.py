"""Knowledge graphs of other libraries, by duck typing: nothing of them is imported."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.foreign import attributes
from lepton_rl.data.knowledge.graph import KnowledgeGraph
from lepton_rl.data.knowledge.raw import RawFacts, drop_repeated, knowledge_graph
from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError
from lepton_rl.registry import near_match

__all__ = ["TriplesFactoryLike", "from_networkx", "from_table", "from_triples_factory"]


@runtime_checkable
class TriplesFactoryLike(Protocol):
    """What is read of ``pykeen.triples.TriplesFactory``."""

    mapped_triples: Any
    entity_to_id: Mapping[str, int]
    relation_to_id: Mapping[str, int]


def _vocabulary(ids: Mapping[str, int], what: str) -> Names:
    names = sorted(ids, key=ids.__getitem__)
    if [ids[name] for name in names] != list(range(len(names))):
        raise DataError(f"{what}_to_id: the ids are not 0 … {len(names) - 1}, each once: number them so.")
    return Names.of(names)


def from_triples_factory(factory: TriplesFactoryLike, name: str) -> KnowledgeGraph:
    """Take over a PyKEEN ``TriplesFactory``; ids are slots. Back: ``from_labeled_triples(graph.labelled())``.

    Raises:
        DataError: no facts of shape [m, 3], or an id that the vocabularies don't have.
    """
    mapped = factory.mapped_triples
    triples = np.asarray(mapped.cpu() if hasattr(mapped, "cpu") else mapped)
    entities, relations = _vocabulary(factory.entity_to_id, "entity"), _vocabulary(factory.relation_to_id, "relation")
    if triples.ndim != 2 or triples.shape[1] != 3 or not len(triples) or not np.issubdtype(triples.dtype, np.integer):
        raise DataError(f"mapped_triples is {triples.dtype}{list(triples.shape)}: give whole numbers [m, 3], m ≥ 1.")
    sizes = np.array([len(entities), len(relations), len(entities)])
    bad = ((triples < 0) | (triples >= sizes)).any(1)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"mapped_triples[{row}] = {triples[row].tolist()}: no such ids; there are {sizes.tolist()}.")
    graph = KnowledgeGraph(name, triples.astype(np.int32), entities, relations)
    return drop_repeated(graph, lambda i: f"mapped_triples[{i}]")


def from_networkx(graph: nx.Graph, name: str, relation: str | None = None) -> KnowledgeGraph:
    """Take over a directed networkx graph with the attributes of its nodes; names are ``str(node)``.

    Args:
        graph: directed; a multigraph where two entities may have several relations. ``name``: what it is called.
        relation: the edge attribute that says the relation; default: the key of an edge in a multigraph.

    Raises:
        DataError: undirected, no edge, an edge without a relation, or two nodes with one name (1 and "1").
    """
    if not graph.is_directed():
        raise DataError(f"{name} is undirected, but facts have a head and a tail: give a MultiDiGraph.")
    if relation is None and not graph.is_multigraph():
        raise DataError(f"{name} is no multigraph, so edges have no key: say which attribute is the relation.")
    names = [str(node) for node in graph]
    if len(set(names)) < len(names):
        raise DataError(f"two nodes of {name} have the same name as text: rename them (networkx.relabel_nodes).")
    found = list(graph.edges(data=relation) if relation is not None else graph.edges(keys=True))
    for u, v, said in found:
        if said is None:
            raise DataError(f"edge ({u}, {v}) has no '{relation}': give every edge its relation.")
    columns = [pa.array([str(edge[i]) for edge in found], pa.string()) for i in (0, 2, 1)]
    raw = RawFacts(pa.table(columns, ["head", "relation", "tail"]), lambda i: f"edge {i}")
    facts = knowledge_graph(name, raw)
    return _in_order(facts, names, [data for _, data in graph.nodes(data=True)])


def _in_order(graph: KnowledgeGraph, names: list[str], records: list[dict[str, Any]]) -> KnowledgeGraph:
    """The graph with entities as ``names`` (which may be more) and a record of attributes each."""
    slot = {name: i for i, name in enumerate(names)}
    place = np.array([slot[name] for name in graph.entities], np.int32)
    triples = graph.triples.copy()
    triples[:, ::2] = place[triples[:, ::2]]
    data, lines = attributes(records, "entity")
    return KnowledgeGraph(graph.name, triples, Names.of(names), graph.relations, data, None, (*graph.report, *lines))


def from_table(
    table: Any, name: str, head: str = "head", relation: str = "relation", tail: str = "tail"
) -> KnowledgeGraph:
    """Take over a table of facts: pyarrow's, or one that arrow can look into (pandas, polars).

    Args:
        table: the table; further columns are left out, which is reported. ``name``: what it is called.
        head, relation, tail: names of its columns, of text or whole numbers.

    Raises:
        DataError: no such column, a missing value, or a column of another type; with the row.
    """
    found = pa.table(table)
    columns = {}
    for role, column in (("head", head), ("relation", relation), ("tail", tail)):
        if column not in found.column_names:
            known = ", ".join(found.column_names)
            raise DataError(f"no column '{column}'.{near_match(column, found.column_names)} Columns: {known}.")
        columns[role] = _words(found[column], column)
    rest = [column for column in found.column_names if column not in (head, relation, tail)]
    report = (f"{len(rest)} further column(s) left out: {', '.join(rest[:5])}",) if rest else ()
    return knowledge_graph(name, RawFacts(pa.table(columns), lambda i: f"row {i}", report=report))


def _words(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if not is_text and not pa.types.is_integer(kind):
        raise DataError(f"column '{name}' is {column.type}: names are text or whole numbers.")
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise DataError(f"column '{name}', row {row} (from 0): no value: fill it or drop the row.")
    words = column.cast(kind).cast(pa.large_string())
    row = pc.index(words, "").as_py()
    if row >= 0:
        raise DataError(f"column '{name}', row {row} (from 0): an empty name: fill it or drop the row.")
    return words
