"""Graphs of other libraries, both ways, by duck typing: nothing of them is imported."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import networkx as nx
import pyarrow as pa

from lepton_rl.data.cleaning import Cleaning, RawEdges, clean
from lepton_rl.data.edge_table import Columns, edges_of, roles, unique, weighted
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.names import Ends
from lepton_rl.data.nodes import with_nodes
from lepton_rl.data.source import DataError

__all__ = ["attributes", "from_networkx", "from_table", "raw_edges", "to_tables"]


def attributes(records: Sequence[Mapping[str, Any]], what: str) -> tuple[pa.Table | None, list[str]]:
    """An arrow table of one row a record, None where none has an attribute; and lines for a report.

    Attributes of several types become strings, which is reported.
    """
    keys = list(dict.fromkeys(str(key) for record in records for key in record))
    columns, lines = {}, []
    for key in keys:
        values = [record.get(key) for record in records]
        try:
            columns[key] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            columns[key] = pa.array([None if value is None else str(value) for value in values], pa.string())
            lines.append(f"{what} attribute '{key}' has values of several kinds: kept as text")
    return (pa.table(columns) if columns else None), lines


def raw_edges(
    sources: Sequence[str], targets: Sequence[str], where: Callable[[int], str], *, nodes: Sequence[str] = (),
    edge_records: Sequence[Mapping[str, Any]] = (), node_records: Sequence[Mapping[str, Any]] = (),
    report: Sequence[str] = (), directed: bool = False, weight: str | None = None,
) -> RawEdges:  # fmt: skip
    """Edges and nodes that were collected in Python; ``nodes`` get the first slots, in their order.

    Args:
        sources, targets: names, one each an edge. ``where``: index of an edge -> where the user finds it.
        nodes: unique names declared apart from the edges. ``node_records``: their attributes, for each node in the
            order of slots (nodes that are not declared have none). ``edge_records``: one an edge.
        weight: the edge attribute that holds the weights; default "weight".

    Raises:
        DataError: no edge attribute ``weight``; text that is no Unicode.
    """
    try:
        ends = Ends()
        if nodes:
            declared = pa.array(list(nodes), pa.large_string())
            ends.add(declared, declared)
        ends.add(pa.array(list(sources), pa.large_string()), pa.array(list(targets), pa.large_string()))
        slots, names = ends.finish()
        edge_data, edge_lines = attributes(edge_records, "edge")
        padded = [*node_records, *({} for _ in range(len(names) - len(node_records)))] if any(node_records) else []
        node_data, node_lines = attributes(padded, "node")
        lines = (*report, *edge_lines, *node_lines)
        edge_data = weighted(edge_data, weight, where) if sources else None
    except UnicodeEncodeError as error:
        what = error.object[:40].encode("ascii", "backslashreplace").decode()
        raise DataError(f"'{what}' holds half a character (a lone surrogate): write it whole.") from None
    return RawEdges(slots[len(nodes) :], names, where, edge_data, node_data, lines, directed)


def from_networkx(graph: nx.Graph, name: str, cleaning: Cleaning | None = None) -> NamedGraph:
    """Take over a networkx graph with its attributes; nodes are named by ``str(node)``.

    Args:
        graph: directed or not, multigraphs too (their keys are left out). ``cleaning``: by default every weight is
            kept but missing ones.

    Raises:
        DataError: two nodes with one name (1 and "1"), no edge, or what ``cleaning`` refuses.
    """
    labels: dict[Hashable, str] = {node: str(node) for node in graph}
    if len(set(labels.values())) < len(labels):
        raise DataError(f"two nodes of {name} have the same name as text: rename them (networkx.relabel_nodes).")
    edges = list(graph.edges(data=True))
    raw = raw_edges(
        [labels[u] for u, _, _ in edges], [labels[v] for _, v, _ in edges],
        lambda i: f"edge {edges[i][:2]}", nodes=list(labels.values()),
        edge_records=[data for *_, data in edges], node_records=[data for _, data in graph.nodes(data=True)],
        directed=graph.is_directed(),
    )  # fmt: skip
    return clean(name, raw, cleaning or Cleaning(negative_weights="keep"))



def from_table(
    edges: Any, name: str = "graph", nodes: Any = None, *, columns: Columns = Columns(),  # noqa: B008 - frozen
    cleaning: Cleaning = Cleaning(),  # noqa: B008 - frozen
) -> NamedGraph:  # fmt: skip
    """Take over data frames of pandas or polars, or arrow tables.

    Args:
        edges: one row an edge; columns as in a CSV file. ``nodes``: one row a node, named by its column id, node or
            name, else the first. Names are text or whole numbers in a column, not in an index.

    Raises:
        DataError: no table, no such column, a missing name, or what ``cleaning`` refuses.
    """
    table = _arrow(edges)
    found = roles(table.column_names, columns, name)
    raw = edges_of(table.to_batches(), found, lambda row: f"{name}, row {row}")
    if nodes is not None:
        raw = with_nodes(raw, _arrow(nodes), lambda row: f"nodes of {name}, row {row}", f"nodes of {name}")
    return clean(name, raw, cleaning)


def _arrow(table: Any) -> pa.Table:
    """An arrow table of unique column names; row numbers that pandas keeps as a column are left out."""
    if not isinstance(table, pa.Table) and not hasattr(table, "__arrow_c_stream__"):
        raise DataError(f"{type(table).__name__} is no table: give a pandas (2.2 or later) or polars data frame, or a "
                        "pyarrow table.")  # fmt: skip
    try:
        found = pa.table(table)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"a table that arrow cannot take ({error}): give each column one type.") from None
    found = found.drop_columns([name for name in found.column_names if name.startswith("__index_level_")])
    return found.rename_columns(unique(found.column_names))


def to_tables(graph: NamedGraph) -> tuple[pa.Table, pa.Table]:
    """``(edges, nodes)`` as arrow tables (``.to_pandas()`` gives data frames), as :func:`from_table` takes them.

    Edges have the columns source, target and their attributes, nodes id and theirs. Names are whole numbers where all
    of them are.

    Raises:
        DataError: an attribute is called as one of these columns.
    """
    names = graph.names.arrow(numbers=True)
    source, target = (names.take(pa.array(ends)) for ends in graph.edges.T)
    return (
        _beside({"source": source, "target": target}, graph.edge_data, "edge"),
        _beside({"id": names}, graph.node_data, "node"),
    )


def _beside(columns: dict[str, pa.Array], data: pa.Table | None, what: str) -> pa.Table:
    attributes = {} if data is None else dict(zip(data.column_names, data.columns, strict=True))
    for name in columns:
        if name in attributes:
            raise DataError(f"{what} attribute '{name}' is called as the column of names: rename it")
    return pa.table({**columns, **attributes})
