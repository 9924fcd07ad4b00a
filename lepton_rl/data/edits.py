"""Results in the user's own node names."""

import csv
import os
from collections.abc import Iterable

from lepton_rl.files import atomic_write

__all__ = ["write_edits_csv"]


def write_edits_csv(path: str | os.PathLike[str], rows: Iterable[tuple[int, str, str, str]]) -> None:
    """Write a list of edits as CSV with the header ``step,operation,source,target``; names are quoted where needed.

    Args:
        path: the file; it appears complete or not at all.
        rows: (step, operation, source name, target name), for instance ``(1, "add", "Anna", "Karenina")``.

    Raises:
        OSError: the folder is missing or unwritable.
    """
    with atomic_write(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("step", "operation", "source", "target"))
        writer.writerows(rows)
