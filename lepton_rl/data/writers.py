"""One way out: graphs in every format they are read from. What a format cannot hold is refused, never altered.

Whatever is about to be written is read again first; so a file under its name holds the graph, or it is not there.
"""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa

from lepton_rl.data.cleaning import Cleaning, clean
from lepton_rl.data.difference import difference
from lepton_rl.data.edge_table import Columns
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.readers import FORMATS, format_of, node_table, parsed
from lepton_rl.data.source import DataError, Source, Written, plain_path
from lepton_rl.files import atomic_write
from lepton_rl.registry import resolve

__all__ = ["write_graph"]


def write_graph(graph: NamedGraph, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write a graph so that :func:`read_graph` gives it back: nodes, names, attributes, edges and weights.

    CSV, TSV and Parquet get a table of nodes beside them (``net.nodes.csv``) when there are attributes of nodes or
    nodes without an edge. Directions are kept by GraphML, GML, JSON, Matrix Market and Parquet; CSV and edge lists
    cannot say them: read these with ``Cleaning(directed=True)``.

    Args:
        path: the file; it appears complete or not at all, gzipped if it ends in ``.gz``.
        format: a name in :data:`FORMATS`; default by suffix.

    Raises:
        DataError: unknown suffix or format; something in the graph that the format cannot hold; an unwritable file.
    """
    file = Path(path).expanduser()
    kind = format_of(file, format)
    plain = plain_path(file)
    writer: Callable[[NamedGraph, str], Written] = resolve({kind: FORMATS[kind].writer}, kind, "graph format")
    beside = node_table(file)
    alone = graph.node_data is None and len(np.unique(graph.edges)) == graph.num_nodes
    try:
        written = writer(graph, plain.suffix.lower())
        if alone and not beside.exists():
            written = Written(written.graph)
        lost = _lost(graph, kind, written)
    except (DataError, TypeError, ValueError, OverflowError, nx.NetworkXError, pa.ArrowException) as error:
        lost = str(error)
    if lost:
        others = " or ".join(other for other in (".json", ".parquet") if other not in FORMATS[kind].suffixes)
        raise DataError(f"{file} cannot hold {graph.name} ({lost}): rename or drop that, or write {others}.")
    if written.nodes is not None:
        _write(beside, written.nodes)
    _write(file, written.graph)


def _lost(graph: NamedGraph, kind: str, written: Written) -> str | None:
    """What reading would not give back."""
    file = Path(f"what would be written{FORMATS[kind].suffixes[0]}")
    nodes = None if written.nodes is None else Source(node_table(file), written.nodes)
    raw = parsed(Source(file, written.graph), kind, Columns(), nodes)
    if FORMATS[kind].directed and raw.directed != graph.directed:
        return "its direction"
    return difference(graph, clean(graph.name, raw, Cleaning(graph.directed, negative_weights="keep")))


def _write(file: Path, data: bytes) -> None:
    try:
        with atomic_write(file, "wb") as stream:
            stream.write(gzip.compress(data, mtime=0) if file.suffix.lower() == ".gz" else data)
    except OSError as error:
        raise DataError(f"{file} cannot be written ({error.strerror or error}): choose another place.") from None
