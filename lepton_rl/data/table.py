"""Delimited text as an arrow table: parsed by pyarrow, whatever is wrong found again by line."""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from lepton_rl.data.source import DataError, Source

__all__ = ["Dialect", "Text", "parse", "rows_of", "stream", "tidy"]

_NULLS = ["", "NA", "N/A", "null", "NULL"]
_BLOCK = 4 << 20


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart: one character, and whether quotes protect it. ``said`` is for messages."""

    delimiter: str
    quotes: bool
    said: str


@dataclass(frozen=True, eq=False)
class Text:
    """Checked text of a table, one row a line (blank lines are no rows).

    Attributes:
        source: the file. ``data``: its bytes, in UTF-8, without byte-order mark. ``dialect``: how to read a line.
        header: whether the first row names the columns.
    """

    source: Source
    data: bytes
    dialect: Dialect
    header: bool = False

    @cached_property
    def _quoted(self) -> bool:
        return self.dialect.quotes and b'"' in self.data

    def _line(self, row: int) -> int:
        """The line of a row of the file, counted from 1; without quotes rows are the lines that are not blank."""
        if self._quoted:
            reader = self._reader()
            filled = (reader.line_num for cells in reader if cells)
            return next(itertools.islice(filled, row, None))
        before = 1
        for part in self._parts():
            ends = np.flatnonzero(np.frombuffer(part, np.uint8) == ord("\n"))
            rows = np.flatnonzero(np.diff(ends, prepend=-1) > 1)
            if row < len(rows):
                return before + int(rows[row])
            row, before = row - len(rows), before + len(ends)
        raise IndexError(f"no row {row}")

    def _parts(self) -> Iterator[bytes]:
        """Whole lines, some MB at a time, each with one line feed at its end."""
        start = 0
        while start < len(self.data):
            end = self.data.find(b"\n", start + _BLOCK) + 1 or len(self.data)
            part = self.data[start:end]
            if b"\r" in part:  # arrow takes each for the end of a line
                part = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            yield part if part.endswith(b"\n") else part + b"\n"
            start = end

    def _reader(self) -> Any:
        stream = io.TextIOWrapper(io.BytesIO(self.data), "utf-8", newline="")
        if not self.dialect.quotes:
            return csv.reader(stream, delimiter=self.dialect.delimiter, quoting=csv.QUOTE_NONE)
        return csv.reader(stream, delimiter=self.dialect.delimiter, skipinitialspace=True, strict=True)

    def at(self, row: int) -> str:
        """``file:line`` of row ``row``, the header not counted."""
        return self.source.at(self._line(row + self.header))

    def fault(self, columns: int) -> DataError | None:
        """The first row that has not ``columns`` cells, or a quote that is not closed."""
        reader = self._reader()
        try:
            for row in reader:
                if row and len(row) != columns:
                    return DataError(
                        f"{self.source.at(reader.line_num)}: {len(row)} column(s) where line {self._line(0)} has "
                        f"{columns} (separated by {self.dialect.said}): give every row as many, and quote names that "
                        "hold the separator."
                    )
        except csv.Error as error:
            return DataError(f"{self.source.at(reader.line_num)}: {error}: check the quotes.")
        return None


def rows_of(data: bytes, dialect: Dialect, source: Source, limit: int) -> list[list[str]]:
    """The cells of the first rows, at most ``limit``.

    Raises:
        DataError: a quote that is not closed.
    """
    text = Text(source, data, dialect)
    reader = text._reader()
    found: list[list[str]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                found.append([cell.strip() for cell in row])
            if len(found) == limit:
                break
    except csv.Error as error:
        raise DataError(f"{source.at(reader.line_num)}: {error}: check the quotes.") from None
    return found


def parse(text: Text, columns: Sequence[str], words: Sequence[str]) -> pa.Table:
    """All rows; the columns ``words`` are strings as they stand, the others numbers, truth values, dates or strings.

    Args:
        text: the table. ``columns``: unique names for all of its columns.

    Raises:
        DataError: a row with more or fewer cells, an open quote; with the line.
    """
    try:
        table = pyarrow.csv.read_csv(pa.BufferReader(text.data), *_options(text, columns, words))
    except pa.ArrowInvalid as error:
        known = text.fault(len(columns))
        raise known or DataError(f"{text.source.path} is no table ({error}): export it again.") from None
    if text._quoted and text.data.count(b'"') % 2:
        raise text.fault(len(columns)) or DataError(f"{text.source.path} has an open quote: check the quotes.")
    return tidy(table, words)


def stream(text: Text, columns: Sequence[str], words: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of :func:`parse` some MB at a time, not tidied; the next ones are read meanwhile.

    Raises:
        pa.ArrowInvalid: parse would raise, or a column of numbers goes on with words: only parse sees all of it.
    """
    if text._quoted and text.data.count(b'"') % 2:
        raise pa.ArrowInvalid("open quote")
    reader = pyarrow.csv.open_csv(pa.BufferReader(text.data), *_options(text, columns, words))
    with ThreadPoolExecutor(1) as background:
        coming = background.submit(next, reader, None)
        while (batch := coming.result()) is not None:
            coming = background.submit(next, reader, None)
            yield batch


def tidy(table: pa.Table, words: Sequence[str]) -> pa.Table:
    """The table with blanks around the strings of other columns than ``words`` cut off, empty ones as nulls."""
    for i, name in enumerate(table.column_names):
        if name not in words and pa.types.is_string(table.schema.types[i]):
            trimmed = pc.utf8_trim_whitespace(table[name])
            table = table.set_column(i, name, pc.if_else(pc.equal(trimmed, ""), None, trimmed))
    return table


def _options(text: Text, columns: Sequence[str], words: Sequence[str]) -> tuple[Any, Any, Any]:
    """Reading, parsing and converting as pyarrow.csv wants to be told."""
    read = pyarrow.csv.ReadOptions(
        column_names=list(columns), skip_rows_after_names=int(text.header), block_size=_BLOCK
    )
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(words, pa.string()), null_values=_NULLS,
        strings_can_be_null=False,  # "NA" may be the name of a node
    )  # fmt: skip
    dialect = pyarrow.csv.ParseOptions(
        delimiter=text.dialect.delimiter, quote_char='"' if text.dialect.quotes else False,
        newlines_in_values=text._quoted,
    )  # fmt: skip
    return read, dialect, convert
