"""GraphML, parsed by defusedxml: entity bombs and external entities are refused before anything is expanded."""

from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from lepton_rl.data.named import RawEdges
from lepton_rl.data.source import DataError, Source

__all__ = ["read_graphml"]


class _Handler(ContentHandler):
    """Collects nodes and edges with their lines; ports, nested graphs and data are no part of the graph here."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source
        self.nodes: dict[str, None] = {}
        self.edges: list[tuple[str, str, int]] = []
        self.attributes: list[str] = []
        self.directed = False
        self.root = ""
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
            self.nodes[self.required(tag, attrs, "id")] = None
        elif tag == "edge":
            ends = self.required(tag, attrs, "source"), self.required(tag, attrs, "target")
            self.edges.append((*ends, self.line()))
        elif tag == "hyperedge":
            raise DataError(f"{self.source.at(self.line())}: hyperedges are not supported: give edges of two nodes.")
        elif tag == "graph":
            self.directed |= attrs.get("edgedefault") == "directed"
        elif tag == "key":
            self.attributes.append(attrs.get("attr.name") or attrs.get("id") or "unnamed")


def read_graphml(source: Source) -> RawEdges:
    """Nodes (by ``id``) and edges of a GraphML file; directions and attributes are ignored and reported.

    Raises:
        DataError: malformed XML (with line), a DTD or entities, another kind of XML, an edge to an undeclared node.
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
    report = ["directions ignored"] if handler.directed else []
    if handler.attributes:
        report.append(f"{len(handler.attributes)} attribute(s) ignored: {', '.join(handler.attributes[:10])}")
    return RawEdges(
        [edge[0] for edge in handler.edges], [edge[1] for edge in handler.edges],
        where=lambda i: source.at(handler.edges[i][2]), nodes=handler.nodes, report=tuple(report),
    )  # fmt: skip
