"""Results for people: table rows, plain words about who is ahead, and one self-contained HTML page."""

import base64
import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from agents.baselines import baselines_for
from experiments.comparison import AGENT, SEARCHERS, Comparison
from experiments.evaluation import Interval
from experiments.solving import Solution

__all__ = [
    "Section", "comparison_table", "edits_table", "networks_table", "page", "ranged",
    "solution_table", "verdict",
]  # fmt: skip


class Section(NamedTuple):
    """A part of a report: a heading, words, a table (head and rows; ``bold`` rows stand out), and pictures."""

    title: str
    text: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    bold: Sequence[int] = ()
    pictures: Sequence[Path] = ()

    def _repr_html_(self) -> str:
        return _section(self)  # what a notebook shows


def _number(x: float, decimals: int, sign: str = "") -> str:
    """``x`` in so many decimals, no zero with a minus."""
    return f"{round(x, decimals) + 0.0:{sign}.{decimals}f}"


def _decimals(sizes: Iterable[float]) -> int:
    """Three decimals, more where the largest of ``sizes`` would not show as many digits."""
    largest = max((abs(x) for x in sizes), default=0.0)
    return 3 if largest == 0 else min(max(3, 2 - math.floor(math.log10(largest))), 12)


def ranged(x: Interval, decimals: int = 3) -> str:
    """A mean and its interval."""
    low, high = _number(x.low, decimals), _number(x.high, decimals)
    return f"{_number(x.mean, decimals, '+')} [{low}, {high}]"


def _standing(lead: Interval) -> str:
    return "ahead" if lead.low > 0 else "behind" if lead.high < 0 else "level"


def verdict(comparison: Comparison, graph: int | None = None) -> str:
    """Who is ahead, in words: the difference's 95 % interval excludes 0, or it counts as level."""
    groups: dict[str, list[str]] = {}
    for name in comparison.methods(graph):
        if name != AGENT:
            groups.setdefault(_standing(comparison.lead(name, graph)), []).append(name)
    words = {"ahead": "is ahead of", "level": "is level with", "behind": "is behind"}
    said = [f"{words[key]} {', '.join(groups[key])}" for key in words if key in groups]
    return f"The agent {'; '.join(said)}."


def _sorted(comparison: Comparison, graph: int | None) -> list[str]:
    return sorted(comparison.methods(graph), key=lambda name: -float(comparison.gains(name, graph).mean()))


def comparison_table(comparison: Comparison) -> Section:
    """Every method on the test graphs, the best first."""
    order = _sorted(comparison, None)
    gains = {name: comparison.gain(name) for name in order}
    decimals = _decimals(gain.mean for gain in gains.values())
    rows = []
    for name in order:
        lead = comparison.lead(name)
        against = ("", "") if name == AGENT else (ranged(lead, decimals), _standing(lead))
        rows.append((name, ranged(gains[name], decimals), *against))
    count = comparison.before.shape[0]
    title = f"Gain on {count} held-out graphs (before: {comparison.before.mean():.4g})"
    note = "Intervals of 95 % over seeds and graphs; differences are paired by graph."
    head = ("method", "gain [95 %]", "dqn - method [95 %]", "dqn is")
    return Section(title, f"{verdict(comparison)} {note}", head, rows, (order.index(AGENT),))


def solution_table(solution: Solution) -> Section:
    """Every method on one network, the best first."""
    comparison, i = solution.comparison, solution.index
    order = _sorted(comparison, i)
    gains = {name: solution.gain(name) for name in order} | {"dqn, the plan chosen": comparison.chosen_gain(i)}
    decimals = _decimals(gain.mean for gain in gains.values())
    rows = [
        (name, ranged(gain, decimals), _number(solution.before + gain.mean, decimals + 1))
        for name, gain in gains.items()
    ]
    title = f"{solution.graph.name}: {solution.graph.num_nodes} nodes, {len(solution.graph.edges)} edges, before: "
    note = (
        f"dqn is the mean of {comparison.after[AGENT].shape[0]} training seeds; the plan chosen is the best of theirs "
        "under noise apart from the reported. Intervals of 95 % over plans and scoring noise."
    )
    fitting = baselines_for(solution.env.rule, solution.env.objective)
    searched = set(SEARCHERS) & set(comparison.methods(i))  # where one searched, the size left out no other
    missing = [name for name in SEARCHERS if name in fitting and not searched]
    note += f" Left out on so large a graph (--search-nodes): {', '.join(missing)}." if missing else ""
    head = ("method", "gain [95 %]", "after")
    title += _number(solution.before, decimals + 1)
    return Section(title, f"{verdict(comparison, i)} {note}", head, rows, (len(rows) - 1,))


def networks_table(solutions: Sequence[Solution]) -> Section:
    """Gains of all methods on all networks, one column a network."""
    names = list(dict.fromkeys(name for solution in solutions for name in solution.methods))

    def row(label: str, cell: Callable[[Solution], str]) -> tuple[str, ...]:
        return (label, *(cell(solution) for solution in solutions))

    decimals = _decimals(s.gain(name).mean for s in solutions for name in s.methods)

    def gain(name: str) -> Callable[[Solution], str]:
        return lambda s: _number(s.gain(name).mean, decimals, "+") if name in s.methods else "–"

    rows = [
        row("nodes, edges", lambda s: f"{s.graph.num_nodes}, {len(s.graph.edges)}"),
        row("before", lambda s: _number(s.before, decimals)),
        row("dqn, the plan chosen", lambda s: _number(s.comparison.chosen_gain(s.index).mean, decimals, "+")),
        *(row(name, gain(name)) for name in names),
    ]
    note = (
        "dqn is the mean of the training seeds, the plan chosen the best of theirs under noise apart from the reported."
    )
    if any(name not in solution.methods for name in names for solution in solutions):
        note += " –: a search left out on so large a graph (--search-nodes)."
    head = ("gain of", *(solution.graph.name for solution in solutions))
    return Section("Real networks, held out from training", f"{_winners(solutions)} {note}", head, rows, (2,))


def _winners(solutions: Sequence[Solution]) -> str:
    """Who is best on which network, by mean gain."""
    best: dict[str, list[str]] = {}
    for solution in solutions:
        gains = {name: solution.gain(name).mean for name in solution.methods if name != AGENT}
        gains[AGENT] = solution.comparison.chosen_gain(solution.index).mean
        top = max(gains, key=lambda name: gains[name])
        best.setdefault(top if gains[top] > 1e-6 else "nobody gains", []).append(solution.graph.name)
    return "Best: " + "; ".join(f"{name} on {', '.join(graphs)}" for name, graphs in best.items()) + "."


def edits_table(solution: Solution) -> Section:
    """The agent's edits in the user's node names."""
    rows = [(str(step), *words) for step, *words in solution.edits()]
    return Section(f"Edits of {solution.graph.name}", "", ("step", "operation", "source", "target"), rows)


_STYLE = """
:root { color-scheme: light }
body { font: 15px/1.5 system-ui, sans-serif; color: #2b2b2b; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; display: block;
  overflow-x: auto }
th, td { padding: .25rem .8rem .25rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid #e6e6e6 }
th:first-child, td:first-child { text-align: left } th { font-weight: 600; color: #6a6a6a }
tr.bold td { font-weight: 700; color: #0072b2 } img { max-width: 100%; margin: .8rem 0 }
table.names td, table.names th { text-align: left } p { max-width: 46rem }
"""


def _section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>"]
    if section.text:
        parts.append(f"<p>{html.escape(section.text)}</p>")
    if section.rows:
        cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in section.head)
        names = ' class="names"' if "target" in section.head or not any(section.head) else ""
        parts.append(f"<table{names}><tr>{cells}</tr>" if any(section.head) else f"<table{names}>")
        for i, row in enumerate(section.rows):
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            parts.append(f"<tr{' class=bold' if i in section.bold else ''}>{cells}</tr>")
        parts.append("</table>")
    for path in section.pictures:
        data = base64.b64encode(path.read_bytes()).decode()
        parts.append(f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}">')
    return "\n".join(parts)


def page(title: str, settings: Mapping[str, str], sections: Sequence[Section]) -> str:
    """A self-contained HTML page; pictures are embedded."""
    first = Section("Settings", "", ("", ""), [(name, text) for name, text in settings.items()])
    body = "\n".join(_section(section) for section in (*sections, first))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n{body}\n</body></html>\n"
    )
