"""A file of facts line by line, its bytes kept: what each line states, and how another would be written there."""

import csv
import io
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.knowledge.rdf import NO_IRI, STATEMENT, name_of, read_ntriples, unescaped
from lepton_rl.data.knowledge.rdf_out import escaped, literal
from lepton_rl.data.knowledge.triples import Layout, TripleColumns, layout, read_triples, spaced
from lepton_rl.data.source import DataError, Source
from lepton_rl.data.table import rows_of

__all__ = ["Fact", "Spelt", "Statements", "read_statements"]

Fact = tuple[str, str, str]
Spelt = tuple[Fact, bytes] | DataError
_BOM = b"\xef\xbb\xbf"
_STRING = "<http://www.w3.org/2001/XMLSchema#string>"


class Statements(NamedTuple):
    """The lines of a file of facts; joined they are its content, unpacked.

    Attributes:
        lines: with their line ends; where quotes protect a line end, a line is a whole row of the table.
        facts: what each states, in the words of the format: names in tables, terms (``<IRI>``, ``_:label``,
            ``"text"@en``) in N-Triples; None for comments, blank lines and the header.
        split: content -> lines, of this file or one with other facts.
        spell: facts -> each in the format's own spelling and its line without line end, or why it does not fit.
        name: a word -> what :func:`lepton_rl.data.read_knowledge` calls it.
    """

    lines: list[bytes]
    facts: list[Fact | None]
    split: Callable[[bytes], list[bytes]]
    spell: Callable[[Sequence[Fact]], list[Spelt]]
    name: Callable[[str], str]

    def places(self) -> dict[Fact, dict[int, int]]:
        """Where each fact stands: its lines in the file, counted from 1, and for each its place in ``lines``."""
        found: dict[Fact, dict[int, int]] = {}
        line = 1
        for i, (text, fact) in enumerate(zip(self.lines, self.facts, strict=True)):
            if fact is not None:
                found.setdefault(fact, {})[line] = i
            line += len(text.splitlines())
        return found


def read_statements(source: Source, format: str) -> Statements:
    """The statements of a file in a format of a fact a line: ``tsv``, ``csv`` or ``nt``.

    Raises:
        DataError: another format; a line that cannot be used.
    """
    if format not in ("tsv", "csv", "nt"):
        raise DataError(
            f"{source.path} is {format}, whose facts are no lines that an edit could name: write it as N-Triples first "
            "(rdfpipe -i turtle -o nt), or let solve do so."
        )
    return _ntriples(source) if format == "nt" else _table(source)


def _ntriples(source: Source) -> Statements:
    read_ntriples(source, TripleColumns())  # refuses what is no statement
    lines = _split(source.data)
    texts = [line.removeprefix(_BOM).decode() for line in lines]
    return Statements(lines, _terms(_matched(texts)), _split, _spelt, _named)


def _named(term: str) -> str:
    return name_of(term[1:-1]) if term.startswith("<") else term


def _split(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _matched(texts: Sequence[str]) -> list[dict[str, str] | None]:
    """The parts of each statement by name, "" where it has none; None for what is no statement."""
    return pc.extract_regex(pa.array(texts, pa.large_string()), STATEMENT).to_pylist()


def _terms(rows: Sequence[dict[str, str] | None]) -> list[Fact | None]:
    """Subject, predicate and object of each statement, each term in one spelling."""
    known: dict[str, str] = {"": ""}

    def one(term: str) -> str:
        if term not in known:
            inner = unescaped(term[1:-1]) if "\\" in term else term[1:-1]
            known[term] = f"<{NO_IRI.sub(escaped, inner)}>" if term[0] == "<" else term
        return known[term]

    def fact(row: dict[str, str]) -> Fact:
        kind = one(row["kind"])
        mark = f"@{row['lang'].lower()}" if row["lang"] else f"^^{kind}" if kind not in ("", _STRING) else ""
        return one(row["s"]), one(row["p"]), one(row["o"]) or literal(unescaped(row["text"][1:-1])) + mark

    return [None if row is None else fact(row) for row in rows]


def _spelt(facts: Sequence[Fact]) -> list[Spelt]:
    """All in one go: the pattern is dear to compile."""
    return [_checked(*pair) for pair in zip(facts, _matched([" ".join((*fact, ".")) for fact in facts]), strict=True)]


def _checked(fact: Fact, row: dict[str, str] | None) -> Spelt:
    kind, lang = (row["kind"], row["lang"]) if row else ("", "")
    mark = f"^^{kind}" * bool(kind) + f"@{lang}" * bool(lang)
    if row is None or fact != (row["s"], row["p"], row["o"] or row["text"] + mark):
        return DataError(f'{" ".join(fact)}: no terms of N-Triples: give <IRI>, _:label or, as the tail, "text"@en.')
    try:
        found = next(one for one in _terms([row]) if one)
    except (ValueError, OverflowError):
        return DataError(f"{' '.join(fact)}: an escape in it is no character.")
    return found, " ".join((*found, ".")).encode()


def _table(source: Source) -> Statements:
    plan = layout(source, TripleColumns())
    table = read_triples(source, TripleColumns()).table
    dialect, start = plan.text.dialect, _BOM if source.data.startswith(_BOM) else b""

    def split(data: bytes) -> list[bytes]:
        lines = _split(data)
        return _rows(lines, dialect.delimiter) if dialect.quotes and b'"' in data else lines

    lines = split(source.data.removeprefix(start))
    filled = [i for i, line in enumerate(lines) if line.strip(b" \t\r\n")][int(plan.text.header) :]
    if len(filled) != len(table):
        raise DataError(f"{source.path}: {len(table)} facts on {len(filled)} lines: mend its line ends and quotes.")
    facts: list[Fact | None] = [None] * len(lines)
    for i, *fact in zip(filled, *(table[role].to_pylist() for role in ("head", "relation", "tail")), strict=True):
        facts[i] = (fact[0], fact[1], fact[2])
    lines[0] = start + lines[0]
    return Statements(lines, facts, split, lambda facts: [_row(fact, plan) for fact in facts], str)


def _rows(lines: Sequence[bytes], delimiter: str) -> list[bytes]:
    """Lines joined where quotes protect their ends."""
    reader = csv.reader((line.decode() for line in lines), delimiter=delimiter, skipinitialspace=True, strict=True)
    ends = [0, *(reader.line_num for _ in reader)]
    return [b"".join(lines[begin:end]) for begin, end in pairwise(ends)]


def _row(fact: Fact, plan: Layout) -> Spelt:
    """A line of the table with a fact in its columns and nothing in the others."""
    source, dialect = plan.text.source, plan.text.dialect
    cells = [""] * len(plan.names)
    for place, name in zip(plan.chosen, fact, strict=True):
        cells[place] = name
    row = dialect.delimiter.join(cells)
    if dialect.quotes:
        stream = io.StringIO()
        csv.writer(stream, delimiter=dialect.delimiter, lineterminator="\r\n").writerow(cells)
        row = stream.getvalue().removesuffix("\r\n")
    data = row.encode()
    found = rows_of(spaced(data) if dialect.delimiter == " " else data, dialect, source, 2)
    if found != [cells]:
        return DataError(
            f"{fact}: does not fit a line of {source.path} ({len(cells)} columns, separated by {dialect.said}): rename "
            "it, or write the graph as N-Triples."
        )
    return fact, data
