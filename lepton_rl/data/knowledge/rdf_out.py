"""RDF out: N-Triples line by line, and Turtle grouped by subject with prefixes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from lepton_rl.data.knowledge.graph import KnowledgeGraph
from lepton_rl.data.knowledge.rdf import NO_IRI, iri_of, parsed_turtle, read_turtle
from lepton_rl.data.knowledge.triples import TripleColumns
from lepton_rl.data.source import Source

__all__ = ["as_ntriples", "as_turtle", "escaped", "literal", "turtle_as_ntriples"]

_XSD = "http://www.w3.org/2001/XMLSchema#"
_LANGUAGE = re.compile(r"(.+)@([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)", re.DOTALL)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPLIT = re.compile(r"<(.+[#/:])([A-Za-z_][A-Za-z0-9_-]*)>")  # a namespace, and a plain name in it
_TYPED = re.compile(rf"\^\^<{_XSD}(\w+)>$")


def _statements(graph: KnowledgeGraph) -> Iterator[tuple[str, str, str]]:
    """Facts as terms of N-Triples, then ``entity_data`` as literals."""
    entities = [iri_of(name) for name in graph.entities]
    relations = [iri_of(name, blank=False) for name in graph.relations]
    for h, r, t in graph.triples.tolist():
        yield entities[h], relations[r], entities[t]
    if graph.entity_data is not None:
        for column in graph.entity_data.column_names:
            yield from _literals(entities, column, graph.entity_data[column].to_pylist())


def _literals(entities: Sequence[str], column: str, cells: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    values = [cell if isinstance(cell, list) else [cell] for cell in cells]
    is_text = any(isinstance(value, str) for cell in values for value in cell)
    match = _LANGUAGE.fullmatch(column) if is_text else None
    relation = iri_of(match[1] if match else column, blank=False)
    for entity, cell in zip(entities, values, strict=True):
        for value in cell:
            if value is not None:
                yield entity, relation, literal(value) + (f"@{match[2]}" if match else "")


def literal(value: Any) -> str:
    """A value as N-Triples writes it: text, or a number or truth value with its datatype."""
    if isinstance(value, bool):
        return f'"{str(value).lower()}"^^<{_XSD}boolean>'
    if isinstance(value, int):
        return f'"{value}"^^<{_XSD}integer>'
    if isinstance(value, float):
        return f'"{value!r}"^^<{_XSD}double>'.replace("inf", "INF").replace("nan", "NaN")
    return '"' + re.sub(r'["\\\x00-\x1f\x7f]', lambda m: _ESCAPES.get(m[0], f"\\u{ord(m[0]):04X}"), str(value)) + '"'


def as_ntriples(graph: KnowledgeGraph) -> bytes:
    """N-Triples: facts first, then ``entity_data`` as literals.

    Names that are no IRIs are written as ``urn:x-name:…``, percent-encoded, which reading undoes.
    """
    return "".join(f"{s} {p} {o} .\n" for s, p, o in _statements(graph)).encode()


def as_turtle(graph: KnowledgeGraph) -> bytes:
    """Turtle with the terms of :func:`as_ntriples`, one block a subject.

    Not by rdflib, whose Turtle keeps seven digits of a number.
    """
    prefixes = {_XSD: "xsd"}

    def short(term: str) -> str:
        match = _SPLIT.fullmatch(term)
        return f"{prefixes.setdefault(match[1], f'n{len(prefixes)}')}:{match[2]}" if match else term

    blocks: dict[str, list[str]] = defaultdict(list)
    for s, p, o in _statements(graph):
        target = _TYPED.sub(r"^^xsd:\1", o) if o.startswith('"') else short(o)
        blocks[short(s)].append(f"{short(p)} {target}")
    body = [f"{subject} " + " ;\n    ".join(found) + " .\n" for subject, found in blocks.items()]
    return "\n".join([*(f"@prefix {name}: <{iri}> ." for iri, name in prefixes.items()), "", *body]).encode()


def turtle_as_ntriples(source: Source) -> bytes:
    """The statements of a Turtle file in their order, literals as they are, blank nodes numbered ``_:b0 …``.

    Raises:
        DataError: not Turtle, with the line; rdflib is not installed.
    """
    read_turtle(source, TripleColumns())  # refuses what is no RDF
    found, rdflib = parsed_turtle(source)
    labels: dict[Any, str] = {}

    def term(node: Any) -> str:
        if isinstance(node, rdflib.BNode):
            return labels.setdefault(node, f"_:b{len(labels)}")
        if not isinstance(node, rdflib.Literal):
            return f"<{NO_IRI.sub(escaped, str(node))}>"
        kind = f"^^{term(node.datatype)}" if node.datatype else ""
        return literal(str(node)) + (f"@{node.language}" if node.language else kind)

    return "".join(f"{' '.join(map(term, row))} .\n" for row in found).encode()


def escaped(match: re.Match[str]) -> str:
    """A character as ``\\uXXXX``."""
    return f"\\u{ord(match[0]):04X}"
