"""Graphs of other libraries, both ways, by duck typing: nothing of them is imported."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import networkx as nx
import pyarrow as pa

from lepton_rl.data.cleaning import Cleaning, RawEdges, clean
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.names import Ends
from lepton_rl.data.source import DataError

__all__ = ["attributes", "from_networkx", "raw_edges"]


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
    sources: Sequence[str], targets: Sequence[str], where: Any, *, nodes: Sequence[str] = (),
    edge_records: Sequence[Mapping[str, Any]] = (), node_records: Sequence[Mapping[str, Any]] = (),
    report: Sequence[str] = (),
) -> RawEdges:  # fmt: skip
    """Edges and nodes that were collected in Python; ``nodes`` get the first slots, in their order.

    Args:
        sources, targets: names, one each an edge. ``where``: index of an edge -> where the user finds it.
        nodes: names declared apart from the edges. ``node_records``: their attributes, for each node in the order of
            slots (nodes that are not declared have none). ``edge_records``: one an edge.
    """
    ends = Ends()
    if nodes:
        declared = pa.array(list(nodes), pa.string())
        ends.add(declared, declared)
    ends.add(pa.array(list(sources), pa.string()), pa.array(list(targets), pa.string()))
    slots, names = ends.finish()
    edge_data, edge_lines = attributes(edge_records, "edge")
    padded = [*node_records, *({} for _ in range(len(names) - len(node_records)))] if any(node_records) else []
    node_data, node_lines = attributes(padded, "node")
    return RawEdges(slots[len(nodes) :], names, where, edge_data, node_data, (*report, *edge_lines, *node_lines))


def from_networkx(graph: nx.Graph, name: str, cleaning: Cleaning | None = None) -> NamedGraph:
    """Take over a networkx graph with its attributes; nodes are named by ``str(node)``.

    Args:
        graph: directed or not, multigraphs too (their keys are left out). ``cleaning``: default keeps directions as
            the graph has them, and every weight but missing ones.

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
    )  # fmt: skip
    return clean(name, raw, cleaning or Cleaning(directed=graph.is_directed(), negative_weights="keep"))

