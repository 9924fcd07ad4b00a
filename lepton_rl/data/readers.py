"""One way in for the user's graph files: the format is found from the name, an option overrides it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from lepton_rl.data.cleaning import Cleaning, RawEdges, clean
from lepton_rl.data.edge_table import Columns
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.nodes import with_nodes
from lepton_rl.data.source import DataError, Source, named_format, open_source, plain_path
from lepton_rl.registry import resolve

__all__ = ["FORMATS", "Format", "format_of", "node_table", "parsed", "read_graph"]


class Format(NamedTuple):
    """A file format: the suffixes it is known by, and import strings of what reads and writes it.

    A reader is ``(Source, Columns) -> RawEdges``; formats that say themselves what is what leave all columns but the
    weight aside. A writer is ``(NamedGraph, suffix) -> Written``. ``nodes``, where nodes have a table of their own, is
    ``(Source, Columns) -> (table, row -> where it stands)``. ``directed``: whether it says if edges go one way.
    """

    suffixes: tuple[str, ...]
    reader: str
    writer: str
    nodes: str = ""
    directed: bool = True


FORMATS = {
    "edgelist": Format(
        (".txt", ".edges", ".edgelist"), "lepton_rl.data.delimited:read_edge_list",
        "lepton_rl.data.delimited:write_edge_list", directed=False,
    ),
    "csv": Format(
        (".csv", ".tsv"), "lepton_rl.data.delimited:read_table", "lepton_rl.data.delimited:write_csv",
        "lepton_rl.data.delimited:read_nodes", directed=False,
    ),
    "json": Format(
        (".json", ".jsonl", ".ndjson"), "lepton_rl.data.json_graph:read_json", "lepton_rl.data.json_graph:write_json"
    ),
    "parquet": Format(
        (".parquet",), "lepton_rl.data.parquet:read_parquet", "lepton_rl.data.parquet:write_parquet",
        "lepton_rl.data.parquet:read_parquet_nodes",
    ),
    "graphml": Format((".graphml",), "lepton_rl.data.graphml:read_graphml", "lepton_rl.data.graphml:write_graphml"),
    "gml": Format((".gml",), "lepton_rl.data.gml:read_gml", "lepton_rl.data.gml:write_gml"),
    "mtx": Format(
        (".mtx",), "lepton_rl.data.matrix_market:read_matrix_market", "lepton_rl.data.matrix_market:write_matrix_market"
    ),
}  # fmt: skip


def format_of(path: Path, format: str | None = None) -> str:
    """The name of a file's format: ``format``, else by suffix.

    Raises:
        DataError: an unknown format or suffix; near match named.
    """
    return named_format(path, format, {suffix: name for name, entry in FORMATS.items() for suffix in entry.suffixes})


def node_table(path: Path) -> Path:
    """Where the table of nodes beside the edges is: ``net.nodes.csv`` for ``net.csv``, with .gz as they have."""
    plain = plain_path(path)
    return path.with_name(f"{plain.stem}.nodes{plain.suffix}{path.name[len(plain.name) :]}")


def parsed(source: Source, format: str, columns: Columns, nodes: Source | None) -> RawEdges:
    """The edges of a file, before cleaning, with the nodes of a table beside them."""
    reader: Callable[[Source, Columns], RawEdges] = resolve({format: FORMATS[format].reader}, format, "graph format")
    raw = reader(source, columns)
    if nodes is None:
        return raw
    kind = format if FORMATS[format].nodes and nodes.path == node_table(source.path) else format_of(nodes.path)
    if not FORMATS[kind].nodes:
        allowed = ", ".join(suffix for entry in FORMATS.values() if entry.nodes for suffix in entry.suffixes)
        raise DataError(f"{nodes.path}: a table of nodes is read from {allowed}: give one of these.")
    read: Callable[[Source, Columns], tuple[pa.Table, Callable[[int], str]]]
    read = resolve({kind: FORMATS[kind].nodes}, kind, "table of nodes")
    return with_nodes(raw, *read(nodes, columns), nodes.path)


def read_graph(
    path: str | os.PathLike[str], format: str | None = None, *, columns: Columns = Columns(),  # noqa: B008 - frozen
    cleaning: Cleaning = Cleaning(),  # noqa: B008 - frozen
    nodes: str | os.PathLike[str] | None = None,
) -> NamedGraph:  # fmt: skip
    """Read a graph from a file; gzip throughout, a byte-order mark is no part of a name.

    Args:
        path: the file. ``format``: a name in :data:`FORMATS`; default by suffix.
        columns: which columns of a table are what. ``cleaning``: what becomes of directions, self-loops, duplicates
            and the like; the graph's ``report`` says how many there were and where.
        nodes: a table of nodes (CSV, TSV or Parquet) with a header; its column id, node or name, else the first, names
            them, the others are their attributes. Default for these formats: ``net.nodes.csv`` beside ``net.csv``,
            where there is one.

    Raises:
        DataError: the file or a line of it cannot be used; the message says where and how to mend it.
    """
    file = Path(path).expanduser()
    if format is not None:
        format_of(file, format)
    source = open_source(file)  # before the suffix is looked at: "no such file" is a nearer message
    kind = format_of(file, format)
    beside = None if nodes is None else Path(nodes).expanduser()
    if beside is None and FORMATS[kind].nodes and node_table(file).is_file():
        beside = node_table(file)
    raw = parsed(source, kind, columns, None if beside is None else open_source(beside))
    return clean(plain_path(file).stem, raw, cleaning)
