"""Graphs in JSON: node-link as networkx and d3 write it, a list of records, or one record a line."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import networkx as nx

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.edge_table import Columns, roles
from lepton_rl.data.foreign import raw_edges
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.source import DataError, Source, Written

__all__ = ["read_json", "write_json"]

_CURE = 'give {"nodes": [{"id": …}], "edges": [{"source": …, "target": …}]} or a list of such edges'


class _Records(NamedTuple):
    """Objects of one kind, and where the user finds each of them."""

    rows: Sequence[Mapping[str, Any]]
    where: Callable[[int], str]


def read_json(source: Source, columns: Columns) -> RawEdges:
    """Node-link (edges under "edges", or "links" as older programs write), or objects of one edge each.

    The ends of edges are found by ``columns`` or their usual names. Attributes may be lists and objects too.

    Raises:
        DataError: malformed (with line), another shape of JSON, a name that is neither text nor a whole number, a node
            declared twice or not at all.
    """
    text = source.checked().decode()
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise DataError(f"{source.at(error.lineno)}: malformed JSON ({error.msg}): export it again.") from None
        return _edges(_lines(source, text), [], columns, source)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source.path}: JSON that cannot be read ({error}): {_CURE}.") from None
    if isinstance(document, list):
        return _edges(_records(document, "record", source), [], columns, source)
    if not isinstance(document, dict):
        raise DataError(f"{source.path} is JSON, but no graph: {_CURE}.")
    found = [key for key in ("edges", "links") if key in document]
    if not found:
        return _edges(_records([document], "record", source), [], columns, source)
    edges = _records(document[found[0]], "edge", source)
    if document.get("multigraph") is True:  # "key" tells parallel edges apart, it says nothing of them
        edges = edges._replace(rows=[{k: v for k, v in row.items() if k != "key"} for row in edges.rows])
    raw = _edges(edges, _nodes(document.get("nodes", []), source), columns, source)
    return raw._replace(directed=document.get("directed") is True)


def _records(rows: Any, what: str, source: Source) -> _Records:
    if not isinstance(rows, list):
        raise DataError(f"{source.path}: its {what}s are no list: {_CURE}.")

    def where(i: int) -> str:
        return f"{source.path}, {what} {i + 1}"

    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"{where(i)} is no object: {_CURE}.")
    return _Records(rows, where)


def _lines(source: Source, text: str) -> _Records:
    rows, lines = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{source.at(number)}: malformed JSON ({error}): give one object a line.") from None
        if not isinstance(row, dict):
            raise DataError(f"{source.at(number)}: no object: give one object a line.")
        rows.append(row)
        lines.append(number)
    return _Records(rows, lambda i: source.at(lines[i]))


def _name(record: Mapping[str, Any], key: str, where: str) -> str:
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"{where}: '{key}' is {json.dumps(value)[:40]}: give text or a whole number.")
    return str(value)


def _nodes(rows: Any, source: Source) -> Sequence[Mapping[str, Any]]:
    """The records of the nodes; their "id" is the name as text."""
    nodes: dict[str, dict[str, Any]] = {}
    records = _records(rows, "node", source)
    for i, record in enumerate(records.rows):
        name = _name(record, "id", records.where(i))
        if name in nodes:
            raise DataError(f"{records.where(i)}: node '{name}' again: keep one of them.")
        nodes[name] = {**record, "id": name}
    return list(nodes.values())


def _edges(
    records: _Records, nodes: Sequence[Mapping[str, Any]], columns: Columns, source: Source
) -> RawEdges:  # fmt: skip
    if not records.rows:
        raise DataError(f"{source.path} has no edge: give at least one.")
    keys = list(dict.fromkeys(key for row in records.rows for key in row))
    s, t, w = roles(keys, columns, source.path)
    ends = [
        [_name(row, keys[end], records.where(i)) for i, row in enumerate(records.rows)] for end in (s, t)
    ]  # fmt: skip
    names = [str(node["id"]) for node in nodes]
    known = set(names)
    for i, pair in enumerate(zip(*ends, strict=True)):
        for end in pair:
            if known and end not in known:
                raise DataError(f"{records.where(i)}: edge to '{end}', which is not among the nodes: add the node.")
    return raw_edges(
        ends[0], ends[1], records.where, nodes=names,
        edge_records=[{k: v for k, v in row.items() if k not in (keys[s], keys[t])} for row in records.rows],
        node_records=[{k: v for k, v in node.items() if k != "id"} for node in nodes],
        weight=None if w is None else keys[w],
    )  # fmt: skip


def write_json(graph: NamedGraph, suffix: str) -> Written:
    """Node-link as ``networkx.node_link_graph`` reads it."""
    if suffix in (".jsonl", ".ndjson"):
        raise DataError("JSON lines keep edges only; end the name in .json")
    document = nx.node_link_data(graph.to_networkx(), edges="edges")
    return Written(json.dumps(document, ensure_ascii=False).encode())
