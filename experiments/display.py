"""What the terminal shows: header, progress by phase, tables."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.table import Table

__all__ = ["Display", "Phase"]


class Phase:
    """One line of progress."""

    def __init__(self, display: "Display", progress: Progress, title: str, total: int, done: int) -> None:
        self._display, self._progress, self._title = display, progress, title
        self._task = progress.add_task(title, total=total, completed=done, note="")

    def note(self, text: str) -> None:
        """Say what is going on."""
        self._progress.update(self._task, note=text)

    def advance(self, text: str = "") -> None:
        """One more of ``total`` is done; where there is no terminal this prints a line."""
        self._progress.update(self._task, advance=1, note=text)
        if not self._display.console.is_terminal:
            task = self._progress.tasks[self._task]
            self._display.console.print(f"{self._title} {task.completed:.0f}/{task.total:.0f}  {text}".rstrip())


class Display:
    """Everything that is printed on the way."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = Console(highlight=False, soft_wrap=False) if console is None else console
        if not self.console.is_terminal:
            self.console.width = max(self.console.width, 110)  # a file has no right margin

    def header(self, title: str, rows: Mapping[str, str]) -> None:
        """A panel of settings."""
        grid = Table.grid(padding=(0, 2))
        for name, text in rows.items():
            grid.add_row(f"[dim]{name}[/]", escape(text))
        self.console.print(Panel(grid, title=title, title_align="left", expand=False))

    @contextmanager
    def phase(self, title: str, total: int, done: int = 0) -> Iterator[Phase]:
        """One phase of ``total`` parts, ``done`` of them already; drawn in a terminal only."""
        columns = (
            SpinnerColumn(), TextColumn("{task.description:<9}"), BarColumn(bar_width=20), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("left"), Remaining(), TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        with Progress(*columns, console=self.console, disable=not self.console.is_terminal) as progress:
            yield Phase(self, progress, title, total, done)

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], bold: Sequence[int] = ()
    ) -> None:
        """A table; the first column is text, the others numbers; the rows ``bold`` stand out."""
        table = Table(
            title=escape(title), title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
        )
        for i, column in enumerate(columns):
            table.add_column(escape(column), justify="left" if i == 0 else "right", no_wrap=True)
        for i, row in enumerate(rows):
            table.add_row(*map(escape, row), style="bold" if i in bold else None)
        self.console.print()
        self.console.print(table)

    def say(self, text: str) -> None:
        """A line of text, printed as it is."""
        self.console.print(text, markup=False)

    def note(self, text: str) -> None:
        """A line of less weight."""
        self.console.print(text, style="dim", markup=False)


def device() -> str:
    """The device in words."""
    first = jax.devices()[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{first.device_kind if first.platform != 'cpu' else 'CPU'}, {cores} cores" + (
        f"; {len(jax.devices())} devices" if len(jax.devices()) > 1 else ""
    )


def settings(problem: Any) -> dict[str, str]:
    """A problem in words, for the header and the report."""
    config, dqn = problem.config, problem.dqn
    cost = f" of a {config.cost} of {config.cost_budget:g} in all" if config.cost else ""
    return {
        "device": device(),
        "environment": f"{config.env}, {config.budget} edits{cost}, reward "
        + ("at the end" if config.reward == "end" else "after every edit"),
        "objective": config.objective,
        "graphs": problem.graphs,
        "agent": f"DQN, {dqn.encoder} + {dqn.head}, width {dqn.width}, {dqn.rounds} rounds; "
        f"{dqn.iterations} iterations of {dqn.episodes} episodes and {dqn.updates} updates",
        "seeds": f"{config.seeds}, in one program",
    }
