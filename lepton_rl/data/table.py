"""Delimited text as an arrow table: parsed by pyarrow, whatever is wrong found again by line."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from lepton_rl.data.source import DataError, Source

__all__ = ["Dialect", "Text", "parse", "rows_of"]

_NULLS = ["", "NA", "N/A", "null", "NULL"]
_BLOCK = 16 << 20


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

    @cached_property
    def _lines(self) -> np.ndarray:
        """The line of each row, int64, counted from 1; without quotes a row is a line that is not blank."""
        if self._quoted:
            reader = self._reader()
            return np.array([reader.line_num for row in reader if row])
        ends = np.flatnonzero(np.frombuffer(self.data, np.uint8) == ord("\n"))
        ends = np.append(ends, len(self.data))
        starts = np.concatenate([[0], ends[:-1] + 1])
        filled = ends - starts > 1
        short = np.flatnonzero(ends - starts == 1)
        filled[short] = np.frombuffer(self.data, np.uint8)[starts[short]] != ord("\r")
        return 1 + np.flatnonzero(filled)

    def _reader(self) -> Any:
        stream = io.TextIOWrapper(io.BytesIO(self.data), "utf-8", newline="")
        if not self.dialect.quotes:
            return csv.reader(stream, delimiter=self.dialect.delimiter, quoting=csv.QUOTE_NONE)
        return csv.reader(stream, delimiter=self.dialect.delimiter, skipinitialspace=True, strict=True)

    def at(self, row: int) -> str:
        """``file:line`` of row ``row``, the header not counted."""
        return self.source.at(int(self._lines[row + self.header]))

    def fault(self, columns: int) -> DataError | None:
        """The first row that has not ``columns`` cells, or a quote that is not closed."""
        reader = self._reader()
        try:
            for row in reader:
                if row and len(row) != columns:
                    return DataError(
                        f"{self.source.at(reader.line_num)}: {len(row)} column(s) where line {self._lines[0]} has "
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
    try:
        table = pyarrow.csv.read_csv(pa.BufferReader(text.data), read, dialect, convert)
    except pa.ArrowInvalid as error:
        known = text.fault(len(columns))
        raise known or DataError(f"{text.source.path} is no table ({error}): export it again.") from None
    if text._quoted and text.data.count(b'"') % 2:
        raise text.fault(len(columns)) or DataError(f"{text.source.path} has an open quote: check the quotes.")
    for i, name in enumerate(columns):
        if name not in words and pa.types.is_string(table.schema.types[i]):
            trimmed = pc.utf8_trim_whitespace(table[name])
            table = table.set_column(i, name, pc.if_else(pc.equal(trimmed, ""), None, trimmed))
    return table
