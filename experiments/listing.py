"""``list``: what the tables hold, with the first line of each member's documentation."""

import ast
import inspect
import re
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.baselines import BASELINES
from envs import ENVIRONMENTS
from envs.costs import COSTS
from experiments.configs import List
from lepton_rl.data import FORMATS, GENERATORS, NAMED
from lepton_rl.encoders import ENCODERS
from lepton_rl.objectives import OBJECTIVES
from lepton_rl.registry import near_match

__all__ = ["run", "tables"]


def tables() -> dict[str, dict[str, str]]:
    """Every table: name -> import string."""
    heads = import_module("lepton_rl.heads").HEADS
    datasets = {name: entry.loader for name, entry in NAMED.items()}
    formats = {name: entry.reader for name, entry in FORMATS.items()}
    return {
        "environments": ENVIRONMENTS, "objectives": OBJECTIVES, "encoders": ENCODERS, "heads": heads,
        "baselines": BASELINES, "datasets": datasets, "generators": GENERATORS, "formats": formats, "costs": COSTS,
    }  # fmt: skip


def _below(tree: ast.Module, name: str) -> str | None:
    """The string below the assignment of ``name`` in a module: how plain values are documented."""
    for statement, after in pairwise(tree.body):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if documented and any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return str(after.value.value)  # type: ignore[attr-defined]
    return None


def _about(target: str) -> str:
    """First line of the documentation of what an import string names."""
    module, _, attribute = target.partition(":")
    member = getattr(import_module(module), attribute)
    text = inspect.getdoc(member) if callable(member) and not isinstance(member, tuple) else None
    if text is None:
        spec = find_spec(module)
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else "")
        text = _below(tree, attribute) or ast.get_docstring(tree) or ""
    return re.sub(r":\w+:|`", "", text.partition("\n")[0])  # without markup


def _datasets() -> Table:
    """Data sets with size, licence, where they come from and whether their bytes are checked."""
    table = Table(box=None, pad_edge=False, caption_justify="left")
    table.caption = (
        "installed: part of a package; verified: downloaded and checked by SHA-256; unverified: downloaded, its "
        "SHA-256 is recorded then and checked from then on."
    )
    for head in ("name", "size", "trust", "licence", "from"):
        table.add_column(head, overflow="fold", no_wrap=head in ("name", "trust"))
    for entry in NAMED.values():
        name = f"{entry.name}/…" if entry.family else entry.name
        table.add_row(name, entry.size, entry.trust, entry.licence, entry.source.removeprefix("https://"))
    return table


def run(command: List) -> int:
    """Print the tables, or one of them."""
    every = tables()
    if command.what is not None and command.what not in every:
        raise ValueError(f"no table '{command.what}'.{near_match(command.what, every)} Allowed: {', '.join(every)}.")
    if command.what == "datasets":
        Console().print(_datasets())
        return 0
    table = Table("", "name", "what", box=None, pad_edge=False)
    for title, members in every.items():
        if command.what in (None, title):
            for i, (name, target) in enumerate(members.items()):
                what = NAMED[name].what if title == "datasets" else _about(target)
                table.add_row(f"[bold]{title}[/]" if i == 0 else "", name, what)
    Console().print(table)
    return 0
