"""Matrix Market: an adjacency matrix, one entry a line (Boisvert, Pozo & Remington 1996)."""

import io
import re

import numpy as np
import pyarrow as pa
from scipy.io import mmwrite
from scipy.sparse import coo_array

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.delimited import read_edge_list
from lepton_rl.data.edge_table import Columns
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError, Source, Written
from lepton_rl.registry import near_match

__all__ = ["read_matrix_market", "write_matrix_market"]

_COLUMNS = {"pattern": 2, "real": 3, "double": 3, "integer": 3}
_DIRECTED = {"general": True, "symmetric": False}
_SIZES = re.compile(rb"(?m)^[ \t]*(?!%)[^\s][^\r\n]*")
_LONELY = 1_000_000  # so many more nodes than entries are believed


def read_matrix_market(source: Source, columns: Columns) -> RawEdges:
    """A square coordinate matrix; rows are sources, columns targets, entries weights; nodes are named "1" … "n".

    A general matrix is a directed graph (``Cleaning(directed=False)`` makes an undirected one of it), a symmetric one
    undirected.

    Raises:
        DataError: another kind of matrix, one that is not square, an entry outside of it, more or fewer entries than
            stated.
    """
    data = source.checked()
    field, directed = _banner(data, source)
    found = _SIZES.search(data)
    sizes = found.group().split() if found else []
    if found is None or len(sizes) != 3 or not all(size.isdigit() and len(size) < 19 for size in sizes):
        line = data.count(b"\n", 0, found.start()) + 1 if found else 1
        raise DataError(f"{source.at(line)}: the sizes of the matrix are missing: give 'rows columns entries'.")
    rows, width, entries = map(int, sizes)
    if rows != width:
        raise DataError(f"{source.path} is a matrix of {rows} × {width}: an adjacency matrix is square.")
    if rows > 4 * entries + _LONELY:
        raise DataError(f"{source.path} states {rows:,} nodes for {entries:,} entries: write the edges as a list.")
    body = Source(source.path, b"\n" * data.count(b"\n", 0, found.start()) + data[found.end() :])
    if not body.data.strip():
        raise DataError(f"{source.path} has no entry: give at least one.")
    weight = "3" if _COLUMNS[field] == 3 else None
    raw = read_edge_list(body, Columns("1", "2", weight))
    attributes = 0 if raw.edge_data is None else raw.edge_data.num_columns
    if attributes != _COLUMNS[field] - 2:
        raise DataError(f"{raw.where(0)}: {2 + attributes} columns where a {field} matrix has {_COLUMNS[field]}.")
    if len(raw.edges) != entries:
        raise DataError(f"{source.path} has {len(raw.edges)} entries, but states {entries}: copy it again.")
    return raw._replace(edges=_placed(raw, rows), names=Names(np.arange(1, rows + 1)), directed=directed)


def _banner(data: bytes, source: Source) -> tuple[str, bool]:
    """``(field, directed)`` of the first line."""
    words = data[:200].split(b"\n")[0].decode("utf-8", "replace").lower().split()
    if words[:1] != ["%%matrixmarket"] or len(words) != 5:
        raise DataError(f"{source.at(1)}: no Matrix Market banner: begin with "
                        "'%%MatrixMarket matrix coordinate real symmetric'.")  # fmt: skip
    for word, allowed in zip(words[1:], (["matrix"], ["coordinate"], list(_COLUMNS), list(_DIRECTED)), strict=True):
        if word not in allowed:
            raise DataError(f"{source.at(1)}: '{word}' matrices are not read.{near_match(word, allowed)} "
                            f"Allowed: {', '.join(allowed)}.")  # fmt: skip
    return words[3], _DIRECTED[words[4]]


def _placed(raw: RawEdges, rows: int) -> np.ndarray:
    """The edges with node i in slot i - 1."""
    ids = raw.names.arrow(numbers=True)
    if not pa.types.is_integer(ids.type):
        ids = [int(name) if re.fullmatch("[0-9]{1,18}", name) else 0 for name in raw.names]
    numbers = np.asarray(ids)
    wrong = np.flatnonzero((numbers < 1) | (numbers > rows))
    if len(wrong):
        row = int(np.isin(raw.edges, wrong).any(1).argmax())
        raise DataError(f"{raw.where(row)}: '{raw.names[int(wrong[0])]}' is no node: rows and columns go from 1 to "
                        f"{rows}: correct it, or the sizes in the first line.")  # fmt: skip
    return (numbers - 1).astype(np.int32)[raw.edges]


def write_matrix_market(graph: NamedGraph, suffix: str) -> Written:
    """The adjacency matrix: weights, or a pattern; general if directed, else symmetric."""
    names = list(graph.names)
    places = {str(i + 1): i for i in range(len(names))}
    if not places.keys() >= set(names):
        raise DataError("Matrix Market numbers its nodes 1 to n and keeps no names")
    rows, columns = np.array([places[name] for name in names])[graph.edges].T
    weights = np.ones(len(rows)) if graph.weights is None else graph.weights
    if not graph.directed:  # mmwrite keeps the lower triangle
        rows, columns, weights = np.r_[rows, columns], np.r_[columns, rows], np.r_[weights, weights]
    matrix = coo_array((weights, (rows, columns)), shape=(len(names),) * 2)
    stream = io.BytesIO()
    field = "pattern" if graph.weights is None else None
    mmwrite(stream, matrix, field=field, symmetry="general" if graph.directed else "symmetric")
    return Written(stream.getvalue())
