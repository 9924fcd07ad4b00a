"""What all scoreboards say of their results: the commit they were made at, and what an earlier run left."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["earlier", "source_commit"]


def source_commit() -> str | None:
    """The commit of this source tree, with ``-dirty`` where it was changed since; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def earlier(path: Path | None, settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The results that a file holds already, made with the same ``settings`` of those ``names``.

    Raises:
        ValueError: they were made with other settings, or are no results.
    """
    if path is None or not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
        differing = [name for name in names if found[name] != settings[name]]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} exists and holds no results of this table: give another --json.") from None
    if differing:
        raise ValueError(
            f"{path} holds results made with another {', '.join(differing)}: give another --json, or remove it."
        )
    return found
