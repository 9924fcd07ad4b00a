"""A host-side graph in the user's own node names."""

from __future__ import annotations  # BitGraph is named in annotations, but importing it would import jax

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pyarrow as pa

from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError
from lepton_rl.registry import near_match

if TYPE_CHECKING:
    from lepton_rl.data.encoding import Encoder
    from lepton_rl.edge_graph import EdgeGraph
    from lepton_rl.graph import BitGraph

__all__ = ["MAX_NODES", "WEIGHT", "NamedGraph"]

MAX_NODES = 4_000
WEIGHT = "weight"  # the edge attribute that weights are kept under


@dataclass(frozen=True, eq=False)
class NamedGraph:
    """A simple graph with the user's node names and attributes.

    Attributes:
        name: what tables and pictures call it.
        edges: int32[m, 2], slots, no self-loops; undirected: each edge once, the lower slot first; directed: source
            and target.
        names: node names by slot.
        directed: whether an edge goes one way.
        node_data: an arrow table of n rows by slot, or None. ``edge_data``: of m rows, or None; weights are its column
            "weight".
        report: what reading and cleaning ignored, merged or dropped, one line each.
        features: f32[n, F] what a network is to see of the nodes, by slot, or None; see :meth:`encoded`.
        labels: f32[n] what objectives of nodes read, by slot, or None; see :meth:`labelled`.
        pair_weight: what a pair without an edge weighs, where the editable graph is to have weights; None: it is to
            have none; see :meth:`weighing`.
    """

    name: str
    edges: np.ndarray
    names: Names
    directed: bool = False
    node_data: pa.Table | None = None
    edge_data: pa.Table | None = None
    report: tuple[str, ...] = field(default=())
    features: np.ndarray | None = None
    labels: np.ndarray | None = None
    pair_weight: float | None = None

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.names)

    @property
    def weights(self) -> np.ndarray | None:
        """Weights by edge, or None."""
        data = self.edge_data
        return None if data is None or WEIGHT not in data.column_names else data[WEIGHT].to_numpy()

    def to_bitgraph(self, capacity: int | None = None) -> BitGraph:
        """The editable graph; slot i is the node ``names[i]``. Of attributes it has what ``features`` holds, and
        weights by :meth:`weighing`.

        Args:
            capacity: node slots N; default ``num_nodes``.

        Raises:
            DataError: more nodes than bitset rows are meant for, or than ``capacity``.
        """
        slots = self.num_nodes if capacity is None else capacity
        if slots > MAX_NODES:
            raise DataError(
                f"{self.name} needs {slots} node slots, the limit is {MAX_NODES} (memory grows as N²/8 bytes a "
                f"graph, {slots**2 / 8e6:.0f} MB here): take a part of it, or to_edge_graph()."
            )
        if slots < self.num_nodes:
            raise DataError(f"{self.name} has {self.num_nodes} nodes: give a capacity of at least that, not {slots}.")
        from lepton_rl.graph import from_edges  # noqa: PLC0415 - reading files must not wait for jax

        return from_edges(
            self.edges, self.num_nodes, capacity=capacity, directed=self.directed, node_features=self.features,
            edge_features=self._pair_weights(), labels=self.labels,
        )  # fmt: skip

    def _pair_weights(self) -> np.ndarray | None:
        """f32[n, n, 1] what all pairs weigh, where weights are read."""
        if self.pair_weight is None:
            return None
        found = np.full((self.num_nodes, self.num_nodes, 1), self.pair_weight, np.float32)
        u, v = self.edges.T
        found[u, v, 0] = 1.0 if self.weights is None else self.weights
        if not self.directed:
            found[v, u] = found[u, v]
        return found

    def to_edge_graph(self, max_edits: int = 0) -> EdgeGraph:
        """The large graph, for any number of nodes; slot i is the node ``names[i]``.

        Args:
            max_edits: L, pairs of nodes whose edge an episode may set; 0 where only nodes are edited.
        """
        from lepton_rl.edge_graph import from_edges  # noqa: PLC0415 - reading files must not wait for jax

        return from_edges(
            self.edges, self.num_nodes, directed=self.directed, node_features=self.features, labels=self.labels,
            max_edits=max_edits,
        )  # fmt: skip

    def to_networkx(self) -> nx.Graph:
        """The same graph in networkx, nodes in slot order under the user's names, with attributes (nulls left out)."""
        graph = nx.DiGraph(name=self.name) if self.directed else nx.Graph(name=self.name)
        names = list(self.names)
        graph.add_nodes_from(zip(names, _records(self.node_data, len(names)), strict=True))
        links = zip(self.edges.tolist(), _records(self.edge_data, len(self.edges)), strict=True)
        graph.add_edges_from((names[u], names[v], data) for (u, v), data in links)
        return graph

    def reported(self, line: str) -> NamedGraph:
        """The graph with one more line in its report."""
        return replace(self, report=(*self.report, line))

    def encoded(self, encoder: Encoder) -> NamedGraph:
        """The graph with its node attributes as ``features``.

        Raises:
            DataError: it has no attributes, or others than the encoder was fitted on.
        """
        if self.node_data is None:
            raise DataError(f"{self.name} has no node attributes: give a table of nodes, or leave attributes out.")
        try:
            return replace(self, features=encoder.transform(self.node_data))
        except DataError as error:
            raise DataError(f"{self.name}: {error}") from None

    def labelled(self, column: str) -> NamedGraph:
        """The graph with a numeric node attribute as its ``labels``.

        Raises:
            DataError: no such attribute, one that is no number, or empty cells.
        """
        camps = " (-1 and 1 for two camps, 0 and 1 for users and items)"
        return replace(self, labels=self._numbers(column, "labels", camps))

    def weighing(self, pair_weight: float | None = None) -> NamedGraph:
        """The graph whose editable graph has weights: those of its edges, or 1 where it has none.

        Args:
            pair_weight: what a pair without an edge weighs, should one come; default: the median of the edges'.

        Raises:
            DataError: a weight that is no finite number.
        """
        if pair_weight is None:
            pair_weight = 1.0 if self.weights is None or not len(self.weights) else float(np.median(self.weights))
        if not np.isfinite(pair_weight):
            raise DataError(f"{self.name}: an edge that is added weighs {pair_weight}: give a finite number.")
        return replace(self, pair_weight=pair_weight)

    def featured(self, columns: Sequence[str], purpose: str) -> NamedGraph:
        """The graph with numeric node attributes, as they are, before its other ``features``.

        Args:
            columns: names of attributes. ``purpose``: what they are for, for messages.

        Raises:
            DataError: no such attribute, one that is no number, or empty cells.
        """
        own = [] if self.features is None else [self.features]
        return replace(self, features=np.column_stack([*(self._numbers(name, purpose) for name in columns), *own]))

    def _numbers(self, column: str, purpose: str, such_as: str = "") -> np.ndarray:
        known = [] if self.node_data is None else self.node_data.column_names
        if self.node_data is None or column not in known:
            raise DataError(f"{self.name} has no node attribute '{column}' for the {purpose}."
                            f"{near_match(column, known)} Attributes: "
                            f"{', '.join(known) or 'none: give a table of nodes'}.")  # fmt: skip
        data = self.node_data[column]
        if not (pa.types.is_integer(data.type) or pa.types.is_floating(data.type)) or data.null_count:
            empty = f", {data.null_count} of its cells are empty" if data.null_count else ""
            raise DataError(
                f"{self.name}: {purpose} are numbers, and '{column}' is {data.type}{empty}: write a number in every "
                f"row{such_as}."
            )
        return data.to_numpy().astype(np.float32)

    def part(self, nodes: np.ndarray) -> NamedGraph:
        """The part induced by the slots ``nodes``, kept in slot order."""
        keep = np.unique(nodes)
        slot = np.full(self.num_nodes, -1, np.int32)
        slot[keep] = np.arange(len(keep), dtype=np.int32)
        edges = slot[self.edges]
        rows = np.flatnonzero((edges >= 0).all(1))
        return replace(
            self, edges=edges[rows], names=self.names.take(keep), node_data=_take(self.node_data, keep),
            edge_data=_take(self.edge_data, rows), features=None if self.features is None else self.features[keep],
            labels=None if self.labels is None else self.labels[keep],
        )  # fmt: skip


def _take(data: pa.Table | None, rows: np.ndarray) -> pa.Table | None:
    return None if data is None else data.take(pa.array(rows))


def _records(data: pa.Table | None, size: int) -> Iterable[dict[str, Any]]:
    if data is None:
        return ({} for _ in range(size))
    return ({key: value for key, value in row.items() if value is not None} for row in data.to_pylist())
