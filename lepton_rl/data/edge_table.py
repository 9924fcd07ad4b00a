"""Arrow tables of one row an edge, whatever they were read from: which columns are what, and the edges in them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.named import WEIGHT
from lepton_rl.data.names import Ends
from lepton_rl.data.slots import spans
from lepton_rl.data.source import DataError
from lepton_rl.registry import near_match

__all__ = ["SOURCES", "TARGETS", "Columns", "edges_of", "names_of", "plain", "roles", "unique", "weighted"]

# Usual names of the columns of sources and targets, lower case without "_" and blanks; the first pair that is there
# counts, for edges may have a start and an end too.
_PAIRS = [pair.split() for pair in (
    "source target", "sourceid targetid", "source destination", "source dest", "src dst", "src dest", "from to",
    "fromid toid", "fromnodeid tonodeid", "u v", "head tail", "subject object", "sender receiver", "follower followee",
    "node1 node2", "id1 id2", "node1id node2id", "user1 user2", "start end", "user item", "userid itemid",
)]  # fmt: skip
SOURCES = {source for source, _ in _PAIRS}
TARGETS = {target for _, target in _PAIRS}
_LONGEST = 10_000  # bytes of a name


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are what: by name, or by position from "1"; by their usual names where none is given.

    Of formats that say themselves which nodes an edge joins, only ``weight`` is looked at.
    """

    source: str | None = None
    """Column of the sources."""
    target: str | None = None
    """Column of the targets."""
    weight: str | None = None
    """Column of the weights; default: the one called so."""
    delimiter: str | None = None
    """What separates the columns; default: found in the first rows."""


def edges_of(
    batches: Iterable[pa.RecordBatch], found: tuple[int, int, int | None], where: Callable[[int], str], *,
    trim: bool = False,
) -> RawEdges:  # fmt: skip
    """Edges of a table; the columns that are no ends are their attributes.

    Args:
        batches: its rows, in columns of unique names. ``found``: positions of source, target and weight, as
            :func:`roles` gives them.
        where: index of a row -> where the user finds it. ``trim``: blanks around a name are no part of it.

    Raises:
        DataError: a name that is missing, empty, over-long or neither text nor a whole number.
    """
    s, t, w = found
    ends, others, row, weight = Ends(), [], 0, None
    for batch in batches:
        names = batch.schema.names
        weight = None if w is None else names[w]
        columns = (batch.column(s), "source"), (batch.column(t), "target")
        ends.add(*(names_of(column, role, where, row, trim=trim) for column, role in columns))
        others.append(batch.drop_columns([names[s], names[t]]))
        row += len(batch)
    edges, nodes = ends.finish()
    data = pa.Table.from_batches(others) if others and others[0].num_columns else None
    return RawEdges(edges, nodes, where, weighted(data, weight, where))


def names_of(
    column: pa.Array, role: str, where: Callable[[int], str], row: int = 0, *, trim: bool = False
) -> pa.Array:
    """The node names in a column whose first value stands at ``where(row)``: strings or whole numbers, no nulls.

    Raises:
        DataError: see :func:`edges_of`.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    texts = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if not (texts or pa.types.is_integer(column.type)):
        raise DataError(f"{where(row)}: {role} names of type {column.type}: give text or whole numbers.")
    hole = pc.index(pc.is_null(column), True).as_py() if column.null_count else -1
    if texts:
        text = spans(column)[1]
        if trim and ((text <= ord(" ")) | (text > ord("~"))).any():
            column = pc.utf8_trim_whitespace(column)
        lengths = pc.binary_length(column)
        shortest, longest = pc.min_max(lengths).as_py().values()
        if longest is not None and longest > _LONGEST:
            at = where(row + pc.index(lengths, longest).as_py())
            raise DataError(f"{at}: a {role} name of {longest:,} bytes: check the quotes and the delimiter.")
        hole = pc.index(lengths, 0).as_py() if hole < 0 and shortest == 0 else hole
    if hole >= 0:
        raise DataError(f"{where(row + hole)}: empty {role} name: fill it or drop the row.")
    return column


def weighted(data: pa.Table | None, column: str | None, where: Callable[[int], str]) -> pa.Table | None:
    """The attributes with ``column`` as the weights; another one called so becomes "weight (2)".

    Raises:
        DataError: no such column.
    """
    if column is None or column == WEIGHT:
        return data
    names = [] if data is None else data.column_names
    if data is None or column not in names:
        raise DataError(f"{where(0)}: no edge attribute '{column}' for the weight.{near_match(column, names)} "
                        f"Attributes: {', '.join(names) or 'none'}.")  # fmt: skip
    renamed = {column: WEIGHT, WEIGHT: f"{WEIGHT} (2)"}
    return data.rename_columns([renamed.get(name, name) for name in names])


def roles(names: Sequence[str], columns: Columns, origin: object) -> tuple[int, int, int | None]:
    """Positions of source, target and weight; the first two columns where none has a usual name.

    Args:
        names: of all columns, at least two. ``origin``: what the table is called in messages.

    Raises:
        DataError: no such column, or one column for both ends.
    """

    def position(given: str, role: str) -> int:
        if given in names:
            return names.index(given)
        if given.isdecimal() and 1 <= int(given) <= len(names):
            return int(given) - 1
        raise DataError(f"{origin} has no column '{given}' for the {role}.{near_match(given, names)} "
                        f"Columns: {', '.join(names[:20])}{' …' * (len(names) > 20)}.")  # fmt: skip

    if len(names) < 2:
        raise DataError(f"{origin} has one column only: give one of sources and one of targets.")
    s, t = _ends([plain(name) for name in names])
    s = s if columns.source is None else position(columns.source, "source")
    t = t if columns.target is None else position(columns.target, "target")
    if s == t:
        raise DataError(f"{origin}: source and target are both column '{names[s]}': name two columns.")
    if columns.weight is not None:
        return s, t, position(columns.weight, "weight")
    return s, t, next((i for i, name in enumerate(names) if plain(name) == WEIGHT), None)


def _ends(names: list[str]) -> tuple[int, int]:
    """Positions of source and target by their usual names, in pairs or not; else the first two."""
    for source, target in _PAIRS:
        if source in names and target in names:
            return names.index(source), names.index(target)
    s = next((i for i, name in enumerate(names) if name in SOURCES), None)
    t = next((i for i, name in enumerate(names) if name in TARGETS), None)
    return (0, 1) if s is None or t is None else (s, t)


def unique(cells: Sequence[str]) -> list[str]:
    """Column names that are neither empty nor there twice."""
    found: list[str] = []
    for i, cell in enumerate(cells, 1):
        name = cell or str(i)
        while name in found:
            name += f" ({i})"
        found.append(name)
    return found


def plain(cell: str) -> str:
    """A column name as it is compared: lower case, without "_" and blanks."""
    return cell.lower().replace("_", "").replace(" ", "")
