"""Edges as lines of text: whitespace edge lists and delimited tables."""

import csv
import io
import re
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.edge_table import SOURCES, TARGETS, Columns, edges_of, plain, roles, unique
from lepton_rl.data.foreign import to_tables
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.nodes import key_of
from lepton_rl.data.source import DataError, Source, Written
from lepton_rl.data.table import Dialect, Text, parse, rows_of, stream, tidy

__all__ = ["read_edge_list", "read_nodes", "read_table", "table_edges", "write_csv", "write_edge_list"]

_DELIMITERS = {"\t": "tab", ";": "';'", "|": "'|'", ",": "','"}
_SAMPLE = 50  # rows looked at to find the delimiter and the header
_FIELD = 100_000  # characters of a line that are looked at; the csv module takes fields little longer
_WIDEST = 10_000  # columns; more are a matrix
_HEAD = re.compile(rb"(?:[ \t]*(?:[#%][^\r\n]*)?\r?\n)*+")
_COMMENT = re.compile(rb"(?m)^[ \t]*[#%][^\r\n]*")
_DICTIONARY = re.compile(rb" \{[^\r\n]*")


def read_edge_list(source: Source, columns: Columns) -> RawEdges:
    """Whitespace-separated ``source target …``; lines that start with # or % are comments.

    The attribute dictionary that ``networkx.write_edgelist`` appends ({…}) is left out.

    Raises:
        DataError: no edge, or a row with another number of columns than the first.
    """
    data, mark = _plain_lines(source.checked())
    dialect = Dialect(mark, False, "whitespace; for a table give format='csv'")
    return table_edges(source, data, dialect, columns)


def _plain_lines(data: bytes) -> tuple[bytes, str]:
    """``(lines, the one blank or tab between their cells)``; what is no edge becomes a blank line."""
    head = _HEAD.match(data)
    start = head.end() if head else 0
    if start:  # most files have their comments here, and looking for others takes longer than parsing
        data = b"\n" * data.count(b"\n", 0, start) + data[start:]
    if b"#" in data or b"%" in data:
        data = _COMMENT.sub(b"", data)
    if b" {" in data:
        data = _DICTIONARY.sub(b"", data)
    if b" " in data:
        data = data.replace(b"\t", b" ")
    mark = b" " if b" " in data else b"\t"
    data = data.replace(b"\r\n", b"\n")
    while mark * 2 in data:
        data = data.replace(mark * 2, mark)
    return data.replace(mark + b"\n", b"\n").replace(b"\n" + mark, b"\n").strip(mark), mark.decode()


def read_table(source: Source, columns: Columns) -> RawEdges:
    """A table, one edge a row: delimiter , ; tab or | and quotes as spreadsheets write them.

    A first row that names its columns (source/target, from/to, head/tail …) says which two to read; without one the
    first two are read. Further columns are attributes of the edges.

    Raises:
        DataError: no edge, no delimiter, a ragged row, an open quote, an empty name, no such column.
    """
    data = source.checked()
    return table_edges(source, data, _dialect(columns.delimiter or _sniff(data, source, 2)), columns)


def read_nodes(source: Source, columns: Columns) -> tuple[pa.Table, Callable[[int], str]]:
    """The rows of a table of nodes, whose first row names its columns, and where each of them stands.

    Raises:
        DataError: no row, a ragged row, an open quote.
    """
    data = source.checked()
    text = Text(source, data, _dialect(columns.delimiter or _sniff(data, source, 1)), header=True)
    sample = rows_of(data, text.dialect, source, 1)
    if not sample:
        raise DataError(f"{source.path} has no rows: give a header and one row a node.")
    names = unique(sample[0])
    key = key_of(names)
    table = parse(text, names, (key,))
    return table.set_column(names.index(key), key, pc.utf8_trim_whitespace(table[key])), text.at


def _dialect(delimiter: str) -> Dialect:
    if len(delimiter) != 1:
        raise DataError(f"delimiter '{delimiter}': give one character.")
    return Dialect(delimiter, True, _DELIMITERS.get(delimiter, f"'{delimiter}'"))


def _sniff(data: bytes, source: Source, least: int) -> str:
    """The first delimiter that cuts the first lines into equally many columns, at least ``least``.

    The comma comes last: it is the one that names and decimals hold most often.
    """
    lines = [line for line in data[: 1 << 20].decode("utf-8", "replace").splitlines()[:_SAMPLE] if line.strip()]
    sample = [line[:_FIELD] for line in lines]
    counts = {d: [len(row) for row in csv.reader(sample, delimiter=d) if row] for d in _DELIMITERS}
    widest = max(_DELIMITERS, key=lambda d: counts[d][:1])
    if max(counts[widest], default=least) < least:
        allowed = ", ".join(_DELIMITERS.values())
        raise DataError(f"{source.at(1)}: one column only: separate source and target by one of {allowed}.")
    regular = (d for d, found in counts.items() if len(set(found)) == 1 and found[0] > 1)
    return next(regular, widest)


def table_edges(source: Source, data: bytes, dialect: Dialect, columns: Columns) -> RawEdges:
    """Text -> edges: find the header and the columns, parse, and say what was taken for what."""
    sample = rows_of(data, dialect, source, _SAMPLE)
    if not sample:
        raise DataError(f"{source.path} has no rows: give at least one edge.")
    if len(sample[0]) < 2:
        raise Text(source, data, dialect).fault(2) or DataError(f"{source.at(1)}: one column only.")
    if len(sample[0]) > _WIDEST:
        raise DataError(
            f"{source.at(1)}: {len(sample[0]):,} columns (separated by {dialect.said}): give one edge a row, and a "
            "matrix as Matrix Market (.mtx)."
        )
    header = _is_header(sample, columns)
    names = unique(sample[0]) if header else [str(i) for i in range(1, len(sample[0]) + 1)]
    found = roles(names, columns, source.path)
    s, t = names[found[0]], names[found[1]]
    text = Text(source, data, dialect, header)
    raw = _read(text, names, found)
    if not len(raw.edges):
        raise DataError(f"{source.path} has no edges, only a header: give at least one.")
    report = [f"{text.at(-1)} read as header: source = '{s}', target = '{t}'"] if header else []
    return raw._replace(report=tuple(report))


def _read(text: Text, names: Sequence[str], found: tuple[int, int, int | None]) -> RawEdges:
    """The edges of the rows, in one go with little memory if that can be."""
    ends = (names[found[0]], names[found[1]])
    try:
        raw = edges_of(stream(text, names, ends), found, text.at, trim=True)
    except pa.ArrowInvalid:
        raw = edges_of(parse(text, names, ends).to_batches(), found, text.at, trim=True)
    return raw if raw.edge_data is None else raw._replace(edge_data=tidy(raw.edge_data, ()))


def _is_header(sample: Sequence[Sequence[str]], columns: Columns) -> bool:
    """Whether the first row names the columns: it holds the usual or the given names, or words over numbers."""
    names = [plain(cell) for cell in sample[0]]
    given = (columns.source, columns.target, columns.weight)
    worded = any(name is not None and not name.isdecimal() for name in given)
    if worded or (SOURCES & set(names) and TARGETS & set(names)):
        return True
    worded = not any(_is_number(cell) for cell in sample[0][:2])
    numbers = len(sample) > 1 and all(_is_number(cell) for row in sample[1:] for cell in row[:2])
    return worded and numbers


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").isdigit()


def write_edge_list(graph: NamedGraph, suffix: str) -> Written:
    """One edge a line, names only."""
    if graph.edge_data is not None or graph.node_data is not None:
        raise DataError("edge lists keep no attributes")
    if len(np.unique(graph.edges)) < graph.num_nodes:
        raise DataError("edge lists keep no nodes without an edge")
    names = list(graph.names)
    unfit = next((name for name in names if not name or re.search(r"\s|^[#%{]", name)), None)
    if unfit is not None:
        raise DataError(f"edge lists cannot hold the name {unfit!r}: blanks separate names, # and % begin a comment")
    lines = (f"{names[u]} {names[v]}\n" for u, v in graph.edges.tolist())
    return Written("".join(lines).encode())


def write_csv(graph: NamedGraph, suffix: str) -> Written:
    """A table with the columns source, target and the attributes; by tabs for ``.tsv``, else by commas."""
    delimiter = "\t" if suffix == ".tsv" else ","
    edges, nodes = (_csv(table, delimiter) for table in to_tables(graph))
    return Written(edges, nodes)


def _csv(table: pa.Table, delimiter: str) -> bytes:
    """Quoted only where some value needs it."""
    for quoting in ("none", "needed"):
        stream = io.BytesIO()
        options = pyarrow.csv.WriteOptions(delimiter=delimiter, quoting_style=quoting, quoting_header=quoting)
        try:
            pyarrow.csv.write_csv(table, stream, options)
            break
        except pa.ArrowInvalid:
            if quoting == "needed":
                raise
    return stream.getvalue()
