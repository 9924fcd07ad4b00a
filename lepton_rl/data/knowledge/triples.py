"""Facts as lines of text: three columns between tabs, commas or blanks."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.knowledge.raw import RawFacts
from lepton_rl.data.source import DataError, Source
from lepton_rl.data.table import Dialect, Text, parse, rows_of
from lepton_rl.registry import near_match

__all__ = ["Layout", "TripleColumns", "is_header", "layout", "read_triples", "spaced"]

_ROLES = ("head", "relation", "tail")
# Column names in lower case without "_" and blanks. Letters count only as the usual threes: any of them may be a name.
_USUAL = (
    {"head", "headid", "headentity", "subject", "subj", "subjectid", "source", "src", "from"},
    {"relation", "relationid", "rel", "predicate", "pred", "predicateid", "property", "edge", "relationship"},
    {"tail", "tailid", "tailentity", "object", "obj", "objectid", "target", "dst", "to"},
)
_LETTERS = (["h", "r", "t"], ["s", "p", "o"])
_DELIMITERS = {"\t": "tab", ",": "','", ";": "';'", "|": "'|'"}
_LONGEST = 100_000  # bytes of a name


@dataclass(frozen=True)
class TripleColumns:
    """Which columns are what: by name, or by position from "1"; by their usual names or the first three by default."""

    head: str | None = None
    """Column of the heads."""
    relation: str | None = None
    """Column of the relations."""
    tail: str | None = None
    """Column of the tails."""
    delimiter: str | None = None
    """What separates the columns; default: a tab if there is one, else what the first line has."""


def spaced(data: bytes) -> bytes:
    """Lines whose cells stand between single blanks, from lines where tabs and blanks stand between them."""
    data = data.replace(b"\t", b" ").replace(b"\r\n", b"\n")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return data.replace(b" \n", b"\n").replace(b"\n ", b"\n").strip(b" ")


class Layout(NamedTuple):
    """How a table of facts is written: its text, its columns, and the positions of head, relation and tail in them."""

    text: Text
    names: list[str]
    chosen: list[int]


def layout(source: Source, columns: TripleColumns) -> Layout:
    """Find the delimiter, the header and the three columns of a table of facts.

    Raises:
        DataError: no row, an open quote, no such column.
    """
    data, dialect = _dialect(source, columns.delimiter)
    sample = rows_of(data, dialect, source, 1)
    if not sample:
        raise DataError(f"{source.path} has no rows: give at least one fact.")
    given = astuple(columns)[:3]
    header = is_header(sample[0]) or any(name is not None and not name.isdigit() for name in given)
    names = [f"{i}" if not header else cell or f"{i}" for i, cell in enumerate(sample[0], 1)]
    text = Text(source, data, dialect, header)
    return Layout(text, names, _chosen(names, given, header, text))


def read_triples(source: Source, columns: TripleColumns = TripleColumns()) -> RawFacts:
    """``head<TAB>relation<TAB>tail`` a line, or a table between ``, ; |`` (quotes protect cells) or blanks.

    A first row that names its columns says which three to read; without one there must be three. Blanks around names
    are no part of them.

    Raises:
        DataError: no fact, a row with more or fewer cells than the first, an empty name, no such column.
    """
    text, names, chosen = layout(source, columns)
    # By position, because two columns may have one name.
    table = parse(text, [str(i) for i in range(len(names))], [str(i) for i in chosen])
    facts = pa.table({role: _names(table[str(i)], text, role) for role, i in zip(_ROLES, chosen, strict=True)})
    return RawFacts(facts, text.at, report=_said(names, chosen, text.header, text))


def _dialect(source: Source, delimiter: str | None) -> tuple[bytes, Dialect]:
    data = source.checked()
    first = data.lstrip(b"\r\n").partition(b"\n")[0].decode()
    # One tab is enough: cutting its cells at blanks could make three names of two.
    found = delimiter or next((d for d in _DELIMITERS if first.count(d) > (d != "\t")), " ")
    if len(found) != 1:
        raise DataError(f"delimiter '{found}': give one character.")
    if found == " ":
        return spaced(data), Dialect(" ", False, "blanks")
    # Names between tabs are given as they are: a quote there is one.
    return data, Dialect(found, found != "\t", _DELIMITERS.get(found, f"'{found}'"))


def _plain(cell: str) -> str:
    return cell.lower().replace("_", "").replace(" ", "")


def is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names the columns instead of a fact."""
    plain = [_plain(cell) for cell in cells]
    return plain in _LETTERS or all(known & set(plain) for known in _USUAL)


def _chosen(names: Sequence[str], given: Sequence[str | None], header: bool, text: Text) -> list[int]:
    """Positions of head, relation and tail."""
    path = text.source.path
    if header and all(name is None for name in given):
        plain = [_plain(name) for name in names]
        if plain in _LETTERS:
            return [0, 1, 2]
        return [next(i for i, name in enumerate(plain) if name in known) for known in _USUAL]
    if len(names) < 3 or (len(names) > 3 and None in given):
        raise DataError(
            f"{text.at(-1 if header else 0)}: {len(names)} column(s) (separated by {text.dialect.said}) where a fact "
            "has head, relation and tail: give three, or say which they are with TripleColumns('1', '2', '3')."
        )
    positions = []
    for i, name in enumerate(given):
        if name is None:
            positions.append(i)
        elif name in names and header:
            positions.append(list(names).index(name))
        elif name.isdigit() and 1 <= int(name) <= len(names):
            positions.append(int(name) - 1)
        else:
            raise DataError(
                f"{path} has no column '{name}' for the {_ROLES[i]}.{near_match(name, names)} "
                f"Columns: {', '.join(names)}."
            )
    if len(set(positions)) < 3:
        raise DataError(f"{path}: head, relation and tail must be three different columns of {', '.join(names)}.")
    return positions


def _said(names: Sequence[str], chosen: Sequence[int], header: bool, text: Text) -> tuple[str, ...]:
    lines = []
    if header:
        said = ", ".join(f"{role} = '{names[i]}'" for role, i in zip(_ROLES, chosen, strict=True))
        lines.append(f"{text.at(-1)} read as header: {said}")
    if len(names) > 3:
        rest = [name for i, name in enumerate(names) if i not in chosen]
        lines.append(f"{len(rest)} further column(s) left out: {', '.join(rest[:5])}")
    return tuple(lines)


def _names(column: pa.ChunkedArray, text: Text, role: str) -> pa.Array:
    """The names in a column, without blanks around them.

    Raises:
        DataError: an empty one, or one so long that it is none.
    """
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.large_string()).combine_chunks())
    lengths = pc.binary_length(trimmed)
    shortest, longest = pc.min_max(lengths).as_py().values()
    if shortest == 0:
        raise DataError(f"{text.at(pc.index(lengths, 0).as_py())}: empty {role}: fill it or drop the row.")
    if longest is not None and longest > _LONGEST:
        at = text.at(pc.index(lengths, longest).as_py())
        raise DataError(f"{at}: a {role} name of {longest:,} bytes: check the quotes and the delimiter.")
    return trimmed
