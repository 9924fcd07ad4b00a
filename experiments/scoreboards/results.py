"""What the scoreboards share: rows that are kept as they come, the commit they come from, tables, timing, training."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import jax
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from experiments.evaluation import entry
from lepton_rl.draw import SERIES, save_figure
from lepton_rl.files import atomic_write

__all__ = [
    "Kept", "Note", "Results", "commit", "entry", "markdown", "origin", "plain", "steps", "timed", "timed_each", "told",
    "trade_off",
]  # fmt: skip

Note = Callable[[str], None]


class Kept(Protocol):
    """Options of a scoreboard that say where its results go."""

    @property
    def json(self) -> Path | None: ...  # noqa: D102
    @property
    def output(self) -> Path | None: ...  # noqa: D102


def commit() -> str | None:
    """The commit of this source tree, with ``-dirty`` where it was changed since; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def plain(record: Any) -> Any:
    """A frozen record of settings as JSON would give it back."""
    return json.loads(json.dumps(asdict(record)))


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, all columns but the first to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def told(settings: Mapping[str, Any]) -> str:
    """The settings of a table in words; the learner's stand in the JSON alone."""
    return ", ".join(f"{name}: {value}" for name, value in settings.items() if name != "config")


def origin(data: Path | None) -> str:
    """Where the graphs of a table come from, for its settings."""
    return "generated" if data is None else data.name


def trade_off(
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]], xlabel: str, ylabel: str, bar: float,
    markers: str = "ooooooo",
) -> Figure:  # fmt: skip
    """Quality against time, both as shares of a reference's, a point a network; a tenth of its time and ``bar`` marked.

    Args:
        points: method -> (times, values). ``markers``: of the methods.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel=xlabel, ylabel=ylabel)
    for colour, marker, (method, (times, values)) in zip(SERIES, markers, points.items(), strict=False):
        axes.scatter(times, values, color=colour, marker=marker, label=method, s=28)
    axes.axhline(bar, color="#b4b4b4", lw=1)
    axes.axvline(0.1, color="#b4b4b4", lw=1)
    axes.legend(frameon=False, fontsize=8)
    return figure


def timed_each(function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> tuple[list[Any], float, float]:
    """``function`` under jit of each of some ``arguments`` of equal shapes.

    Returns:
        The results, the median of the seconds that one took once compiled, and the seconds of compiling.
    """
    begin = time.perf_counter()
    leaves, structure = jax.tree.flatten(arguments[0])  # lowering puts its own records in place of leaves
    program = jax.jit(lambda *leaves: function(*jax.tree.unflatten(structure, leaves))).lower(*leaves).compile()
    compiling, results, seconds = time.perf_counter() - begin, [], []
    for one in arguments:
        begin = time.perf_counter()
        results.append(jax.block_until_ready(program(*jax.tree.leaves(one))))
        seconds.append(time.perf_counter() - begin)
    return results, median(seconds), compiling


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float, float]:
    """:func:`timed_each` of one: the result, its seconds, and those of compiling."""
    (result,), seconds, compiling = timed_each(function, [arguments])
    return result, seconds, compiling


class Results:
    """The tables of a scoreboard as they grow; written whenever a row is added, and once before anything is computed.

    Args:
        name: of the Markdown file. ``options``: where results go. ``settings``: in what all rows of a table agree.
        groups: names of the tables. ``words``: the content as Markdown. ``figures``: the content as figures by name.

    Raises:
        ValueError: the JSON file holds results of other settings, or none. OSError: a path that cannot be written.
    """

    def __init__(
        self, name: str, options: Kept, settings: Mapping[str, Any], groups: Sequence[str],
        words: Callable[[Mapping[str, Any]], str], figures: Callable[[Mapping[str, Any]], Mapping[str, Figure]],
    ) -> None:  # fmt: skip
        self.name, self.options, self.settings = name, options, settings
        self.words, self.figures = words, figures
        earlier = self._earlier()
        self.content = {**settings, **{group: earlier.get(group, {}) for group in groups}}
        for path in filter(None, (options.json and options.json.parent, options.output)):
            path.mkdir(parents=True, exist_ok=True)
        self.write()

    def _earlier(self) -> dict[str, Any]:
        path = self.options.json
        if path is None or not path.exists():
            return {}
        try:
            found = json.loads(path.read_text())
            differing = [name for name, value in self.settings.items() if found[name] != value]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path} exists and holds no results of this table: give another --json.") from None
        if differing:
            raise ValueError(
                f"{path} holds rows made with another {', '.join(differing)}: give another --json, or remove it."
            )
        return found

    def add(self, group: str, name: str, row: dict[str, Any]) -> None:
        """Keep a row."""
        self.content[group][name] = row
        self.write()

    def write(self) -> None:
        """Raises OSError where it cannot be written."""
        if self.options.json is not None:
            with atomic_write(self.options.json) as stream:
                json.dump(self.content, stream, indent=1)
        if self.options.output is not None:
            with atomic_write(self.options.output / f"{self.name}.md") as stream:
                stream.write(self.words(self.content) + "\n")

    def finish(self, console: Console) -> None:
        """Draw the figures and print the tables."""
        if self.options.output is not None:
            for name, figure in self.figures(self.content).items():
                save_figure(figure, self.options.output / f"{name}.png")
        console.print(self.words(self.content), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def steps(console: Console, total: int) -> Iterator[tuple[Callable[[str], None], Note, Callable[[], None]]]:
    """A bar of ``total`` rows: what names the row under way, what says what it is at, what ends it."""
    columns = (SpinnerColumn(), TextColumn("{task.fields[row]}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn(), TextColumn("{task.fields[phase]}"))  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("rows", total=total, row="", phase="")
        yield (
            lambda name: progress.update(task, row=name), lambda phase: progress.update(task, phase=phase),
            lambda: progress.advance(task),
        )  # fmt: skip

