"""What the tables of answers share: a panel a data set, and rows that are measured and written one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from experiments.completing import Note, Task
from experiments.scoreboards.results import Results
from lepton_rl.draw import SERIES

__all__ = ["Rows", "fill", "panels"]

Rows = Mapping[str, Mapping[str, Any]]


def panels(
    results: Mapping[str, Rows], published: Mapping[str, Sequence[tuple[str, float]]], xlabel: str, *,
    key: str = "mean", size: tuple[float, float] = (4, 2.8),
) -> Figure:  # fmt: skip
    """A panel a data set: value and interval of every method; published values as open marks.

    Args:
        published: of a data set, (system, value). ``key``: of a row's value. ``size``: of a panel, in inches.
    """
    count = max(len(results), 1)
    picture = Figure(figsize=(size[0] * count, size[1]), layout="constrained")
    for axes, (name, rows) in zip(picture.subplots(1, count, squeeze=False)[0], results.items(), strict=False):
        told = published.get(name, ())
        y = np.arange(len(rows) + len(told))[::-1]
        axes.hlines(y[: len(rows)], *zip(*(row["ci95"] for row in rows.values()), strict=True), color=SERIES[0], lw=2)
        axes.scatter([row[key] for row in rows.values()], y[: len(rows)], color=SERIES[0], zorder=3)
        values = [value for _, value in told]
        axes.scatter(values, y[len(rows) :], facecolors="none", edgecolors=SERIES[1], zorder=3)
        axes.set_yticks(y, [*rows, *(system for system, _ in told)])
        axes.set_title(name)
        axes.set_xlabel(xlabel)
    return picture


def fill(
    results: Results, tasks: Mapping[str, Task], methods: Sequence[str], console: Console,
    measure: Callable[[str, str, Note], dict[str, Any]], said: Callable[[Mapping[str, Any]], str],
) -> int:  # fmt: skip
    """Measure every method on every data set without a row yet, write each as it is finished; returns the exit status.

    Args:
        measure: ``(data set, method, note)`` -> the JSON of a row. ``said``: a row in a word, for the console.
    """
    with console.status("") as status:
        for name in tasks:
            rows = dict(results.content["sets"].get(name, {}))
            for method in methods:
                if method in rows:  # of an earlier run
                    continue

                def note(line: str, row: str = f"{name}, {method}, ") -> None:
                    status.update(row + line)

                rows[method] = row = measure(name, method, note)
                results.add("sets", name, rows)
                low, high = row["ci95"]
                console.print(f"{name}, {method}: {said(row)} ({low:.4f} … {high:.4f})", highlight=False)
    results.finish(console)
    return 0
