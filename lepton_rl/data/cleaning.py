"""From edges as they were read to a simple graph, by policies that are named and reported.

Every policy that changes something leaves a line in the graph's report: how many, what was done, the first example and
where it stands. A policy may also be "refuse": then that example is the error.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.named import WEIGHT, NamedGraph
from lepton_rl.data.names import Names
from lepton_rl.data.parts import without_isolated
from lepton_rl.data.source import DataError

__all__ = ["Cleaning", "RawEdges", "clean"]


@dataclass(frozen=True)
class Cleaning:
    """What to do with what a simple graph cannot hold."""

    directed: bool | None = None
    """Keep directions (True), or take an edge and its reciprocal for one (False). None: as the file or the library says
    (GraphML, GML, JSON node-link, Matrix Market, Parquet that was written here, networkx, PyG); undirected where it
    says nothing (CSV, edge lists, tables)."""
    self_loops: Literal["drop", "refuse"] = "drop"
    """Edges from a node to itself."""
    duplicates: Literal["first", "sum", "mean", "max", "refuse"] = "first"
    """Edges given more than once (reciprocal ones too where directions are not kept): what becomes of their weights;
    other attributes are the first edge's."""
    missing_weights: Literal["refuse", "drop", "one"] = "refuse"
    """Edges whose weight is empty, NaN or infinite: dropped, or given weight 1."""
    negative_weights: Literal["refuse", "drop", "absolute", "keep"] = "refuse"
    """Edges whose weight is below 0."""
    isolated: Literal["keep", "drop"] = "keep"
    """Nodes without an edge."""


class RawEdges(NamedTuple):
    """What a reader hands over, before cleaning.

    Attributes:
        edges: int32[m, 2] slots, source and target, in the order read. ``names``: node names by slot.
        where: index of an edge -> where the user finds it (``file:line``).
        edge_data: attributes of the m edges. ``node_data``: of the nodes by slot. None where there are none.
        report: what the reader ignored. ``directed``: whether the source says that its edges go one way.
    """

    edges: np.ndarray
    names: Names
    where: Callable[[int], str]
    edge_data: pa.Table | None = None
    node_data: pa.Table | None = None
    report: tuple[str, ...] = ()
    directed: bool = False


def clean(name: str, raw: RawEdges, cleaning: Cleaning = Cleaning()) -> NamedGraph:
    """The simple graph that ``cleaning`` makes of ``raw``; its report says what that changed.

    Raises:
        DataError: something that a policy refuses, a weight that is no number, or no edge left.
    """
    directed = raw.directed if cleaning.directed is None else cleaning.directed
    cleaning = replace(cleaning, directed=directed)
    state = _State(raw, cleaning)
    state.loops()
    state.weights()
    weight, kept = state.merged(), state.kept
    if not kept.any():
        left = "; ".join([*raw.report, *state.lines])
        raise DataError(f"{name} has no edge{f' left ({left})' if left else ''}: give a graph with at least one.")
    u, v = raw.edges[:, 0][kept], raw.edges[:, 1][kept]
    edges = np.stack([u, v] if cleaning.directed else [np.minimum(u, v), np.maximum(u, v)], axis=1)
    data = raw.edge_data
    if data is not None and weight is not None:
        data = data.set_column(data.column_names.index(WEIGHT), WEIGHT, pa.array(weight))
    data = data if data is None or kept.all() else data.filter(pa.array(kept))
    graph = NamedGraph(name, edges, raw.names, directed, raw.node_data, data, (*raw.report, *state.lines))
    return without_isolated(graph) if cleaning.isolated == "drop" else graph


class _State:
    """The rows still in, the weights as they stand, and the report so far."""

    def __init__(self, raw: RawEdges, cleaning: Cleaning) -> None:
        self.raw, self.cleaning = raw, cleaning
        self.kept = np.ones(len(raw.edges), bool)
        self.weight: np.ndarray | None = None
        self.lines: list[str] = []

    def example(self, row: int) -> str:
        source, target = (_short(self.raw.names[slot]) for slot in self.raw.edges[row].tolist())
        return f"{self.raw.where(row)} ({source} – {target})"

    def found(self, rows: np.ndarray, what: str, done: str) -> None:
        """Report rows, or refuse the first of them."""
        if not len(rows):
            return
        if done == "refuse":
            raise DataError(f"{self.example(int(rows[0]))}: {what}: mend it, or choose another policy than 'refuse'.")
        self.lines.append(f"{len(rows)} {what}(s) {done}, the first at {self.example(int(rows[0]))}")

    def loops(self) -> None:
        u, v = self.raw.edges.T
        rows = np.flatnonzero(u == v)
        self.found(rows, "self-loop", "refuse" if self.cleaning.self_loops == "refuse" else "dropped")
        self.kept[rows] = False

    def weights(self) -> None:
        """Read the weights, if there are any, and settle the missing and the negative ones."""
        data, policy = self.raw.edge_data, self.cleaning
        if data is None or WEIGHT not in data.column_names:
            return
        column = data[WEIGHT]
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            raise DataError(f"{self._no_number(column)}: give numbers, or name another column of weights.")
        whole = pa.types.is_integer(column.type) and not column.null_count
        weight = column.to_numpy() if whole else column.cast(pa.float64()).to_numpy()
        weight = weight if weight.flags.writeable else weight.copy()  # of several chunks it is a copy already
        missing = np.flatnonzero(~np.isfinite(weight) & self.kept)
        words = {"refuse": "refuse", "drop": "dropped", "one": "set to 1"}
        self.found(missing, "missing weight", words[policy.missing_weights])
        self.kept[missing] = policy.missing_weights != "drop"
        weight[missing] = 1
        negative = np.flatnonzero((weight < 0) & self.kept)
        words = {"refuse": "refuse", "drop": "dropped", "absolute": "made positive", "keep": "kept"}
        self.found(negative, "negative weight", words[policy.negative_weights])
        self.kept[negative] = policy.negative_weights != "drop"
        self.weight = np.abs(weight) if policy.negative_weights == "absolute" else weight

    def _no_number(self, column: pa.ChunkedArray) -> str:
        """Where the first weight that is no number stands."""
        for row, value in enumerate(column.to_pylist()):
            try:
                float(value)
            except (TypeError, ValueError):
                return f"{self.example(row)}: the weight '{_short(str(value))}' is no number"
        return f"{self.example(0)}: weights are of type {column.type}"

    def merged(self) -> np.ndarray | None:
        """Keep the first of equal edges, in the order read; the weights of all rows, as they became."""
        rows = np.flatnonzero(self.kept)
        u, v = self.raw.edges.T
        low, high = (u, v) if self.cleaning.directed else (np.minimum(u, v), np.maximum(u, v))
        keys = low.astype(np.int64)
        keys *= len(self.raw.names)
        keys += high
        del low, high
        keys = keys if len(rows) == len(keys) else keys[rows]
        repeated = _repeated(keys)
        if not len(repeated):
            return self.weight
        group = pc.index_in(pa.array(keys), value_set=pa.array(repeated))
        at, codes = rows[group.is_valid().to_numpy(zero_copy_only=False)], group.drop_null().to_numpy()
        first = np.empty(len(repeated), np.int64)
        first[codes[::-1]] = at[::-1]  # the last write, the first row, stays
        again = at != first[codes]
        swapped = u[at] != u[first[codes]]
        done = self._merging()
        self.found(at[again & ~swapped], "duplicate edge", done)
        self.found(at[again & swapped], "reciprocal edge", done if done == "refuse" else f"{done} (undirected)")
        self.kept[at[again]] = False
        return self._combined(codes, at, first)

    def _merging(self) -> str:
        how = self.cleaning.duplicates
        return how if how == "refuse" else "merged" if self.weight is None else f"merged (weight: {how})"

    def _combined(self, codes: np.ndarray, rows: np.ndarray, first: np.ndarray) -> np.ndarray | None:
        """The weights, those of ``rows`` put together by their ``codes`` in the row ``first[code]``."""
        weight, how = self.weight, self.cleaning.duplicates
        if weight is None or how == "first":
            return weight
        if how == "max":
            np.maximum.at(weight, first[codes], weight[rows])
            return weight
        total: np.ndarray = np.bincount(codes, weight[rows])
        if how == "mean":
            total, weight = total / np.bincount(codes), weight.astype(np.float64)
        weight[first] = total
        return weight


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"


def _repeated(keys: np.ndarray) -> np.ndarray:
    """The values that i[m] ``keys`` hold more than once; sorting takes a fraction of what grouping all of them does."""

    def those(bit: int) -> np.ndarray:
        ordered = keys[keys & 1 == bit]
        ordered.sort()
        return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])

    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(those, (0, 1))))
