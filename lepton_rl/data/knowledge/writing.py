"""Knowledge graphs out: every file appears complete or not at all, and what a format cannot hold is said."""

import gzip
import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from lepton_rl.data.knowledge.graph import KnowledgeGraph, TripleSplits
from lepton_rl.data.knowledge.reading import KNOWLEDGE_FORMATS, format_of
from lepton_rl.data.knowledge.triples import is_header
from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError
from lepton_rl.files import atomic_write
from lepton_rl.registry import near_match, resolve

__all__ = ["as_csv", "as_tsv", "write_knowledge", "write_splits"]

_UNFIT = r"^$|^\s|\s$|^\x{FEFF}|[\x00-\x08\n-\x1f\x{85}\x{2028}\x{2029}]"  # would be read back otherwise, if at all
_CSV = pa.csv.WriteOptions(include_header=True)


def _check(names: Names, separator: str) -> None:
    """Refuse names that a line of text cannot hold."""
    words = names.arrow()
    bad = pc.or_(pc.match_substring_regex(words, _UNFIT), pc.not_equal(pc.utf8_trim_whitespace(words), words))
    if separator:
        bad = pc.or_(bad, pc.match_substring(words, separator))
    row = pc.index(bad, True).as_py()
    if row >= 0:
        raise DataError(f"the name {names[row]!r} does not fit a line of text: rename it, or write N-Triples ('.nt').")


def as_tsv(graph: KnowledgeGraph) -> bytes:
    """``head<TAB>relation<TAB>tail`` a line; with a header only where the first fact would be taken for one.

    Raises:
        DataError: a name with a tab, a line end or blanks around it.
    """
    _check(graph.entities, "\t")
    _check(graph.relations, "\t")
    lines = pc.binary_join_element_wise(*graph.to_arrow().columns, pa.scalar("\t", pa.large_string()))
    header = ["head\trelation\ttail"] if is_header(*graph.facts(slice(1))) else []
    return "".join(f"{line}\n" for line in [*header, *lines.to_pylist()]).encode()


def as_csv(graph: KnowledgeGraph) -> bytes:
    """A table with the header ``head,relation,tail``, names in quotes.

    Raises:
        DataError: a name with a line end or blanks around it.
    """
    _check(graph.entities, "")
    _check(graph.relations, "")
    stream = io.BytesIO()
    pa.csv.write_csv(graph.to_arrow(), stream, _CSV)
    return stream.getvalue()


def _writer(format: str) -> Callable[[KnowledgeGraph], bytes]:
    return resolve({name: entry.writer for name, entry in KNOWLEDGE_FORMATS.items()}, format, "format")


def _packed(data: bytes, path: Path) -> bytes:
    return gzip.compress(data, mtime=0) if path.suffix.lower() == ".gz" else data


def _is_rdf(kind: pa.DataType) -> bool:
    """Whether values of an arrow type are read back as they were."""
    types = pa.types
    value = kind.value_type if types.is_list(kind) or types.is_large_list(kind) else kind
    text = types.is_string(value) or types.is_large_string(value) or types.is_null(value)
    return text or types.is_boolean(value) or types.is_integer(value) or types.is_floating(value)


def _lost(graph: KnowledgeGraph, triples: np.ndarray, format: str) -> list[str]:
    """What a format cannot hold."""
    lines, rdf = [], format in ("nt", "turtle")
    data = graph.entity_data if rdf else None
    alone = np.setdiff1d(np.arange(graph.num_entities), triples[:, ::2])
    if data is not None and len(alone):
        rows = data.take(pa.array(alone)).to_pylist()
        alone = alone[[all(value is None for value in row.values()) for row in rows]]
    unused = graph.num_relations - len(np.unique(triples[:, 1]))
    if len(alone) and format != "openke":
        lines.append(f"{len(alone)} entities without a fact left out, the first is '{graph.entities[int(alone[0])]}'")
    if unused and format != "openke":
        lines.append(f"{unused} relation(s) without a fact left out")
    kept_as_text = [] if data is None else [column.name for column in data.schema if not _is_rdf(column.type)]
    if kept_as_text:
        lines.append(f"data of entities written as text: {', '.join(kept_as_text)}")
    if graph.entity_data is not None and not rdf:
        lines.append(f"data of entities left out: {', '.join(graph.entity_data.column_names)}")
    if graph.relation_data is not None:
        lines.append(f"data of relations left out: {', '.join(graph.relation_data.column_names)}")
    return lines


def write_knowledge(graph: KnowledgeGraph, path: str | os.PathLike[str], format: str | None = None) -> tuple[str, ...]:
    """Write all facts into one file, packed where its name ends with .gz.

    Args:
        graph: the graph. ``path``: the file. ``format``: a name in ``KNOWLEDGE_FORMATS``; default by suffix.

    Returns:
        What the format cannot hold, one line each; empty where nothing is lost.

    Raises:
        DataError: unknown format, a name that it cannot hold, or no fact. OSError: the folder is missing or unwritable.
    """
    file = Path(path).expanduser()
    name = format_of(file, format)
    if not len(graph.triples):
        raise DataError(f"{graph.name} has no fact to write: give at least one.")
    data = _packed(_writer(name)(graph), file)
    with atomic_write(file, "wb") as stream:
        stream.write(data)
    return tuple(_lost(graph, graph.triples, name))


def write_splits(
    splits: TripleSplits, folder: str | os.PathLike[str], format: str = "tsv", *, packed: bool = False
) -> tuple[str, ...]:
    """Write a folder of train, valid and test files, or one of OpenKE's; it appears complete or not at all.

    Args:
        splits: the parts. ``folder``: a new or an empty folder. ``format``: "openke", or a name in
            ``KNOWLEDGE_FORMATS``. ``packed``: whether files are gzipped.

    Returns:
        What the format cannot hold, one line each; empty where nothing is lost.

    Raises:
        DataError: unknown format, a name that it cannot hold, or something is in the folder already.
    """
    allowed = [*KNOWLEDGE_FORMATS, "openke"]
    if format not in allowed:
        raise DataError(f"unknown format '{format}'.{near_match(format, allowed)} Allowed: {', '.join(allowed)}.")
    files = _openke(splits) if format == "openke" else _parts(splits, format)
    with _new_folder(Path(folder).expanduser()) as target:
        for name, data in files.items():
            path = target / f"{name}{'.gz' if packed else ''}"
            path.write_bytes(_packed(data, path))
    return tuple(_lost(splits.train, np.concatenate([part.triples for part in splits.parts.values()]), format))


def _parts(splits: TripleSplits, format: str) -> dict[str, bytes]:
    """Content by file name; data of entities goes with the training part, parts without a fact get no file."""
    suffix, writer = KNOWLEDGE_FORMATS[format].suffixes[0], _writer(format)
    for part in ("train", "test"):
        if not len(splits.parts[part].triples):
            raise DataError(f"the {part} part has no fact: write the graph into one file with write_knowledge.")
    bare = {name: replace(part, entity_data=None) for name, part in splits.parts.items()}
    graphs = {**bare, "train": splits.train}
    return {f"{name}{suffix}": writer(graph) for name, graph in graphs.items() if len(graph.triples)}


def _openke(splits: TripleSplits) -> dict[str, bytes]:
    files = {}
    for owner, names in (("entity", splits.train.entities), ("relation", splits.train.relations)):
        _check(names, "")
        lines = [f"{len(names)}\n", *(f"{name}\t{i}\n" for i, name in enumerate(names))]
        files[f"{owner}2id.txt"] = "".join(lines).encode()
    for part, graph in splits.parts.items():
        rows = [f"{h} {t} {r}\n" for h, r, t in graph.triples.tolist()]
        files[f"{part}2id.txt"] = "".join([f"{len(rows)}\n", *rows]).encode()
    return files


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder that appears under its name only when the block ends well."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is there already: give a new folder, or an empty one.")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
