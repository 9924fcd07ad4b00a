"""OpenKE's folders: ``entity2id.txt relation2id.txt train2id.txt valid2id.txt test2id.txt``.

Each file says in its first line how many follow. A line of the first two is a name and its id, of the others
``head tail relation`` in ids. Ids are slots here, so that results of OpenKE can be laid beside.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.knowledge.graph import KnowledgeGraph, TripleSplits
from lepton_rl.data.knowledge.raw import drop_repeated, overlaps
from lepton_rl.data.knowledge.rdf import lines_of
from lepton_rl.data.knowledge.triples import spaced
from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError, Source, open_source
from lepton_rl.data.table import Dialect, Text, parse

__all__ = ["find", "read_ids", "read_openke"]

_ID = r"^[ \t]*(?P<name>[^ \t\r\n](?:.*[^ \t\r\n])?)[ \t]+(?P<id>[0-9]{1,18})[ \t]*\r?\n?$"
_WHOLE = "^[0-9]{1,18}$"
_BLANK = r"^[ \t\r\n]*$"


def find(folder: Path, name: str) -> Path:
    """The file ``name`` of a folder, or its gzipped form where only that is there."""
    packed = folder / f"{name}.gz"
    return packed if packed.is_file() and not (folder / name).exists() else folder / name


def _counted(source: Source, data: bytes) -> tuple[int | None, bytes]:
    """The count in the first line, None where that is none, and the text with that line made blank."""
    first, _, rest = data.partition(b"\n")
    return (int(first), b"\n" + rest) if first.strip().isdigit() and len(first) < 20 else (None, data)


def _check_count(source: Source, count: int | None, found: int) -> None:
    if count is None:
        raise DataError(f"{source.at(1)}: no number: say in the first line how many lines follow ({found}).")
    if count != found:
        raise DataError(f"{source.at(1)} says that {count} lines follow, but {found} do: the file is cut, or mend it.")


def read_ids(source: Source, counted: bool = True) -> tuple[np.ndarray, pa.Array]:
    """``(int64[n] ids, n names)`` of a file of names and ids.

    Args:
        source: the file. ``counted``: whether its first line must say how many there are; else it may.

    Raises:
        DataError: a wrong count, a line that is no name and id, a name or an id there twice; with the line.
    """
    count, data = _counted(source, source.checked())
    lines = lines_of(data)
    found = pc.extract_regex(lines, _ID)
    odd = np.flatnonzero(found.is_null())
    broken = odd[~np.asarray(pc.match_substring_regex(lines.take(pa.array(odd)), _BLANK))]
    if len(broken):
        raise DataError(f"{source.at(int(broken[0]) + 1)}: no name and id: give both, the id a whole number from 0.")
    rows = np.flatnonzero(found.is_valid())
    found = pc.drop_null(found)
    if counted or count is not None:
        _check_count(source, count, len(found))
    names, ids = found.field("name"), found.field("id").cast(pa.int64())
    for what, values in (("name", names), ("id", ids)):
        codes = np.asarray(values.dictionary_encode().indices)
        again = np.flatnonzero(codes != np.arange(len(codes)))
        if len(again):
            at = source.at(int(rows[again[0]]) + 1)
            raise DataError(f"{at}: the {what} '{values[int(again[0])]}' is there twice: give each once.")
    return np.asarray(ids), names


def _vocabulary(path: Path) -> Names:
    source = open_source(path)
    ids, names = read_ids(source)
    if len(ids) and int(ids.max()) >= len(ids):
        raise DataError(f"{source.path}: the id {ids.max()} is not below the count {len(ids)}: number from 0 on.")
    return Names(names.take(pa.array(np.argsort(ids))))


def _triples(path: Path, entities: Names, relations: Names) -> tuple[np.ndarray, Text]:
    """int32[m, 3] head, relation, tail."""
    source = open_source(path)
    count, data = _counted(source, spaced(source.checked()))
    text = Text(source, data, Dialect(" ", False, "blanks"))
    roles = ("head", "tail", "relation")
    if not data.strip():
        _check_count(source, count, 0)
        return np.zeros((0, 3), np.int32), text
    table = parse(text, roles, roles)
    _check_count(source, count, len(table))
    columns = []
    for role, known in zip(roles, (entities, entities, relations), strict=True):
        words = table[role].combine_chunks()
        row = pc.index(pc.match_substring_regex(words, _WHOLE), False).as_py()
        if row < 0:
            ids = np.asarray(words.cast(pa.int64()))
            row = int((ids >= len(known)).argmax()) if (ids >= len(known)).any() else -1
        if row >= 0:
            raise DataError(
                f"{text.at(row)}: '{words[row]}' is no id of a {role}: give one in 0 … {len(known) - 1} (a line is "
                "head tail relation)."
            )
        columns.append(ids.astype(np.int32))
    head, tail, relation = columns
    return np.stack([head, relation, tail], axis=1), text


def read_openke(folder: Path) -> TripleSplits:
    """The splits in a folder of OpenKE's; ids are slots, whether or not a fact mentions them.

    Raises:
        DataError: a file is missing, a count is wrong, an id is out of range; with file and line.
    """
    entities = _vocabulary(find(folder, "entity2id.txt"))
    relations = _vocabulary(find(folder, "relation2id.txt"))
    parts: dict[str, Any] = {}
    for part in ("train", "valid", "test"):
        triples, text = _triples(find(folder, f"{part}2id.txt"), entities, relations)
        graph = KnowledgeGraph(f"{folder.name} ({part})", triples, entities, relations)
        parts[part] = drop_repeated(graph, text.at)
    splits = TripleSplits(**parts)
    if not len(splits.train.triples):
        raise DataError(f"{folder} has no fact in its training part: give at least one.")
    return replace(splits, report=tuple(overlaps(splits)))
