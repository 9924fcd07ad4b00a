"""One way in for the user's graph files: the format is found from the name, an option overrides it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lepton_rl.data.cleaning import Cleaning, RawEdges, clean
from lepton_rl.data.delimited import Columns
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.source import DataError, Source, open_source
from lepton_rl.registry import near_match, resolve

__all__ = ["FORMATS", "Format", "read_graph"]


class Format(NamedTuple):
    """A file format: the suffixes it is known by, and the import string of its reader.

    A reader is ``(Source, Columns) -> RawEdges``; formats that say themselves what is what leave the columns aside.
    """

    suffixes: tuple[str, ...]
    reader: str


FORMATS = {
    "edgelist": Format((".txt", ".edges", ".edgelist"), "lepton_rl.data.delimited:read_edge_list"),
    "csv": Format((".csv", ".tsv"), "lepton_rl.data.delimited:read_table"),
    "graphml": Format((".graphml",), "lepton_rl.data.graphml:read_graphml"),
}


def _format_of(path: Path) -> str:
    suffixes = {suffix: name for name, entry in FORMATS.items() for suffix in entry.suffixes}
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = plain.suffix.lower()
    if suffix not in suffixes:
        raise DataError(
            f"{path}: unknown suffix '{suffix}'.{near_match(suffix, suffixes)} Known: {', '.join(suffixes)}, each also "
            f"with .gz; or say the format ({', '.join(FORMATS)})."
        )
    return suffixes[suffix]


def read_graph(
    path: str | os.PathLike[str], format: str | None = None, *, columns: Columns = Columns(),  # noqa: B008 - frozen
    cleaning: Cleaning = Cleaning(),  # noqa: B008 - frozen
) -> NamedGraph:  # fmt: skip
    """Read a graph from a file; gzip throughout, a byte-order mark is no part of a name.

    Args:
        path: the file. ``format``: a name in :data:`FORMATS`; default by suffix.
        columns: which columns of a table are what. ``cleaning``: what becomes of self-loops, duplicates and the like;
            the graph's ``report`` says how many there were and where.

    Raises:
        DataError: the file or a line of it cannot be used; the message says where and how to mend it.
    """
    file = Path(path).expanduser()
    if format is not None and format not in FORMATS:
        raise DataError(f"unknown format '{format}'.{near_match(format, FORMATS)} Allowed: {', '.join(FORMATS)}.")
    source = open_source(file)  # first: "no such file" is a nearer message than "unknown suffix"
    name = format or _format_of(file)
    reader: Callable[[Source, Columns], RawEdges] = resolve({name: FORMATS[name].reader}, name, "graph format")
    raw = reader(source, columns)
    plain = file.with_suffix("") if file.suffix.lower() == ".gz" else file
    return clean(plain.stem, raw, cleaning)
