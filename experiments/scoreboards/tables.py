"""The robustness table as Markdown and as a figure. ``rows`` maps a row's name to :func:`cell.summarise`'s record."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from experiments.scoreboards import results
from experiments.scoreboards.cell import AGENT, SEARCH
from lepton_rl.draw import SERIES

__all__ = ["figure", "markdown", "verdicts"]

Rows = Mapping[str, Mapping[str, Any]]
TITLES = {
    "dqn": "DQN", "random": "random", "lowest_degree_product": "lowest degree product", "fiedler": "Fiedler",
    "effective_resistance": "effective resistance", "greedy": "greedy", "simulated_annealing": "annealing",
}  # fmt: skip
MARKERS = ("o", "x", "v", "s", "D", "^", "*")


def _won(row: Mapping[str, Any]) -> str:
    low, high = row["paired_gain"]["ci95"]
    return "won" if low > 0 else "lost" if high < 0 else "level"


def _cells(name: str, row: Mapping[str, Any]) -> list[str]:
    best = max((row[method]["mean"], method) for method in TITLES if method in row and method != SEARCH)[1]
    cells = [name, f"{row['start']:.3f}"]
    for method in TITLES:
        if method not in row:
            cells.append("–")
            continue
        low, high = row[method]["ci95"]
        mean = f"{row[method]['mean']:.4f}"
        # The half-width of a bootstrap interval is shown for the agent only; the file has every interval.
        spread = f" ± {(high - low) / 2:.4f}" if method == AGENT else ""
        cells.append(f"**{mean}**{spread}" if method == best else mean + spread)
    low, high = row["paired_gain"]["ci95"]
    lead = f"{row['paired_gain']['mean']:+.4f} [{low:+.4f}, {high:+.4f}] ({row['relative_gain']:+.1%})"
    share = f"{row['share_of_annealing']:.0%}" if "share_of_annealing" in row else "–"
    return [*cells, lead, _won(row), share]


def markdown(rows: Rows) -> str:
    """A Markdown table of gains; bold is the best of the agent and the one-pass methods."""
    head = ["cell", "start", *TITLES.values(), "DQN − best one-pass [95 %]", "", "share of annealing"]
    return results.markdown(head, [_cells(name, row) for name, row in rows.items()])


def verdicts(rows: Rows) -> str:
    """In words: how many rows are won, and every row where a baseline is ahead, by which."""
    states = {name: _won(row) for name, row in rows.items()}
    lines = [f"The agent beats the best one-pass method in {list(states.values()).count('won')} of {len(rows)} rows."]
    for name, state in states.items():
        if state != "won":
            row = rows[name]
            word = "wins" if state == "lost" else "is level"
            lines.append(f"- {name}: {row['best_heuristic']} {word} ({row['relative_gain']:+.1%} for the agent).")
    ahead = [n for n, row in rows.items() if SEARCH in row and row["paired_gain_annealing"]["ci95"][1] < 0]
    if ahead:
        lines.append(f"- Annealing, which searches each graph anew, is ahead in: {', '.join(ahead)}.")
    return "\n".join(lines)


def figure(rows: Rows) -> Figure:
    """One line a row: every method's gain in units of the best one-pass method's, the agent's with its interval."""
    picture = Figure(figsize=(8, 1.4 + 0.36 * len(rows)), layout="constrained")
    axes = picture.add_subplot()
    y = {name: len(rows) - i for i, name in enumerate(rows)}
    for method, colour, marker in zip(TITLES, SERIES, MARKERS, strict=True):
        there = [name for name, row in rows.items() if method in row]
        units = [max(rows[name][rows[name]["best_heuristic"]]["mean"], 1e-9) for name in there]
        x = [rows[name][method]["mean"] / unit for name, unit in zip(there, units, strict=True)]
        front = method == AGENT
        axes.scatter(x, [y[name] for name in there], s=60 if front else 28, marker=marker, color=colour,
                     label=TITLES[method], zorder=3 if front else 2)  # fmt: skip
        if front:
            ends = [[end / unit for end in rows[name][method]["ci95"]] for name, unit in zip(there, units, strict=True)]
            axes.hlines([y[name] for name in there], [e[0] for e in ends], [e[1] for e in ends], color=colour, lw=2)
    axes.axvline(1, color="#b4b4b4", lw=1, zorder=1)
    axes.set_yticks(list(y.values()), list(y))
    axes.set_xlabel("gain in critical fraction, best one-pass method = 1")
    axes.spines[["top", "right"]].set_visible(False)
    picture.legend(loc="outside upper center", ncols=4, frameon=False)
    return picture
