"""An agent beside every classical baseline: same graphs, same budget, same scoring noise."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from agents.baselines import BASELINES, get_baseline
from envs.base import GraphEnv
from experiments.evaluation import Interval, final_graphs, interval, paired_interval, plan, play, values
from lepton_rl.heads import Network

__all__ = ["Comparison", "compare", "comparison_table", "one_pass_best"]

SEARCHES = ("simulated_annealing",)  # thousands of evaluations a graph; the others pass once over the edits


class Comparison(NamedTuple):
    """What every method reached on P graphs.

    Attributes:
        actions: method -> i32[S, P, T]. ``gains``: method -> f64[S, P], value after - before.
        start: f64[P], value before.
    """

    actions: Mapping[str, np.ndarray]
    gains: Mapping[str, np.ndarray]
    start: np.ndarray

    def summary(self) -> dict[str, dict[str, Any]]:
        """method -> mean gain, its 95 % interval over seeds and graphs, and the means by seed (JSON-able)."""
        out = {}
        for method, gains in self.gains.items():
            mean, low, high = interval(gains)
            out[method] = {"mean": mean, "ci95": [low, high], "seeds": [float(x) for x in gains.mean(1)]}
        return out


def compare(
    env: GraphEnv, network: Network, params: Any, seed: int, *, draws: int = 10,
    baselines: tuple[str, ...] = tuple(BASELINES), progress: Callable[[str], None] = lambda method: None,
) -> Comparison:  # fmt: skip
    """Play the agent (``params`` with a leading axis S) and plan every baseline on all graphs of ``env.pool``.

    Args:
        env: held-out graphs. ``seed``: of the search and scoring noise. ``draws``: of the noise a reported value.
        baselines: which. ``progress``: called with each method's name before it runs.
    """
    start = values(env.pool.graphs, env.objective, seed, draws)
    actions, gains = {}, {}
    for method in ("dqn", *baselines):
        progress(method)
        if method == "dqn":
            actions[method] = np.asarray(play(network, env, params, seed))
        else:
            actions[method] = np.asarray(plan(get_baseline(method), env, seed))[None]
        ends = [values(final_graphs(env, a), env.objective, seed, draws) for a in actions[method]]
        gains[method] = np.stack(ends).astype(np.float64) - start
    return Comparison(actions, gains, start.astype(np.float64))


def one_pass_best(comparison: Comparison) -> str:
    """The one-pass baseline with the largest mean gain."""
    passes = [method for method in comparison.gains if method not in ("dqn", *SEARCHES)]
    return max(passes, key=lambda method: comparison.gains[method].mean())


def comparison_table(title: str, comparison: Comparison) -> tuple[Table, str]:
    """A table of gains with intervals, best first, and a sentence that says who won."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("method", "gain", "95 % interval", "after"):
        table.add_column(column, justify="left" if column == "method" else "right")
    start = comparison.start.mean()
    ranked = sorted(comparison.gains, key=lambda method: -comparison.gains[method].mean())
    for method in ranked:
        mean, low, high = interval(comparison.gains[method])
        style = "bold cyan" if method == "dqn" else None
        table.add_row(method, f"{mean:+.4f}", f"{low:+.4f} … {high:+.4f}", f"{start + mean:.4f}", style=style)
    table.caption = f"before: {start:.4f}; {comparison.start.size} graph(s)"
    return table, verdict(comparison)


def verdict(comparison: Comparison) -> str:
    """Who wins, by the paired interval of the agent against each baseline, in one sentence."""
    ahead, behind = [], []
    for method in comparison.gains:
        if method != "dqn":
            difference: Interval = paired_interval(comparison.gains["dqn"], comparison.gains[method])
            (ahead if difference.low > 0 else behind if difference.high < 0 else []).append(method)
    level = [m for m in comparison.gains if m not in ("dqn", *ahead, *behind)]
    parts = [("ahead of", ahead), ("level with", level), ("behind", behind)]
    return "The agent is " + "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names) + "."
