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

__all__ = ["iri_of", "lines_of", "name_of", "read_ntriples", "read_turtle"]

NAMED = "urn:x-name:"  # names that are no IRIs are written as one of these, percent-encoded
_ESCAPE = r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_IRI = rf'<[A-Za-z][A-Za-z0-9+.-]*:(?:[^\x00-\x20<>"{{}}|^`\\]|{_ESCAPE})*>'
_BLANK = r"_:[\pL\pN_:](?:[\pL\pN\pM_:.·-]*[\pL\pN\pM_:·-])?"
_TEXT = rf"""\"(?:[^"\\\r\n]|\\[tbnrf"'\\]|{_ESCAPE})*\""""
_LINE = (
    rf"^[ \t]*(?P<s>{_IRI}|{_BLANK})[ \t]*(?P<p>{_IRI})[ \t]*(?:(?P<o>{_IRI}|{_BLANK})|(?P<text>{_TEXT})"
    rf"(?:\^\^(?P<kind>{_IRI})|@(?P<lang>[A-Za-z]+(?:-[A-Za-z0-9]+)*))?)[ \t]*\.[ \t]*(?:#[^\r\n]*)?\r?\n?$"
)
_EMPTY = r"^[ \t]*(?:#.*)?\r?\n?$"
_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_CHARACTERS = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\\x7f-\x9f]*")
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


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _CHARACTERS.get(match[3], match[3])

    found = _ESCAPED.sub(character, text)
    found.encode()  # half of a surrogate pair is no character
    return found


def _named(terms: pa.Array) -> pa.Array:
    """The names of terms; each different one is looked at once."""
    encoded = terms.dictionary_encode()
    plain = (term[1:-1] if term.startswith("<") else term for term in encoded.dictionary.to_pylist())
    names = [name_of(_unescaped(term) if "\\" in term else term) for term in plain]
    return pa.array(names, pa.large_string()).take(encoded.indices)


def read_ntriples(source: Source, columns: TripleColumns) -> RawFacts:
    """The facts of an N-Triples file; ``columns`` are said by the format.

    Raises:
        DataError: a line that is no triple, with its number.
    """
    lines = lines_of(source.checked())
    found = pc.extract_regex(lines, _LINE)
    odd = np.flatnonzero(found.is_null())
    broken = odd[~np.asarray(pc.match_substring_regex(lines.take(pa.array(odd)), _EMPTY))]
    if len(broken):
        raise DataError(
            f"{source.at(int(broken[0]) + 1)}: no N-Triples statement: give '<subject> <predicate> <object> .' a line "
            "with full IRIs, or say format='turtle'."
        )
    rows = np.flatnonzero(found.is_valid())
    try:
        return _facts(source, pc.drop_null(found), rows)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{source.path}: an escape in it is no character ({error}): export it again.") from None


def _facts(source: Source, found: pa.StructArray, rows: np.ndarray) -> RawFacts:
    """Facts between entities, and literals apart."""
    s, p, o = (_named(found.field(name)) for name in "spo")
    linked = pc.not_equal(o, "")
    at = rows[np.asarray(linked)]
    values = pa.table({"s": s, "p": p, **{name: found.field(name) for name in ("text", "kind", "lang")}})
    literals = [
        Literal(row["s"], row["p"] + f"@{row['lang']}" * bool(row["lang"]), _unescaped(row["text"][1:-1]),
                _unescaped(row["kind"][1:-1]))
        for row in values.filter(pc.invert(linked)).to_pylist()
    ]  # fmt: skip
    table = pa.table({"head": s, "relation": p, "tail": o}).filter(linked)
    return RawFacts(table, lambda i: source.at(int(at[i]) + 1), literals)


def read_turtle(source: Source, columns: TripleColumns) -> RawFacts:
    """The facts of a Turtle file, prefixes written out; blank nodes are numbered ``_:b0 …`` as they appear.

    Raises:
        DataError: not Turtle, with the line; rdflib is not installed.
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
    return _recorded(source, graph.found, rdflib)


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
