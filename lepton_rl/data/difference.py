"""Whether two graphs are the same: nodes and edges by name, in any order, with their attributes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.named import NamedGraph

__all__ = ["difference"]


def difference(graph: NamedGraph, other: NamedGraph) -> str | None:
    """What ``other`` has not as ``graph`` has it, the first thing found; None where they are the same.

    Numbers are equal by value, whatever their width; columns without any value count as absent.
    """
    slots = np.asarray(pc.index_in(graph.names.arrow(), other.names.arrow()).fill_null(-1))
    lost = np.flatnonzero(slots < 0)
    if len(lost):
        return f"node {graph.names[int(lost[0])]!r} is not there"
    if len(other.names) > len(graph.names):
        new = np.setdiff1d(np.arange(len(other.names)), slots)
        return f"there is a node {other.names[int(new[0])]!r} more"
    if graph.directed != other.directed:
        return f"the graph is {'not ' * graph.directed}directed"
    rows, found = _order(slots[graph.edges], graph), _order(other.edges, other)
    if not np.array_equal(rows[0], found[0]):
        return f"there are other edges ({len(other.edges)} instead of {len(graph.edges)})"
    edges = _columns(graph.edge_data, other.edge_data, rows[1], found[1], "edge")
    return edges or _columns(graph.node_data, other.node_data, np.arange(len(slots)), slots, "node")


def _order(edges: np.ndarray, graph: NamedGraph) -> tuple[np.ndarray, np.ndarray]:
    """``(a number for each edge, ascending, the rows in that order)``."""
    u, v = (edges if graph.directed else np.sort(edges, axis=1)).T.astype(np.int64)
    keys = u * len(graph.names) + v
    order = np.argsort(keys)
    return keys[order], order


def _columns(
    table: pa.Table | None, other: pa.Table | None, rows: np.ndarray, other_rows: np.ndarray, what: str
) -> str | None:
    mine, theirs = _filled(table), _filled(other)
    for name in [*mine, *(name for name in theirs if name not in mine)]:
        if name not in theirs:
            return f"{what} attribute {name!r} is not there"
        if name not in mine:
            return f"there is an {what} attribute {name!r} more"
        changed = _values(mine[name].take(pa.array(rows)), theirs[name].take(pa.array(other_rows)))
        if changed:
            return f"{what} attribute {name!r}: {changed}"
    return None


def _filled(table: pa.Table | None) -> dict[str, pa.ChunkedArray]:
    """The columns with any value; categories are decoded."""
    columns = {} if table is None else dict(zip(table.column_names, table.columns, strict=True))
    return {
        name: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for name, column in columns.items() if column.null_count < len(column)
    }  # fmt: skip


def _values(values: pa.ChunkedArray, others: pa.ChunkedArray) -> str | None:
    if _kind(values.type) != _kind(others.type):
        return f"{values.type} becomes {others.type}"
    try:
        if values.equals(others.cast(values.type)):
            return None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass  # values that do not fit are found one by one
    for value, other in zip(values.to_pylist(), others.to_pylist(), strict=True):
        if value != other and not (value != value and other != other):  # noqa: PLR0124 - NaN is not itself
            return f"{value!r} becomes {other!r}"
    return None


def _kind(type: pa.DataType) -> str:
    types = pa.types
    if types.is_integer(type) or types.is_floating(type) or types.is_decimal(type):
        return "number"
    if types.is_string(type) or types.is_large_string(type) or types.is_string_view(type):
        return "text"
    return str(type)
