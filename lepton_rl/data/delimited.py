"""Edges as lines of text: whitespace edge lists and delimited tables."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lepton_rl.data.named import RawEdges
from lepton_rl.data.source import DataError, Source

__all__ = ["read_edge_list", "read_table"]

Row = tuple[int, list[str]]  # line number, fields

_DELIMITERS = {"\t": "tab", ";": "';'", "|": "'|'", ",": "','"}
_SAMPLE = 50  # lines looked at to find the delimiter
# Column names in lower case without "_" and blanks.
_SOURCES = {"source", "sourceid", "src", "from", "fromid", "fromnodeid", "u", "head", "subject", "start", "sender",
            "follower", "node1", "id1", "node1id", "user1"}  # fmt: skip
_TARGETS = {"target", "targetid", "dst", "destination", "dest", "to", "toid", "tonodeid", "v", "tail", "object", "end",
            "receiver", "followee", "node2", "id2", "node2id", "user2"}  # fmt: skip


def read_edge_list(source: Source) -> RawEdges:
    """Whitespace-separated ``source target …``; lines that start with # or % are comments.

    The attribute dictionary that ``networkx.write_edgelist`` appends ({…}) is ignored like any further column.

    Raises:
        DataError: no edge, or a row with another number of columns than the first.
    """
    lines = enumerate(io.StringIO(source.text(), newline=None), 1)
    rows = ((n, line.partition(" {")[0].split()) for n, line in lines if not line.lstrip().startswith(("#", "%")))
    return _edges(source, ((n, row) for n, row in rows if row), "whitespace; for a table give format='csv'")


def read_table(source: Source) -> RawEdges:
    """A table, one edge a row: delimiter , ; tab or | and quotes as spreadsheets write them.

    A first row that names its columns (source/target, from/to, head/tail …) says which two to read; without one the
    first two are read.

    Raises:
        DataError: no edge, no delimiter, a ragged row, an open quote, an empty name.
    """
    text = source.text()
    delimiter = _sniff(text, source)
    return _edges(source, _csv_rows(text, delimiter, source), _DELIMITERS[delimiter])


def _csv_rows(text: str, delimiter: str, source: Source) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            fields = [cell.strip() for cell in row]
            if any(fields):
                yield reader.line_num, fields
    except csv.Error as error:
        raise DataError(f"{source.at(reader.line_num)}: {error}: check the quotes.") from None


def _sniff(text: str, source: Source) -> str:
    """The first delimiter that cuts the first lines into equally many columns, at least two.

    The comma comes last: it is the one that names and decimals hold most often.
    """
    sample = [line for line in islice(io.StringIO(text, newline=None), _SAMPLE) if line.strip()]
    try:
        columns = {d: [len(row) for row in csv.reader(sample, delimiter=d) if row] for d in _DELIMITERS}
    except csv.Error as error:
        raise DataError(f"{source.path}: {error} in the first {_SAMPLE} lines: check the quotes.") from None
    widest = max(_DELIMITERS, key=lambda d: columns[d][:1])
    if max(columns[widest], default=2) < 2:
        allowed = ", ".join(_DELIMITERS.values())
        raise DataError(f"{source.at(1)}: one column only: separate source and target by one of {allowed}.")
    regular = (d for d, counts in columns.items() if len(set(counts)) == 1 and counts[0] > 1)
    return next(regular, widest)


def _edges(source: Source, rows: Iterable[Row], separator: str) -> RawEdges:
    """Rows -> edges: find the two columns, check every row, say what is ignored."""
    table = list(rows)
    if not table:
        raise DataError(f"{source.path} has no rows: give at least one edge.")
    first_line, first = table[0]
    for line, row in table:
        if len(row) < 2 or len(row) != len(first):
            raise DataError(
                f"{source.at(line)}: {len(row)} column(s) where line {first_line} has {len(first)} (separated by "
                f"{separator}): give every row source and target, and quote names that hold the separator."
            )
    (s, t), header = _columns(table)
    report = []
    if header:
        report.append(f"{source.at(first_line)} read as header: source = '{first[s]}', target = '{first[t]}'")
    extra = [first[i] if header else str(i + 1) for i in range(len(first)) if i not in (s, t)]
    if extra:
        report.append(f"{len(extra)} further column(s) ignored: {', '.join(extra[:10])}{' …' * (len(extra) > 10)}")
    body = table[1:] if header else table
    for line, row in body:
        if not row[s] or not row[t]:
            empty = "target" if row[s] else "source"
            raise DataError(f"{source.at(line)}: empty {empty} name: fill it or drop the row.")
    return RawEdges(
        [row[s] for _, row in body], [row[t] for _, row in body],
        where=lambda i: source.at(body[i][0]), report=tuple(report),
    )  # fmt: skip


def _columns(table: Sequence[Row]) -> tuple[tuple[int, int], bool]:
    """``((source, target) columns, whether the first row is a header)``."""
    names = [cell.lower().replace("_", "").replace(" ", "") for cell in table[0][1]]
    source = next((i for i, name in enumerate(names) if name in _SOURCES), None)
    target = next((i for i, name in enumerate(names) if name in _TARGETS), None)
    if source is not None and target is not None:
        return (source, target), True
    # Words over nothing but numbers are a header too, whatever the words are.
    worded = not any(_is_number(cell) for cell in table[0][1][:2])
    numbers = len(table) > 1 and all(_is_number(cell) for _, row in table[1:] for cell in row[:2])
    return (0, 1), worded and numbers


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").isdigit()
