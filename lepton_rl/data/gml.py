"""GML (Himsolt 1997): nested lists of keys and values."""

import html.entities
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import networkx as nx

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.edge_table import Columns
from lepton_rl.data.foreign import raw_edges
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.source import DataError, Source, Written

__all__ = ["read_gml", "write_gml"]

_TOKEN = re.compile(
    r'(?:\s+|#[^\n]*)*+(?:(?P<key>[A-Za-z_]\w*)|(?P<text>"[^"]*")|(?P<open>\[)|(?P<close>\])'
    r"|(?P<real>[+-]?(?:(?:\d+\.\d*|\.\d+)(?:[Ee][+-]?\d+)?|\d+[Ee][+-]?\d+|INF\b|NAN\b))"
    r"|(?P<whole>[+-]?\d+)|(?P<bad>.)|(?P<end>\Z))",
    re.ASCII | re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(\w+));", re.ASCII)
_LONGEST = 200  # characters of a key
_LIST_MARK = "_networkx_list_start"  # networkx writes it into lists of one


class _Item(NamedTuple):
    """One ``key value``; the value is text, a number or a list of further items."""

    key: str
    value: Any
    place: int


class _Text(NamedTuple):
    """The text of a file; places in it are counted in characters."""

    source: Source
    text: str

    def at(self, place: int) -> str:
        """``file:line`` of a place."""
        return self.source.at(self.text.count("\n", 0, place) + 1)


def read_gml(source: Source, columns: Columns) -> RawEdges:
    """Nodes, edges and their attributes; nodes are named by ``label`` where each has one of its own, else by ``id``.

    A key given several times is a list. Lists of further keys, such as the graphics of a node, are left out.

    Raises:
        DataError: malformed GML (with line), no graph, a node declared twice or not at all.
    """
    text = _Text(source, source.checked().decode())
    graphs = [item for item in _items(text) if item.key == "graph" and isinstance(item.value, list)]
    if len(graphs) != 1:
        raise DataError(f"{source.path} holds {len(graphs)} graphs: give one 'graph [ … ]'.")
    inside: list[_Item] = graphs[0].value
    report: dict[str, None] = {}
    nodes: dict[str, dict[str, Any]] = {}
    for item in inside:
        if item.key == "node":
            record = _record(item, text, report)
            name = _named(record, "id", item, text)
            if name in nodes:
                raise DataError(f"{text.at(item.place)}: node {name} again: keep one of them.")
            nodes[name] = record
    edges = [(_record(item, text, report), item) for item in inside if item.key == "edge"]
    if any(item.key == "multigraph" and item.value == 1 for item in inside):
        for record, _ in edges:
            record.pop("key", None)  # it tells parallel edges apart, it says nothing of them
    ends = [[_named(record, end, item, text) for record, item in edges] for end in ("source", "target")]
    for (_, item), *pair in zip(edges, *ends, strict=True):
        for end in pair:
            if end not in nodes:
                raise DataError(f"{text.at(item.place)}: edge to {end}, which no node declares: add the node.")
    labels = _labels(nodes, report)
    return raw_edges(
        [labels[end] for end in ends[0]], [labels[end] for end in ends[1]], lambda i: text.at(edges[i][1].place),
        nodes=list(labels.values()), edge_records=[record for record, _ in edges], node_records=list(nodes.values()),
        report=list(report), directed=any(item.key == "directed" and item.value == 1 for item in inside),
        weight=columns.weight,
    )  # fmt: skip


def _labels(nodes: dict[str, dict[str, Any]], report: dict[str, None]) -> dict[str, str]:
    """Id -> name; labels that serve as names are no attributes any more."""
    labels = {name: str(record["label"]) for name, record in nodes.items() if "label" in record}
    if len(labels) == len(nodes) == len(set(labels.values())):
        for record in nodes.values():
            del record["label"]
        return labels
    if labels:
        report["nodes are named by id, for some have no label or the same one"] = None
    return {name: name for name in nodes}


def _named(record: dict[str, Any], key: str, item: _Item, text: _Text) -> str:
    """Take an id out of a record."""
    value = record.pop(key, None)
    if not isinstance(value, str | int):
        raise DataError(f"{text.at(item.place)}: {item.key} without a '{key}' that is a number: give it one.")
    return str(value)


def _record(item: _Item, text: _Text, report: dict[str, None]) -> dict[str, Any]:
    """The attributes of a node or edge."""
    if not isinstance(item.value, list):
        raise DataError(f"{text.at(item.place)}: '{item.key}' is no list: write {item.key} [ … ].")
    values: dict[str, list[Any]] = {}
    for key, value, _ in item.value:
        if isinstance(value, list):
            report[f"{item.key} attribute '{key}' is a list of keys: left out"] = None
        else:
            values.setdefault(key, []).append(value)
    return {
        key: found[0] if len(found) == 1 else [value for value in found if value != _LIST_MARK]
        for key, found in values.items()
    }


def _items(text: _Text) -> list[_Item]:
    """All keys and values, nested as written."""
    levels: list[list[_Item]] = [[]]
    tokens = _tokens(text)
    for kind, key, place in tokens:
        if kind == "close" and len(levels) > 1:
            levels.pop()
            continue
        if kind != "key" or len(key) > _LONGEST:
            raise DataError(f"{text.at(place)}: {key[:40]} where a key should stand: check the brackets and quotes.")
        what, value, at = next(tokens, ("end", "the end of the file", place))
        if what == "open":
            levels.append([])
            levels[-2].append(_Item(key, levels[-1], place))
        elif what in ("text", "whole", "real") or value in ("INF", "NAN"):
            levels[-1].append(_Item(key, _value(what, value, text, at), at))
        else:
            raise DataError(f"{text.at(at)}: {value[:40]} where the value of '{key}' should stand: give one.")
    if len(levels) > 1:
        raise DataError(f"{text.at(levels[-2][-1].place)}: '{levels[-2][-1].key} [' is not closed: add ']'.")
    return levels[0]


def _tokens(text: _Text) -> Iterator[tuple[str, str, int]]:
    """``(kind, text, place)`` of what is neither blank nor comment."""
    for found in _TOKEN.finditer(text.text):
        kind = found.lastgroup or "end"
        if kind == "end":  # a match, lest blanks before it be looked through again from each of them
            return
        if kind == "bad":
            raise DataError(f"{text.at(found.start(kind))}: cannot read {found[kind]!r}: check the quotes.")
        yield kind, found[kind], found.start(kind)


def _value(kind: str, value: str, text: _Text, place: int) -> Any:
    if kind == "text":
        return _ENTITY.sub(_character, value[1:-1]) if "&" in value else value[1:-1]
    try:
        return int(value) if kind == "whole" else float(value)
    except ValueError:  # more digits than Python turns into a number
        raise DataError(f"{text.at(place)}: a number of {len(value):,} digits: shorten it.") from None


def _character(entity: re.Match[str]) -> str:
    decimal, hexadecimal, name = entity.groups()
    code = html.entities.name2codepoint.get(name, -1) if name else int(decimal) if decimal else int(hexadecimal, 16)
    known = 0 <= code < 0xD800 or 0xDFFF < code <= 0x10FFFF
    return chr(code) if known else entity.group()


def write_gml(graph: NamedGraph, suffix: str) -> Written:
    """GML as networkx writes it: names are labels."""
    return Written("\n".join(nx.generate_gml(graph.to_networkx())).encode())
