"""Data sets by name: installed with a package, or downloaded once; and the same sets from a folder."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from lepton_rl.data.knowledge import TripleSplits
from lepton_rl.data.sets.cache import cache_folder, fetch
from lepton_rl.data.sets.catalogue import NAMED, DataSet, RemoteFile
from lepton_rl.data.sets.folders import Loaded, read_path
from lepton_rl.data.sets.topologies import topologies
from lepton_rl.data.source import DataError
from lepton_rl.registry import near_match, resolve

__all__ = ["NAMED", "DataSet", "RemoteFile", "cache_folder", "download", "find", "load", "topologies"]


def find(name: str) -> DataSet | None:
    """The record of the data set ``name``, or of the family it belongs to; None where there is none."""
    if name in NAMED:
        return NAMED[name]
    return next((entry for entry in NAMED.values() if entry.family and name.startswith(f"{entry.name}/")), None)


def load(name: str | os.PathLike[str]) -> Any:
    """Load a data set by name, or from a folder or file.

    Args:
        name: a name in :data:`NAMED`; a member of a family (``topohub/sndlib/polska``); else a path: a folder with
            train, valid and test files of facts, a folder with one graph, an archive (zip, tar) of such, or a file.

    Returns:
        A :class:`NamedGraph`; of a knowledge graph a :class:`KnowledgeGraph`, or :class:`TripleSplits` where it is
        split. Weights and attributes are kept; what was left out or mended is in the ``report``.

    Raises:
        DataError: no such set or path (the message names a near match); a package it needs is not installed; the
            download fails; a file cannot be read.

    >>> load("florentine").num_nodes
    15
    """
    entry = find(name) if isinstance(name, str) else None
    if entry is not None and entry.files:
        return _called(resolve({entry.name: entry.loader}, entry.name, "data set")(fetch(entry)), entry.name)
    if entry is not None:
        return resolve({entry.name: entry.loader}, entry.name, "data set")(name)
    path = Path(name).expanduser()
    if isinstance(name, str) and not _is_path(name) and not path.exists():
        raise DataError(f"no data set or file '{name}'.{near_match(name, NAMED)} Data sets: {', '.join(NAMED)}.")
    return read_path(path)


def _is_path(name: str) -> bool:
    """Whether a name that is no data set's looks like a path rather than a misspelt name."""
    families = {family.partition("/")[0] for family, entry in NAMED.items() if entry.family}
    return bool(Path(name).suffix or os.sep in name) and name.partition("/")[0] not in families


def download(name: str) -> Path:
    """Have the files of a data set in the cache, and return their folder: for other readers and policies.

    Raises:
        DataError: no such set, one that is not downloaded, or as in :func:`load`.
    """
    remote = [entry.name for entry in NAMED.values() if entry.files]
    if name not in remote:
        raise DataError(f"no data set '{name}' to download.{near_match(name, remote)} There are: {', '.join(remote)}.")
    return fetch(NAMED[name])


def _called(loaded: Loaded, name: str) -> Loaded:
    """The same under the name of the data set."""
    if not isinstance(loaded, TripleSplits):
        return replace(loaded, name=name)
    parts = {part: replace(getattr(loaded, part), name=f"{name} {part}") for part in ("train", "valid", "test")}
    return replace(loaded, **parts)
