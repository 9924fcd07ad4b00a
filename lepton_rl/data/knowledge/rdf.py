"""N-Triples by a strict pattern a line, Turtle by rdflib. IRIs are names; literals are values of entities."""

import re
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.knowledge.raw import Literal, RawFacts
from lepton_rl.data.knowledge.triples import TripleColumns
from lepton_rl.data.source import DataError, Source

__all__ = [
    "NO_IRI", "STATEMENT", "iri_of", "lines_of", "name_of", "parsed_turtle", "read_ntriples", "read_turtle",
    "unescaped",
]  # fmt: skip

NAMED = "urn:x-name:"  # names that are no IRIs are written as one of these, percent-encoded
_ESCAPE = r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_IRI = rf'<[A-Za-z][A-Za-z0-9+.-]*:(?:[^\x00-\x20<>"{{}}|^`\\]|{_ESCAPE})*>'
_BLANK = r"_:[\pL\pN_:](?:[\pL\pN\pM_:.·-]*[\pL\pN\pM_:·-])?"
_TEXT = rf"""\"(?:[^"\\\r\n]|\\[tbnrf"'\\]|{_ESCAPE})*\""""
STATEMENT = (
    rf"^[ \t]*(?P<s>{_IRI}|{_BLANK})[ \t]*(?P<p>{_IRI})[ \t]*(?:(?P<o>{_IRI}|{_BLANK})|(?P<text>{_TEXT})"
    rf"(?:\^\^(?P<kind>{_IRI})|@(?P<lang>[A-Za-z]+(?:-[A-Za-z0-9]+)*))?)[ \t]*\.[ \t]*(?:#[^\r\n]*)?\r?\n?$"
)
# What nearly all lines are; written so that RE2 needs no second thought, it is matched eight times as fast.
_SIMPLE = r'<[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>"{}|^`\\]*>'
_LINK = rf"^(?P<s>{_SIMPLE}) (?P<p>{_SIMPLE}) (?P<o>{_SIMPLE}) \.\r?\n?$"
_EMPTY = r"^[ \t]*(?:#.*)?\r?\n?$"
_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_CHARACTERS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\\x7f-\x9f]*")
NO_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')  # characters that stay escaped between < and >
_LABEL = re.compile(r"_:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")


def iri_of(name: str, blank: bool = True) -> str:
    """How a name is written in N-Triples; ``blank``: whether a blank node may stand there."""
    if blank and _LABEL.fullmatch(name):
        return name
    plain = name.startswith(NAMED) or not _ABSOLUTE.fullmatch(name)
    return f"<{NAMED}{quote(name, safe='')}>" if plain else f"<{name}>"


def name_of(term: str) -> str:
    """The name that an IRI (without <>) or a blank node ``_:label`` stands for."""
    name = unquote(term.removeprefix(NAMED), errors="replace")
    return name if term.startswith(NAMED) and iri_of(name, blank=False) == f"<{term}>" else term


def lines_of(data: bytes) -> pa.Array:
    """The lines of a text with their line ends, as an arrow array; nothing is copied."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    if not len(ends) or ends[-1] < len(data):
        ends = np.append(ends, len(data))
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    return pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))


def unescaped(text: str) -> str:
    """A text without the escapes of N-Triples.

    Raises:
        ValueError, OverflowError: an escape that is no character.
    """

    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _CHARACTERS.get(match[3], match[3])

    found = _ESCAPED.sub(character, text)
    found.encode()  # half of a surrogate pair is no character
    return found


def _named(terms: pa.ChunkedArray) -> pa.Array:
    """The names of terms; each different one is looked at once."""
    encoded = terms.combine_chunks().dictionary_encode()
    plain = (term[1:-1] if term.startswith("<") else term for term in encoded.dictionary.to_pylist())
    names = [name_of(unescaped(term) if "\\" in term else term) for term in plain]
    return pa.array(names, pa.large_string()).take(encoded.indices)


def read_ntriples(source: Source, columns: TripleColumns) -> RawFacts:
    """The facts of an N-Triples file; ``columns`` are said by the format.

    Raises:
        DataError: a line that is no triple, with its number.
    """
    lines = lines_of(source.checked())
    links = pc.extract_regex(lines, _LINK)
    odd = np.flatnonzero(links.is_null())
    others = lines.take(pa.array(odd))
    found = pc.extract_regex(others, STATEMENT)
    broken = odd[np.asarray(pc.and_(found.is_null(), pc.invert(pc.match_substring_regex(others, _EMPTY))))]
    if len(broken):
        raise DataError(
            f"{source.at(int(broken[0]) + 1)}: no N-Triples statement: give '<subject> <predicate> <object> .' a line "
            "with full IRIs, or say format='turtle'."
        )
    try:
        linked = pc.and_(found.is_valid(), pc.not_equal(found.field("o"), ""))  # field() does not know nulls
        at = np.concatenate([np.flatnonzero(links.is_valid()), odd[np.asarray(linked)]])
        order = np.argsort(at)
        parts = (pa.table({k: pc.drop_null(links).field(k) for k in "spo"}),
                 pa.table({k: found.filter(linked).field(k) for k in "spo"}))  # fmt: skip
        terms = pa.concat_tables(parts).take(pa.array(order)).combine_chunks()
        table = pa.table({role: _named(terms[k]) for role, k in (("head", "s"), ("relation", "p"), ("tail", "o"))})
        literals = _literals(found.filter(pc.and_not(found.is_valid(), linked)))
    except (ValueError, OverflowError) as error:
        raise DataError(f"{source.path}: an escape in it is no character ({error}): export it again.") from None
    return RawFacts(table, lambda i: source.at(int(at[order[i]]) + 1), literals)


def _literals(found: pa.StructArray) -> list[Literal]:
    s, p = (_named(pa.chunked_array([found.field(k)])).to_pylist() for k in "sp")
    rows = zip(s, p, *(found.field(k).to_pylist() for k in ("text", "kind", "lang")), strict=True)
    return [
        Literal(entity, column + (f"@{lang}" if lang else ""), unescaped(text[1:-1]), unescaped(kind[1:-1]))
        for entity, column, text, kind, lang in rows
    ]


def read_turtle(source: Source, columns: TripleColumns) -> RawFacts:
    """The facts of a Turtle file, prefixes written out; blank nodes are numbered ``_:b0 …`` as they appear.

    Raises:
        DataError: not Turtle, with the line; rdflib is not installed.
    """
    found, rdflib = parsed_turtle(source)
    return _recorded(source, found, rdflib)


def parsed_turtle(source: Source) -> tuple[list[tuple[Any, Any, Any]], Any]:
    """The statements of a Turtle file in their order, as terms of rdflib, and rdflib.

    Raises:
        DataError: as :func:`read_turtle`.
    """
    try:
        import rdflib  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataError("Turtle is read by rdflib: pip install 'lepton-rl[kg]'.") from None

    class Recorder(rdflib.Graph):
        """Keeps statements in their order, which a set of triples forgets."""

        def __init__(self) -> None:
            super().__init__()
            self.found: list[tuple[Any, Any, Any]] = []

        def add(self, triple: tuple[Any, Any, Any]) -> "Recorder":
            self.found.append(triple)
            return self

    graph = Recorder()
    try:
        graph.parse(data=source.checked().decode(), format="turtle", publicID=NAMED)
    except DataError:
        raise
    except Exception as error:  # beside BadSyntax, rdflib lets out whatever a broken file made it trip over
        line = getattr(error, "lines", None)
        why = re.search(r"Bad syntax \((.*?)\) at \^ in", str(error))
        where = source.path if line is None else source.at(line + 1)
        said = why[1] if why else str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise DataError(f"{where}: no Turtle ({said}): mend the line, or give relative IRIs a @base.") from None
    return graph.found, rdflib


def _recorded(source: Source, found: list[tuple[Any, Any, Any]], rdflib: Any) -> RawFacts:
    blanks: dict[Any, str] = {}

    def name(term: Any) -> str:
        if isinstance(term, rdflib.BNode):
            return blanks.setdefault(term, f"_:b{len(blanks)}")
        return name_of(str(term))

    facts, literals = [], []
    for s, p, o in found:
        if isinstance(s, rdflib.Literal) or not isinstance(p, rdflib.URIRef):
            raise DataError(f"{source.path}: the statement ({s}, {p}, {o}) is no RDF: give an IRI as its predicate.")
        if isinstance(o, rdflib.Literal):
            column = name(p) + f"@{o.language}" * bool(o.language)
            literals.append(Literal(name(s), column, str(o), str(o.datatype or "")))
        else:
            facts.append((name(s), name(p), name(o)))
    columns = zip(*facts, strict=True) if facts else ((), (), ())
    table = pa.table([pa.array(column, pa.large_string()) for column in columns], ["head", "relation", "tail"])
    return RawFacts(table, lambda i: f"{source.path} ({i + 1}. fact)", literals)
