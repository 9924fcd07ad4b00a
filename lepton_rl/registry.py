"""Tables of import strings: readable, lazy, JSON-able. ``resolve`` turns a name in a table into the thing it names."""

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["near_match", "resolve"]


def near_match(name: str, allowed: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest of ``allowed``, or an empty string when none is close."""
    close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def resolve(table: Mapping[str, str], name: str, kind: str) -> Any:
    """Import what ``table[name]`` (``"package.module:attribute"``) names.

    Args:
        table: name -> import string.
        name: the name the user gave.
        kind: what the table lists ("objective", "encoder", …), for the message.

    Raises:
        ValueError: ``name`` is not in the table; the message names a near match and every allowed name.
    """
    if name not in table:
        raise ValueError(f"unknown {kind} '{name}'.{near_match(name, table)} Allowed: {', '.join(sorted(table))}.")
    module, _, attribute = table[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
