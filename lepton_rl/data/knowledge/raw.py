"""From facts as they were read to a knowledge graph: one vocabulary, each fact once, literals as columns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from lepton_rl.data.knowledge.graph import KnowledgeGraph, TripleSplits, contained, fact_codes
from lepton_rl.data.names import Ends, Names
from lepton_rl.data.source import DataError

__all__ = ["Literal", "RawFacts", "drop_repeated", "knowledge_graph", "overlaps", "triple_splits"]

_XSD = "http://www.w3.org/2001/XMLSchema#"
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_WHOLE = ("integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger",
          "negativeInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte")  # fmt: skip
_PARSERS: dict[str, Callable[[str], Any]] = {
    **{_XSD + name: int for name in _WHOLE}, **{_XSD + name: float for name in ("decimal", "double", "float")},
    _XSD + "boolean": lambda text: _TRUTH[text],
}  # fmt: skip


class Literal(NamedTuple):
    """A value that RDF gives an entity; ``column`` is the property, with ``@`` and the language if it has one."""

    entity: str
    column: str
    text: str
    datatype: str = ""


class RawFacts(NamedTuple):
    """What a reader hands over.

    Attributes:
        table: string columns head, relation and tail, without nulls, in the order read.
        where: index of a fact -> where the user finds it (``file:line``).
        literals: values of entities. ``report``: what the reader ignored.
    """

    table: pa.Table
    where: Callable[[int], str]
    literals: Sequence[Literal] = ()
    report: tuple[str, ...] = ()


def _encoded(parts: Sequence[RawFacts]) -> tuple[list[np.ndarray], Names, Names]:
    """``(int32[m, 3] of each part, entities, relations)``; the first part's names get the first slots."""
    ends = Ends()
    for part in parts:
        for batch in part.table.combine_chunks().to_batches():
            ends.add(batch["head"], batch["tail"])
    total = sum(len(part.table) for part in parts)
    subjects = pa.array(list(dict.fromkeys(literal.entity for part in parts for literal in part.literals)), pa.string())
    ends.add(subjects, subjects)
    slots, entities = ends.finish()
    spelt = [chunk for part in parts for chunk in part.table["relation"].cast(pa.large_string()).chunks]
    words = pa.chunked_array(spelt, pa.large_string()).combine_chunks().dictionary_encode()
    triples = np.stack([slots[:total, 0], np.asarray(words.indices, np.int32), slots[:total, 1]], axis=1)
    cuts = np.cumsum([len(part.table) for part in parts])[:-1]
    return np.split(triples, cuts), entities, Names(words.dictionary)


def _values(literals: Iterable[Literal], entities: Names) -> tuple[pa.Table | None, list[str]]:
    """A column a property; lists where an entity has several values; and lines for a report."""
    columns: dict[str, list[Literal]] = defaultdict(list)
    for literal in dict.fromkeys(literals):
        columns[literal.column].append(literal)
    if not columns:
        return None, []
    slot = {name: i for i, name in enumerate(entities)}
    made, lines = {}, [f"literals became {len(columns)} column(s) of entity_data: {', '.join(list(columns)[:5])}"]
    for name, found in columns.items():
        values, line = _parsed(name, found)
        cells: list[list[Any]] = [[] for _ in entities]
        for literal, value in zip(found, values, strict=True):
            cells[slot[literal.entity]].append(value)
        several = max(map(len, cells)) > 1
        made[name] = pa.array([(cell if several else cell[0]) if cell else None for cell in cells])
        lines += line
    return pa.table(made), lines


def _parsed(name: str, literals: Sequence[Literal]) -> tuple[list[Any], list[str]]:
    """Values of one kind: what their datatypes say if these agree and hold, else the texts."""
    texts = [literal.text for literal in literals]
    kinds = {_PARSERS.get(literal.datatype, str) for literal in literals}
    if kinds == {int, float}:
        kinds = {float}
    try:
        values = [next(iter(kinds))(text) for text in texts] if len(kinds) == 1 else texts
        pa.array(values)
    except (ValueError, KeyError, OverflowError, pa.ArrowInvalid):
        values = texts
    other = sorted({literal.datatype for literal in literals if literal.datatype} - set(_PARSERS))
    as_text = other or len(kinds) > 1 or (values is texts and kinds != {str})
    return values, [f"literals of '{name}' kept as text, their datatypes dropped"] if as_text else []


def drop_repeated(graph: KnowledgeGraph, where: Callable[[int], str]) -> KnowledgeGraph:
    """The graph with each fact once, which it reports; ``where`` says where the user finds a fact."""
    codes = fact_codes(graph.triples, graph.num_entities, graph.num_relations)
    again = codes <= np.maximum.accumulate(np.concatenate([[-1], codes[:-1]]))
    if not again.any():
        return graph
    first = int(again.argmax())
    fact = ", ".join(graph.facts(np.array([first]))[0])
    line = f"{again.sum()} duplicate fact(s) merged, the first at {where(first)} ({fact})"
    return replace(graph, triples=graph.triples[~again]).reported(line)


def knowledge_graph(name: str, raw: RawFacts) -> KnowledgeGraph:
    """The graph of the facts read, each once.

    Raises:
        DataError: no fact.
    """
    (triples,), entities, relations = _encoded([raw])
    if not len(triples):
        raise DataError(f"{name} has no fact between entities: give at least one.")
    data, lines = _values(raw.literals, entities)
    graph = KnowledgeGraph(name, triples, entities, relations, data, report=(*raw.report, *lines))
    return drop_repeated(graph, raw.where)


def triple_splits(name: str, parts: Mapping[str, RawFacts]) -> TripleSplits:
    """The splits of facts read for "train", "valid" and "test"; each fact once a part.

    Raises:
        DataError: no fact to learn from.
    """
    blocks, entities, relations = _encoded(list(parts.values()))
    if not len(blocks[0]):
        raise DataError(f"{name} has no fact in its training part: give at least one.")
    data, lines = _values((literal for raw in parts.values() for literal in raw.literals), entities)
    graphs: dict[str, Any] = {}
    for block, (part, raw) in zip(blocks, parts.items(), strict=True):
        graph = KnowledgeGraph(f"{name} ({part})", block, entities, relations, data, report=raw.report)
        graphs[part] = drop_repeated(graph, raw.where)
    splits = TripleSplits(**graphs, report=tuple(lines))
    return replace(splits, report=(*splits.report, *overlaps(splits)))


def overlaps(splits: TripleSplits) -> list[str]:
    """What must not go unsaid of splits that were read: unseen names and facts in two parts."""
    lines, train = [], splits.train
    for name in ("valid", "test"):
        part = splits.parts[name]
        unseen = int(splits.unseen(part).sum())
        again = int(contained(part.triples, train.triples, train.num_entities, train.num_relations).sum())
        if unseen:
            lines.append(f"{unseen} {name} fact(s) mention an entity or relation that no training fact does")
        if again:
            lines.append(f"{again} {name} fact(s) are also in train")
    return lines
