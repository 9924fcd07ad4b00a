"""GraphML, parsed by defusedxml: entity bombs and external entities are refused before anything is expanded."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

import defusedxml.sax
import networkx as nx
from defusedxml.common import DefusedXmlException

from lepton_rl.data.cleaning import RawEdges
from lepton_rl.data.edge_table import Columns
from lepton_rl.data.foreign import raw_edges
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.source import DataError, Source, Written

__all__ = ["read_graphml", "write_graphml"]

_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_TYPES: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: _TRUTH[text.lower()], "int": int, "integer": int, "long": int, "float": float,
    "double": float, "string": str,
}  # fmt: skip


class _Key(NamedTuple):
    """A declared attribute."""

    name: str
    kind: str
    owner: str


class _Handler(ContentHandler):
    """Collects nodes, edges and their data with their lines; ports and nested graphs are no part of the graph here."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: list[tuple[str, str, int]] = []
        self.directions: set[bool] = set()  # the kinds of edges there are
        self.edge_records: list[dict[str, Any]] = []
        self.keys: dict[str, _Key] = {}
        self.defaults: dict[str, dict[str, Any]] = {"node": {}, "edge": {}}
        self.directed = False  # what edges are that do not say it
        self.root = ""
        self.record: dict[str, Any] | None = None  # of the node or edge that is open
        self.key = ""  # of the <data> or <default> that is open
        self.text = ""
        self.locator: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 - the name in xml.sax
        self.locator = locator

    def line(self) -> int:
        return (self.locator.getLineNumber() if self.locator else None) or 1

    def required(self, tag: str, attributes: AttributesImpl, key: str) -> str:
        if key not in attributes:
            raise DataError(f"{self.source.at(self.line())}: <{tag}> without '{key}': give it one.")
        return attributes[key]

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        tag = name.rpartition(":")[2]
        self.root = self.root or tag
        if tag == "node":
            self.record = self.nodes.setdefault(self.required(tag, attrs, "id"), dict(self.defaults["node"]))
        elif tag == "edge":
            ends = self.required(tag, attrs, "source"), self.required(tag, attrs, "target")
            self.edges.append((*ends, self.line()))
            self.directions.add({"true": True, "false": False}.get(attrs.get("directed", ""), self.directed))
            self.record = dict(self.defaults["edge"])
            self.edge_records.append(self.record)
        elif tag == "hyperedge":
            raise DataError(f"{self.source.at(self.line())}: hyperedges are not supported: give edges of two nodes.")
        elif tag == "graph":
            self.directed = attrs.get("edgedefault") == "directed"
        elif tag == "key":
            self.key = self.required(tag, attrs, "id")
            name, kind = attrs.get("attr.name", self.key), attrs.get("attr.type", "string")
            self.keys[self.key] = _Key(name, kind, attrs.get("for", "all"))
        elif tag == "data":
            self.key = self.required(tag, attrs, "key")
        self.text = ""

    def characters(self, content: str) -> None:
        self.text += content

    def endElement(self, name: str) -> None:  # noqa: N802
        tag = name.rpartition(":")[2]
        if tag == "data" and self.record is not None:
            self.record[self._known().name] = self._value()
        elif tag == "default":
            for owner in self.defaults:
                if self._known().owner in (owner, "all"):
                    self.defaults[owner][self._known().name] = self._value()
        elif tag in ("node", "edge"):
            self.record = None

    def _known(self) -> _Key:
        if self.key not in self.keys:
            raise DataError(f"{self.source.at(self.line())}: data of key '{self.key}', which no <key> declares.")
        return self.keys[self.key]

    def _value(self) -> Any:
        key = self._known()
        try:
            return _TYPES.get(key.kind, str)(self.text if key.kind == "string" else self.text.strip())
        except (ValueError, KeyError):
            where = self.source.at(self.line())
            raise DataError(f"{where}: '{self.text[:40]}' is no {key.kind}, as <key> says of '{key.name}'.") from None


def read_graphml(source: Source, columns: Columns) -> RawEdges:
    """Nodes (by ``id``), edges and their data of a GraphML file.

    Raises:
        DataError: malformed XML (with line), a DTD or entities, another kind of XML, an edge to an undeclared node, a
            value that is not of its key's type.
    """
    handler = _Handler(source)
    try:
        defusedxml.sax.parseString(source.data, handler, forbid_dtd=True)
    except SAXParseException as error:
        where = source.at(error.getLineNumber() or 1)
        raise DataError(f"{where}: malformed XML ({error.getMessage()}): export the file again.") from None
    except DefusedXmlException:
        raise DataError(f"{source.path} has a <!DOCTYPE> or entities, which are refused: remove them.") from None
    except DataError:
        raise
    except (LookupError, ValueError) as error:  # what expat says of encodings it cannot read
        raise DataError(f"{source.path} is in an unknown encoding ({error}): save it as UTF-8.") from None
    if handler.root != "graphml":
        raise DataError(f"{source.path} is XML, but <{handler.root}> instead of <graphml>: export it as GraphML.")
    for tail, head, line in handler.edges:
        for end in (tail, head):
            if end not in handler.nodes:
                raise DataError(f"{source.at(line)}: edge to '{end}', which no <node> declares: add the node.")
    edges = handler.edges
    mixed = "edges of both kinds, directed and undirected: undirected unless Cleaning(directed=True)"
    return raw_edges(
        [edge[0] for edge in edges], [edge[1] for edge in edges], lambda i: source.at(edges[i][2]),
        nodes=list(handler.nodes), edge_records=handler.edge_records, node_records=list(handler.nodes.values()),
        report=[mixed] if len(handler.directions) > 1 else [],
        directed=handler.directions == {True}, weight=columns.weight,
    )  # fmt: skip


def write_graphml(graph: NamedGraph, suffix: str) -> Written:
    """GraphML as networkx writes it."""
    stream = io.BytesIO()
    nx.write_graphml_xml(graph.to_networkx(), stream)
    return Written(stream.getvalue())
