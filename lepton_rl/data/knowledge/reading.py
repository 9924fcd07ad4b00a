"""One way in for the user's knowledge graphs: a file is a graph, a folder is a graph that is split into parts."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from lepton_rl.data.knowledge.folder import with_side_files
from lepton_rl.data.knowledge.graph import KnowledgeGraph, TripleSplits
from lepton_rl.data.knowledge.openke import find, read_openke
from lepton_rl.data.knowledge.raw import RawFacts, knowledge_graph, triple_splits
from lepton_rl.data.knowledge.shorten import shortened
from lepton_rl.data.knowledge.triples import TripleColumns
from lepton_rl.data.source import DataError, Source, named_format, open_source, plain_path
from lepton_rl.registry import resolve

__all__ = ["KNOWLEDGE_FORMATS", "TripleFormat", "format_of", "read_knowledge", "read_splits", "stem_of"]


class TripleFormat(NamedTuple):
    """A file format of facts: its suffixes (the first is written), and the import strings of its two sides.

    A reader is ``(Source, TripleColumns) -> RawFacts``, a writer ``KnowledgeGraph -> bytes``.
    """

    suffixes: tuple[str, ...]
    reader: str
    writer: str


_HERE = "lepton_rl.data.knowledge"
KNOWLEDGE_FORMATS = {
    "tsv": TripleFormat((".tsv", ".txt"), f"{_HERE}.triples:read_triples", f"{_HERE}.writing:as_tsv"),
    "csv": TripleFormat((".csv",), f"{_HERE}.triples:read_triples", f"{_HERE}.writing:as_csv"),
    "nt": TripleFormat((".nt", ".ntriples"), f"{_HERE}.rdf:read_ntriples", f"{_HERE}.rdf_out:as_ntriples"),
    "turtle": TripleFormat((".ttl", ".turtle"), f"{_HERE}.rdf:read_turtle", f"{_HERE}.rdf_out:as_turtle"),
}
_PARTS = {"train": ("train",), "valid": ("valid", "dev", "validation", "val"), "test": ("test",)}
_SUFFIXES = {suffix: name for name, entry in KNOWLEDGE_FORMATS.items() for suffix in entry.suffixes}


def stem_of(path: Path) -> str:
    """The name of a file without its suffix, and without .gz before that."""
    return plain_path(path).stem


def format_of(path: Path, format: str | None) -> str:
    """The name of a format in :data:`KNOWLEDGE_FORMATS`, from the suffix where none is given.

    Raises:
        DataError: neither is known.
    """
    return named_format(path, format, _SUFFIXES)


def _read(path: Path, format: str | None, columns: TripleColumns) -> RawFacts:
    source = open_source(path)  # first: "no such file" is a nearer message than "unknown suffix"
    name = format_of(path, format)
    readers = {key: entry.reader for key, entry in KNOWLEDGE_FORMATS.items()}
    reader: Callable[[Source, TripleColumns], RawFacts] = resolve(readers, name, "format")
    return reader(source, columns)


def read_knowledge(
    path: str | os.PathLike[str], format: str | None = None, *, columns: TripleColumns = TripleColumns(),  # noqa: B008
    short: bool = False,
) -> KnowledgeGraph:  # fmt: skip
    """Read a knowledge graph from a file of facts; gzip throughout. RDF literals become columns of ``entity_data``.

    Args:
        path: the file. ``format``: a name in :data:`KNOWLEDGE_FORMATS`; default by suffix.
        columns: which columns of a table are what. ``short``: name IRIs by what follows their last ``#`` or ``/``
            where that is still unique.

    Raises:
        DataError: the file or a line of it cannot be used; the message says where and how to mend it.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(f"{file} is a folder: give one file, or read train, valid and test with read_splits.")
    graph = knowledge_graph(stem_of(file), _read(file, format, columns))
    return shortened(graph) if short else graph


def _part_file(folder: Path, part: str) -> Path | None:
    """The file of one part.

    Raises:
        DataError: there are several.
    """
    known = (file for file in sorted(folder.iterdir()) if plain_path(file).suffix.lower() in _SUFFIXES)
    files = [file for file in known if file.is_file()]
    for alias in _PARTS[part]:
        found = [file for file in files if stem_of(file).lower() == alias]
        if len(found) > 1:
            raise DataError(f"{folder} has {' and '.join(file.name for file in found)}: keep one of them.")
        if found:
            return found[0]
    return None


def read_splits(
    folder: str | os.PathLike[str], format: str | None = None, *, columns: TripleColumns = TripleColumns(),  # noqa: B008
    short: bool = False,
) -> TripleSplits:  # fmt: skip
    """Read a knowledge graph that is split: a folder of train, valid (or dev) and test files, or one of OpenKE's.

    Without a file for validation that part is empty. ``entity2id`` and ``relation2id`` beside the parts name entities
    and relations that the parts give by id; CoDEx's JSON files (types, labels) become ``entity_data`` and
    ``relation_data``.

    Args:
        folder: the folder. ``format``: "openke", or the format of every part; default by what is there.
        columns, short: as in :func:`read_knowledge`.

    Raises:
        DataError: a part is missing or there twice, or a file or a line of it cannot be used.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        found = "is a file: read it with read_knowledge" if path.exists() else "is no folder: check the name"
        raise DataError(f"{path} {found}.")
    if format == "openke" or (format is None and find(path, "train2id.txt").is_file()):
        splits = read_openke(path)
    else:
        splits = _read_parts(path, format, columns)
    if not short:
        return splits
    train = shortened(splits.train)
    shared: dict[str, Any] = {name: getattr(train, name) for name in ("entities", "relations", "entity_data")}
    valid, test = (replace(part, **shared) for part in (splits.valid, splits.test))
    return replace(splits, train=train, valid=valid, test=test)


def _read_parts(folder: Path, format: str | None, columns: TripleColumns) -> TripleSplits:
    files = {part: _part_file(folder, part) for part in _PARTS}
    missing = [part for part in ("train", "test") if files[part] is None]
    if missing:
        there = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "nothing"
        raise DataError(
            f"{folder} has no {missing[0]} file (with {', '.join(_SUFFIXES)}, each also with .gz; found: {there}): "
            "add it, or read one file with read_knowledge."
        )
    raw = {part: _read(file, format, columns) for part, file in files.items() if file}
    if "valid" not in raw:
        empty = raw["train"].table.slice(0, 0)
        report = (f"no file for validation in {folder}: that part is empty",)
        raw = {"train": raw["train"], "valid": RawFacts(empty, raw["train"].where, report=report), "test": raw["test"]}
    return with_side_files(triple_splits(folder.name, raw), folder)
