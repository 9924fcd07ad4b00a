"""A table of nodes beside the edges: their attributes, and the nodes that have no edge."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.edge_table import names_of, plain
from lepton_rl.data.names import Ends, Names
from lepton_rl.data.source import DataError

__all__ = ["key_of", "with_nodes"]

_KEYS = ("id", "nodeid", "node", "name")  # as compared, the first that is there


def key_of(names: Sequence[str]) -> str:
    """The column that names the nodes: id, node or name, else the first."""
    found = {plain(name): name for name in reversed(names)}
    return next((found[key] for key in _KEYS if key in found), names[0])


def with_nodes(raw: RawEdges, table: pa.Table, where: Callable[[int], str], origin: object) -> RawEdges:
    """The edges with the attributes of their nodes. Slots follow the table, then the nodes that it does not list.

    Args:
        table: columns of unique names; rows whose node is in no edge become isolated nodes.
        where: index of a row -> where the user finds it. ``origin``: what the table is called in messages.

    Raises:
        DataError: no column, no row, a node listed twice or without a name, no node of the edges listed, a first row
            that is no header, or node attributes in ``raw`` already.
    """
    if raw.node_data is not None:
        raise DataError(f"{origin}: the graph has node attributes of its own: leave the table of nodes out.")
    if not table.num_columns or not table.num_rows:
        raise DataError(f"{origin} has no rows: give one a node.")
    key = key_of(table.column_names)
    if plain(key) not in _KEYS and key in raw.names:
        raise DataError(f"{origin}: its first row begins with the node '{key}': give it a header such as id,age.")
    old, names = _merged(raw, table[key], where)
    rows = table.num_rows
    listed = int((np.unique(old) < rows).sum())
    if not listed:
        raise DataError(
            f"{origin} lists none of the nodes of the edges ('{names[0]}' …, but the edges join '{raw.names[0]}' …): "
            f"put their names into its column '{key}'."
        )
    data = table.drop_columns([key])
    slots = np.arange(len(names))
    padded = data.take(pa.array(slots, mask=slots >= rows)) if data.num_columns else None
    line = f"{origin}: {rows} nodes, {rows - listed} of them in no edge; {len(names) - rows} nodes are not listed"
    return raw._replace(edges=old[raw.edges], names=names, node_data=padded, report=(*raw.report, line))


def _merged(raw: RawEdges, column: pa.ChunkedArray, where: Callable[[int], str]) -> tuple[np.ndarray, Names]:
    """``(new slot of each old one, names by new slot)``: the nodes of the column come first, in its order."""
    ends, rows = Ends(), 0
    for chunk in column.chunks:
        listed = names_of(chunk, "node", where, rows)
        ends.add(listed, listed)
        rows += len(chunk)
    present = raw.names.arrow(numbers=True)
    ends.add(present, present)
    pairs, names = ends.finish()
    slots = pairs[:, 0]
    again = np.flatnonzero(slots[:rows] != np.arange(rows))
    if len(again):
        row, first = int(again[0]), int(slots[again[0]])
        raise DataError(f"{where(row)}: node '{names[first]}' again, first at {where(first)}: keep one row a node.")
    return slots[rows:], names
