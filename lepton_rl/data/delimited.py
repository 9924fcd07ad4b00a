"""Edges as lines of text: whitespace edge lists and delimited tables."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.named import WEIGHT
from lepton_rl.data.names import Ends, Names
from lepton_rl.data.slots import spans
from lepton_rl.data.source import DataError, Source
from lepton_rl.data.table import Dialect, Text, parse, rows_of, stream, tidy
from lepton_rl.registry import near_match

__all__ = ["Columns", "read_edge_list", "read_table", "table_edges"]

_DELIMITERS = {"\t": "tab", ";": "';'", "|": "'|'", ",": "','"}
_SAMPLE = 50  # rows looked at to find the delimiter and the header
# Column names in lower case without "_" and blanks.
_SOURCES = {"source", "sourceid", "src", "from", "fromid", "fromnodeid", "u", "head", "subject", "start", "sender",
            "follower", "node1", "id1", "node1id", "user1"}  # fmt: skip
_TARGETS = {"target", "targetid", "dst", "destination", "dest", "to", "toid", "tonodeid", "v", "tail", "object", "end",
            "receiver", "followee", "node2", "id2", "node2id", "user2"}  # fmt: skip
_FIELD = 100_000  # characters of a line that are looked at; the csv module takes fields little longer
_LONGEST = 10_000  # bytes of a name
_WIDEST = 10_000  # columns; more are a matrix
_HEAD = re.compile(rb"(?:[ \t]*(?:[#%][^\r\n]*)?\r?\n)*+")
_COMMENT = re.compile(rb"(?m)^[ \t]*[#%][^\r\n]*")
_DICTIONARY = re.compile(rb" \{[^\r\n]*")


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are what: by name, or by position from "1"; by their usual names where none is given."""

    source: str | None = None
    """Column of the sources."""
    target: str | None = None
    """Column of the targets."""
    weight: str | None = None
    """Column of the weights; default: the one called so."""
    delimiter: str | None = None
    """What separates the columns; default: found in the first rows."""


def read_edge_list(source: Source, columns: Columns = Columns()) -> RawEdges:
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


def read_table(source: Source, columns: Columns = Columns()) -> RawEdges:
    """A table, one edge a row: delimiter , ; tab or | and quotes as spreadsheets write them.

    A first row that names its columns (source/target, from/to, head/tail …) says which two to read; without one the
    first two are read. Further columns are attributes of the edges.

    Raises:
        DataError: no edge, no delimiter, a ragged row, an open quote, an empty name, no such column.
    """
    data = source.checked()
    delimiter = columns.delimiter or _sniff(data, source)
    if len(delimiter) != 1:
        raise DataError(f"delimiter '{delimiter}': give one character.")
    return table_edges(source, data, Dialect(delimiter, True, _DELIMITERS.get(delimiter, f"'{delimiter}'")), columns)


def _sniff(data: bytes, source: Source) -> str:
    """The first delimiter that cuts the first lines into equally many columns, at least two.

    The comma comes last: it is the one that names and decimals hold most often.
    """
    lines = [line for line in data[: 1 << 20].decode("utf-8", "replace").splitlines()[:_SAMPLE] if line.strip()]
    sample = [line[:_FIELD] for line in lines]
    counts = {d: [len(row) for row in csv.reader(sample, delimiter=d) if row] for d in _DELIMITERS}
    widest = max(_DELIMITERS, key=lambda d: counts[d][:1])
    if max(counts[widest], default=2) < 2:
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
    names = _unique(sample[0]) if header else [str(i) for i in range(1, len(sample[0]) + 1)]
    s, t, w = _roles(names, columns, source)
    text = Text(source, data, dialect, header)
    edges, found, table = _read(text, names, (names[s], names[t]))
    if not len(edges):
        raise DataError(f"{source.path} has no edges, only a header: give at least one.")
    if w is not None and names[w] in table.column_names:
        table = table.rename_columns({names[w]: WEIGHT} if names[w] != WEIGHT else {})
    report = [f"{text.at(-1)} read as header: source = '{names[s]}', target = '{names[t]}'"] if header else []
    return RawEdges(edges, found, text.at, table if table.num_columns else None, None, tuple(report))


def _read(text: Text, names: Sequence[str], ends: tuple[str, str]) -> tuple[np.ndarray, Names, pa.Table]:
    """``(edges, names of nodes, the other columns)``, in one go with little memory if that can be."""
    try:
        return _encoded(stream(text, names, ends), text, names, ends)
    except pa.ArrowInvalid:
        return _encoded(parse(text, names, ends).to_batches(), text, names, ends)


def _encoded(
    batches: Iterable[pa.RecordBatch], text: Text, names: Sequence[str], ends: tuple[str, str]
) -> tuple[np.ndarray, Names, pa.Table]:
    found, others, row = Ends(), [], 0
    for batch in batches:
        found.add(*(_named(batch[end], text, row, role) for end, role in zip(ends, ("source", "target"), strict=True)))
        others.append(batch.drop_columns(list(ends)))
        row += len(batch)
    return *found.finish(), tidy(pa.Table.from_batches(others) if others else pa.table({}), ())


def _named(ends: pa.Array, text: Text, row: int, role: str) -> pa.Array:
    """The names in a column's batch that begins at ``row``, without blanks around them.

    Raises:
        DataError: an empty one, or one so long that it is none.
    """
    text_bytes = spans(ends)[1]
    if ((text_bytes <= ord(" ")) | (text_bytes > ord("~"))).any():
        ends = pc.utf8_trim_whitespace(ends)
    lengths = pc.binary_length(ends)
    shortest, longest = pc.min_max(lengths).as_py().values()
    if longest is not None and longest > _LONGEST:
        at = text.at(row + pc.index(lengths, longest).as_py())
        raise DataError(f"{at}: a {role} name of {longest:,} bytes: check the quotes and the delimiter.")
    if shortest == 0:
        at = text.at(row + pc.index(lengths, 0).as_py())
        raise DataError(f"{at}: empty {role} name: fill it or drop the row.")
    return ends


def _is_header(sample: Sequence[Sequence[str]], columns: Columns) -> bool:
    """Whether the first row names the columns: it holds the usual or the given names, or words over numbers."""
    names = [_plain(cell) for cell in sample[0]]
    given = (columns.source, columns.target, columns.weight)
    worded = any(name is not None and not name.isdigit() for name in given)
    if worded or (_SOURCES & set(names) and _TARGETS & set(names)):
        return True
    worded = not any(_is_number(cell) for cell in sample[0][:2])
    numbers = len(sample) > 1 and all(_is_number(cell) for row in sample[1:] for cell in row[:2])
    return worded and numbers


def _roles(names: Sequence[str], columns: Columns, source: Source) -> tuple[int, int, int | None]:
    """Positions of source, target and weight."""

    def position(given: str, role: str) -> int:
        if given in names:
            return names.index(given)
        if given.isdigit() and 1 <= int(given) <= len(names):
            return int(given) - 1
        raise DataError(f"{source.path} has no column '{given}' for the {role}.{near_match(given, names)} "
                        f"Columns: {', '.join(names)}.")  # fmt: skip

    def usual(known: set[str]) -> int | None:
        return next((i for i, name in enumerate(names) if _plain(name) in known), None)

    s, t = usual(_SOURCES), usual(_TARGETS)
    if s is None or t is None:
        s, t = 0, 1
    s = s if columns.source is None else position(columns.source, "source")
    t = t if columns.target is None else position(columns.target, "target")
    if s == t:
        raise DataError(f"{source.path}: source and target are both column '{names[s]}': name two columns.")
    weight = usual({WEIGHT}) if columns.weight is None else position(columns.weight, "weight")
    return s, t, weight


def _unique(cells: Sequence[str]) -> list[str]:
    """Column names that are neither empty nor there twice."""
    found: list[str] = []
    for i, cell in enumerate(cells, 1):
        name = cell or str(i)
        while name in found:
            name += f" ({i})"
        found.append(name)
    return found


def _plain(cell: str) -> str:
    return cell.lower().replace("_", "").replace(" ", "")


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").isdigit()
