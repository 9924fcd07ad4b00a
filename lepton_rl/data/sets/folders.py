"""Data sets as files: a folder, an archive or one file, read by what is there."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lepton_rl.data.knowledge import KnowledgeGraph, TripleSplits, read_knowledge, read_splits
from lepton_rl.data.named import NamedGraph
from lepton_rl.data.readers import FORMATS, read_graph
from lepton_rl.data.sets.archives import ARCHIVES, unpack
from lepton_rl.data.source import DataError

__all__ = ["Loaded", "read_folder", "read_path"]

Loaded = NamedGraph | KnowledgeGraph | TripleSplits

_FACTS = (".nt", ".ttl")
_ASIDE = ("readme", "licen", "copying", "meta", ".")  # how files begin that come with the data and are none
_TRAIN = ("train", "train2id")  # the second is OpenKE's
_KONECT = "out."  # how files of edges are called there


def read_path(path: Path) -> Loaded:
    """A folder, an archive or one file: graphs by :func:`read_graph`, facts (N-Triples, Turtle) as such.

    Raises:
        DataError: nothing there, nothing known, or several things where one is expected.
    """
    if path.is_dir():
        return read_folder(path)
    name = path.name.lower().removesuffix(".gz")
    if path.name.lower().endswith(ARCHIVES) and path.exists():
        return _read_archive(path)
    return read_knowledge(path) if name.endswith(_FACTS) else read_graph(path)


def read_folder(folder: Path) -> Loaded:
    """What a folder holds: train, valid and test files of facts; or one graph, file of facts, archive or folder.

    Raises:
        DataError: none of these, or several; see also :func:`read_path`.
    """
    found = [entry for entry in sorted(folder.iterdir()) if not entry.name.lower().startswith(_ASIDE)]
    if any(entry.is_file() and entry.name.split(".")[0] in _TRAIN for entry in found):
        return read_splits(folder)
    for candidates in (_named(found, (_KONECT,)), _ending(found, _suffixes()), _ending(found, ARCHIVES)):
        if len(candidates) == 1:
            konect = candidates[0].name.startswith(_KONECT)
            return read_graph(candidates[0], format="edgelist") if konect else read_path(candidates[0])
    if len(found) == 1 and found[0].is_dir():
        return read_folder(found[0])
    raise DataError(
        f"{folder} holds {', '.join(entry.name for entry in found[:5]) or 'nothing'}: give a folder with train, valid "
        "and test files of facts, or with one graph; or name the file."
    )


def _named(files: Sequence[Path], beginnings: tuple[str, ...]) -> list[Path]:
    return [file for file in files if file.name.startswith(beginnings) and file.is_file()]


def _ending(files: Sequence[Path], suffixes: tuple[str, ...]) -> list[Path]:
    return [file for file in files if file.name.lower().endswith(suffixes) and file.is_file()]


def _suffixes() -> tuple[str, ...]:
    plain = [*_FACTS, *(suffix for entry in FORMATS.values() for suffix in entry.suffixes)]
    return (*plain, *(f"{suffix}.gz" for suffix in plain))


def _read_archive(path: Path) -> Loaded:
    """Unpack to a temporary folder and read; messages and reports name the archive in its place."""
    with tempfile.TemporaryDirectory() as temporary:
        unpack(path, Path(temporary))
        try:
            loaded = read_folder(Path(temporary))
        except DataError as error:
            raise DataError(str(error).replace(temporary, str(path))) from None
    return replace(loaded, report=tuple(line.replace(temporary, str(path)) for line in loaded.report))
