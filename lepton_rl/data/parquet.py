"""Edges and nodes in Parquet files."""

import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.edge_table import Columns, edges_of, roles, unique
from lepton_rl.data.foreign import to_tables
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.source import DataError, Source, Written

__all__ = ["read_parquet", "read_parquet_nodes", "write_parquet"]

_DIRECTED = b"directed"  # in the metadata of the schema: b"true" where edges go one way


def read_parquet(source: Source, columns: Columns) -> RawEdges:
    """One edge a row; columns are found as in CSV, further ones are attributes.

    Raises:
        DataError: no Parquet, no such column, no row, a missing name.
    """
    table, where = read_parquet_nodes(source, columns)
    found = roles(table.column_names, columns, source.path)
    directed = (pq.read_schema(pa.BufferReader(source.data)).metadata or {}).get(_DIRECTED) == b"true"
    return edges_of(table.to_batches(), found, where)._replace(directed=directed)


def read_parquet_nodes(source: Source, columns: Columns) -> tuple[pa.Table, Callable[[int], str]]:
    """All rows under unique column names, and where each of them stands.

    Raises:
        DataError: no Parquet.
    """
    try:
        table = pq.read_table(pa.BufferReader(source.data))
        table.validate(full=True)  # text may be no UTF-8, in values and in names of columns
        names = table.column_names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{source.path} is no sound Parquet file ({error}): export it again.") from None
    # Row numbers that pandas keeps as a column say nothing of the rows.
    table = table.drop_columns([name for name in names if name.startswith("__index_level_")])
    return table.rename_columns(unique(table.column_names)), lambda row: f"{source.path}, row {row + 1}"


def write_parquet(graph: NamedGraph, suffix: str) -> Written:
    """A table with the columns source, target and the attributes; whether it is directed stands in the metadata."""
    edges, nodes = to_tables(graph)
    said = edges.replace_schema_metadata({_DIRECTED: str(graph.directed).lower().encode()})
    return Written(_parquet(said), _parquet(nodes))


def _parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()
