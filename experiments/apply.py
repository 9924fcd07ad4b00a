"""``apply``: a curator's edits onto a file of facts, or taken back."""

import gzip
from pathlib import Path

from experiments.configs import Apply
from lepton_rl.data import DataError
from lepton_rl.data.knowledge.applying import apply_edits, reverse_edits
from lepton_rl.data.knowledge.diff import read_diff
from lepton_rl.data.source import open_source, plain_path
from lepton_rl.files import atomic_write

__all__ = ["run"]


def run(command: Apply) -> int:
    """Write the edited file, or the one before; nothing is written where a single row does not fit."""
    graph, diff = open_source(command.graph.expanduser()), read_diff(open_source(command.edits.expanduser()))
    output = (command.output or _beside(graph.path, "restored" if command.reverse else "edited")).expanduser()
    if command.output is None and output.exists():
        raise DataError(f"{output} is there already: give --output.")
    data = (reverse_edits if command.reverse else apply_edits)(graph, diff)
    with atomic_write(output, "wb") as stream:
        stream.write(gzip.compress(data, mtime=0) if output.suffix.lower() == ".gz" else data)
    deleted, added = len(diff.chosen("delete")), len(diff.chosen("add"))
    rejected = len(diff.edits) - deleted - added
    done = "taken back" if command.reverse else "applied"
    said = f"{deleted} deletion(s) and {added} addition(s) {done}, {rejected} rejected"
    print(f"{said}\n{output}")  # experiments.display would import jax
    return 0


def _beside(path: Path, word: str) -> Path:
    """``facts.edited.nt.gz`` for ``facts.nt.gz``."""
    plain = plain_path(path)
    return path.with_name(f"{plain.stem}.{word}{plain.suffix}{path.name[len(plain.name) :]}")
