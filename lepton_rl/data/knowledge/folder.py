"""Files beside the parts of a split: names of ids, labels and types."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lepton_rl.data.foreign import attributes
from lepton_rl.data.knowledge.graph import TripleSplits
from lepton_rl.data.knowledge.openke import read_ids
from lepton_rl.data.names import Names
from lepton_rl.data.source import DataError, open_source

__all__ = ["with_side_files"]

# As CoDEx (Safavi & Koutra 2020) names them: file -> (what its keys are, the column its values become).
_SIDE = {
    "entity2types.json": ("entities", "types"),
    "entity_labels.json": ("entities", "label"),
    "relation_labels.json": ("relations", "label"),
}
_LARGEST = 64 << 20  # bytes of JSON


def with_side_files(splits: TripleSplits, folder: Path) -> TripleSplits:
    """The splits with what lies beside them: names for ids first, then data by name.

    Raises:
        DataError: a file that is there cannot be used.
    """
    known: dict[str, Any] = {"entities": splits.train.entities, "relations": splits.train.relations}
    report = list(splits.report)
    for owner, singular in (("entities", "entity"), ("relations", "relation")):
        known[owner], lines = _by_id(known[owner], folder, f"{singular}2id")
        report += lines
    tables: dict[str, pa.Table | None] = {"entities": splits.train.entity_data, "relations": None}
    for name, (owner, column) in _SIDE.items():
        if (folder / name).is_file():
            found = _read_json(folder / name)
            values = [{column: found.get(key)} for key in known[owner]]
            table, lines = attributes(values, owner)
            tables[owner] = _joined(tables[owner], table)
            count = sum(value[column] is not None for value in values)
            report += [*lines, f"{name}: '{column}' of {count} of {len(values)} {owner}"]
    data: dict[str, Any] = {"entity_data": tables["entities"], "relation_data": tables["relations"]}
    parts: dict[str, Any] = {name: replace(part, **known, **data) for name, part in splits.parts.items()}
    return replace(splits, **parts, report=tuple(report))


def _joined(table: pa.Table | None, more: pa.Table) -> pa.Table:
    if table is None:
        return more
    for name in more.column_names:
        table = table.drop_columns([name] if name in table.column_names else []).append_column(name, more[name])
    return table


def _by_id(names: Names, folder: Path, stem: str) -> tuple[Names, list[str]]:
    """Names instead of the ids that the parts give, where a file says them; and lines for a report."""
    for file in (folder / f"{stem}{suffix}" for suffix in (".tsv", ".txt", ".tsv.gz", ".txt.gz")):
        if file.is_file():
            ids, found = read_ids(open_source(file), counted=False)
            row = {str(number): i for i, number in enumerate(ids.tolist())}
            rows = [row.get(name, -1) for name in names]
            if -1 not in rows:
                return Names(found.take(pa.array(np.array(rows, np.int64)))), [f"names of ids from {file.name}"]
            if set(names) <= set(found.to_pylist()):
                return names, []  # the parts give names, the ids are another program's
            odd = names[rows.index(-1)]
            return names, [f"{file.name} left out: it has no id '{odd}'"]
    return names, []


def _read_json(path: Path) -> dict[str, Any]:
    source = open_source(path)
    if len(source.data) > _LARGEST:
        raise DataError(f"{path} has {len(source.data):,} bytes, the limit is {_LARGEST:,}: move it elsewhere.")
    try:
        found = json.loads(source.checked())
    except json.JSONDecodeError as error:
        raise DataError(f"{source.at(error.lineno)}: no JSON ({error.msg}): mend it, or move it elsewhere.") from None
    except (RecursionError, ValueError) as error:
        raise DataError(f"{path}: no JSON that can be read ({error}): mend it, or move it elsewhere.") from None
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DataError(f"{path} has half a surrogate pair (\\ud…), which is no character: remove it.") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} is a JSON {type(found).__name__}: give an object with a value a name.")
    return found
