"""A host-side graph in the user's own node names, and the cleaning that every reader's edges go through."""

from __future__ import annotations  # BitGraph is named in annotations, but importing it would import jax

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import networkx as nx
import numpy as np

from lepton_rl.data.source import DataError

if TYPE_CHECKING:
    from lepton_rl.graph import BitGraph

__all__ = ["MAX_NODES", "NamedGraph", "RawEdges", "clean", "from_networkx"]

MAX_NODES = 4_000


@dataclass(frozen=True, eq=False)
class NamedGraph:
    """A simple undirected graph with the user's node names.

    Attributes:
        name: what tables and pictures call it.
        edges: int32[m, 2], slots; each edge once, the lower slot first, no self-loops.
        names: node names by slot.
        report: what reading and cleaning ignored, merged or dropped, one line each.
    """

    name: str
    edges: np.ndarray
    names: tuple[str, ...]
    report: tuple[str, ...] = field(default=())

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.names)

    def to_bitgraph(self, capacity: int | None = None) -> BitGraph:
        """The editable graph; slot i is the node ``names[i]``.

        Args:
            capacity: node slots N; default ``num_nodes``.

        Raises:
            DataError: more nodes than bitset rows are meant for, or than ``capacity``.
        """
        slots = self.num_nodes if capacity is None else capacity
        if slots > MAX_NODES:
            raise DataError(
                f"{self.name} needs {slots} node slots, the limit is {MAX_NODES} (memory grows as N²/8 bytes a "
                f"graph, {slots**2 / 8e6:.0f} MB here): take a part of it."
            )
        if slots < self.num_nodes:
            raise DataError(f"{self.name} has {self.num_nodes} nodes: give a capacity of at least that, not {slots}.")
        from lepton_rl.graph import from_edges  # noqa: PLC0415 - reading files must not wait for jax

        return from_edges(self.edges, self.num_nodes, capacity=capacity)

    def to_networkx(self) -> nx.Graph:
        """The same graph in networkx, nodes in slot order under the user's names."""
        graph = nx.Graph(name=self.name)
        graph.add_nodes_from(self.names)
        graph.add_edges_from((self.names[u], self.names[v]) for u, v in self.edges.tolist())
        return graph

    def largest_component(self) -> NamedGraph:
        """The part induced by the largest connected component (the first of equals), what was dropped reported."""
        graph = nx.empty_graph(self.num_nodes)
        graph.add_edges_from(self.edges.tolist())
        components: list[set[int]] = sorted(nx.connected_components(graph), key=len, reverse=True)
        keep = sorted(components[0])
        if len(components) == 1:
            return self
        slot = np.full(self.num_nodes, -1, np.int32)
        slot[keep] = np.arange(len(keep), dtype=np.int32)
        edges = slot[self.edges[slot[self.edges[:, 0]] >= 0]]
        line = (
            f"largest component kept: {len(keep)} of {self.num_nodes} nodes, {len(edges)} of {len(self.edges)} edges "
            f"({len(components) - 1} smaller component(s) dropped)"
        )
        names = tuple(self.names[i] for i in keep)
        return replace(self, edges=edges, names=names, report=(*self.report, line))


class RawEdges(NamedTuple):
    """What a reader hands over, before cleaning.

    Attributes:
        sources, targets: node names, one each an edge.
        where: index of an edge -> where the user finds it (``file:line``).
        nodes: names declared apart from the edges; they get the first slots.
        report: what the reader ignored.
    """

    sources: Sequence[str]
    targets: Sequence[str]
    where: Callable[[int], str]
    nodes: Iterable[str] = ()
    report: tuple[str, ...] = ()


def clean(name: str, raw: RawEdges) -> NamedGraph:
    """Drop self-loops, merge duplicate and reciprocal edges, each counted and reported with its first example.

    Slots follow the order of first appearance.

    Raises:
        DataError: no edge is left.
    """
    slot = {node: i for i, node in enumerate(dict.fromkeys(raw.nodes))}
    first: dict[tuple[int, int], int] = {}
    loops, duplicates, reciprocals = [], [], []
    for i, (source, target) in enumerate(zip(raw.sources, raw.targets, strict=True)):
        u, v = slot.setdefault(source, len(slot)), slot.setdefault(target, len(slot))
        edge = (u, v) if u < v else (v, u)
        if u == v:
            loops.append(i)
        elif edge not in first:
            first[edge] = i
        elif raw.sources[first[edge]] == source:
            duplicates.append(i)
        else:
            reciprocals.append(i)
    policies = ((loops, "self-loop(s) dropped"), (duplicates, "duplicate edge(s) merged"),
                (reciprocals, "reciprocal edge(s) merged (the graph is undirected)"))  # fmt: skip
    lines = [
        f"{len(found)} {policy}, the first at {raw.where(found[0])} ({raw.sources[found[0]]} – {raw.targets[found[0]]})"
        for found, policy in policies
        if found
    ]
    if not first:
        left = "; ".join([*raw.report, *lines])
        raise DataError(f"{name} has no edge{f' left ({left})' if left else ''}: give a graph with at least one.")
    edges = np.array(list(first), dtype=np.int32)
    return NamedGraph(name, edges, tuple(slot), (*raw.report, *lines))


def from_networkx(graph: nx.Graph, name: str) -> NamedGraph:
    """Take over a networkx graph; nodes are named by ``str(node)``, attributes are ignored and reported.

    Raises:
        DataError: two nodes with one name (1 and "1"), or no edge.
    """
    labels: dict[Hashable, str] = {node: str(node) for node in graph}
    if len(set(labels.values())) < len(labels):
        raise DataError(f"two nodes of {name} have the same name as text: rename them (networkx.relabel_nodes).")
    edges: list[tuple[Any, Any]] = list(graph.edges())
    report = ["directions ignored"] if graph.is_directed() else []
    attributes = sorted({str(key) for *_, data in graph.edges(data=True) for key in data})
    if attributes:
        report.append(f"edge attribute(s) ignored: {', '.join(attributes)}")
    return clean(
        name,
        RawEdges(
            [labels[u] for u, _ in edges], [labels[v] for _, v in edges],
            where=lambda i: f"edge {edges[i]}", nodes=labels.values(), report=tuple(report),
        ),
    )  # fmt: skip
