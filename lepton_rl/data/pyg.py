"""Graphs of PyTorch Geometric, both ways; by duck typing in, so that nothing of it is imported."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from lepton_rl.data.cleaning import Cleaning, RawEdges, clean
from lepton_rl.data.named import WEIGHT, NamedGraph
from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError

__all__ = ["from_pyg", "to_pyg"]


def from_pyg(data: Any, name: str = "graph", cleaning: Cleaning | None = None) -> NamedGraph:
    """Take over a graph of PyTorch Geometric; nodes are named "0" … "n - 1".

    Where every edge is there in both directions with the same attributes, the graph is undirected.

    Args:
        data: what has ``edge_index`` i[2, m] and perhaps ``num_nodes``, ``x`` [n, F] and ``y`` [n] (node attributes
            x0 …, y0 …), ``edge_attr`` [m, D] (edge attributes edge_attr0 …) and ``edge_weight`` [m] (weights).
            ``cleaning``: by default every weight is kept but missing ones.

    Raises:
        DataError: no ``edge_index``, arrays of other sizes, or what ``cleaning`` refuses.
    """
    index = _numbers(data, "edge_index")
    if index is None or index.ndim != 2 or len(index) != 2 or index.dtype.kind not in "iu" or not index.size:
        raise DataError(f"{name}: give 'edge_index', whole numbers [2, m] with m > 0.")
    edges = index.T.astype(np.int64)
    features = _numbers(data, "x")
    size = getattr(data, "num_nodes", None) or (len(features) if features is not None else int(edges.max()) + 1)
    if edges.min() < 0 or edges.max() >= size:
        raise DataError(f"{name}: 'edge_index' goes from {edges.min()} to {edges.max()}, but there are {size} nodes.")
    edge_data = _stacked(data, {"edge_attr": "edge_attr", "edge_weight": WEIGHT}, len(edges), name)
    node_data = _stacked(data, {"x": "x", "y": "y"}, size, name)
    raw = RawEdges(
        edges.astype(np.int32), Names(np.arange(size)), lambda i: f"{name}, edge {i}", edge_data, node_data
    )  # fmt: skip
    rows = _once(edges, edge_data)
    if rows is None:
        raw = raw._replace(directed=True)
    else:
        raw = raw._replace(
            edges=raw.edges[rows], edge_data=None if edge_data is None else edge_data.take(pa.array(rows)),
            where=lambda i: f"{name}, edge {rows[i]}",
        )  # fmt: skip
    return clean(name, raw, cleaning or Cleaning(negative_weights="keep"))


def _numbers(data: Any, key: str) -> np.ndarray | None:
    values = getattr(data, key, None)
    if values is None:
        return None
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def _stacked(data: Any, keys: Mapping[str, str], rows: int, name: str) -> pa.Table | None:
    """The columns of some arrays [rows] or [rows, D], the latter numbered."""
    columns: dict[str, np.ndarray] = {}
    for key, called in keys.items():
        values = _numbers(data, key)
        if values is None:
            continue
        if values.ndim not in (1, 2) or len(values) != rows:
            raise DataError(f"{name}: '{key}' has shape {list(values.shape)}: give {rows} rows.")
        parts = {called: values} if values.ndim == 1 else {f"{called}{i}": part for i, part in enumerate(values.T)}
        columns |= parts
    return pa.table(columns) if columns else None


def _once(edges: np.ndarray, data: pa.Table | None) -> np.ndarray | None:
    """The rows that have each undirected edge once; None where one has no counterpart with the same attributes."""
    u, v = edges.T
    there, back = np.lexsort((v, u)), np.lexsort((u, v))
    if not np.array_equal(edges[there], edges[back][:, ::-1]):
        return None
    if data is not None and not data.take(pa.array(there)).equals(data.take(pa.array(back))):
        return None
    return np.flatnonzero(u <= v)


def to_pyg(graph: NamedGraph) -> Any:
    """``torch_geometric.data.Data`` with ``edge_index`` int64[2, m] (2m undirected: both directions) and ``num_nodes``.

    Weights become ``edge_weight`` f32. Other attributes are left to an encoder (:func:`lepton_rl.data.encoding.fit`).

    Raises:
        ImportError: no torch_geometric.
    """
    import torch  # noqa: PLC0415 - not needed for anything else here
    from torch_geometric.data import Data  # noqa: PLC0415

    both = graph.edges if graph.directed else np.concatenate([graph.edges, graph.edges[:, ::-1]])
    data = Data(edge_index=torch.from_numpy(both.T.astype(np.int64)), num_nodes=graph.num_nodes)
    if graph.weights is not None:
        weights = graph.weights if graph.directed else np.tile(graph.weights, 2)
        data.edge_weight = torch.from_numpy(weights.astype(np.float32))
    return data
