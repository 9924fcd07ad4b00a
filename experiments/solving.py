"""Edits on real networks, in the user's own node names, beside every baseline's."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from envs.base import GraphEnv
from envs.pools import make_pool
from experiments.comparison import AGENT, Comparison, Contest, compare, open_contest
from experiments.evaluation import Interval
from experiments.problem import Problem
from lepton_rl.data import NamedGraph, write_edits_csv
from lepton_rl.draw import draw_before_after, save_figure

__all__ = ["Entry", "Solution", "draw_solution", "edit_rows", "enter_networks", "solve_networks", "write_solution"]

Edit = tuple[int, str, str, str]  # step, operation, and one node or two by name

_SMALL = 128  # networks up to so many nodes share one program
_DRAWS, _REPEATS = 5, 8  # of the scoring noise: a reported value is the mean of their product


class Entry(NamedTuple):
    """Networks of one program, and the baselines at work on them."""

    graphs: tuple[NamedGraph, ...]
    contest: Contest


class Solution(NamedTuple):
    """One network and what every method did to it: graph ``index`` of ``comparison``, edited by the rule of ``env``."""

    env: GraphEnv
    graph: NamedGraph
    comparison: Comparison
    index: int  # type: ignore[assignment]  # shadows tuple.index on purpose

    @property
    def before(self) -> float:
        """The objective before."""
        return float(self.comparison.before[self.index].mean())

    @property
    def methods(self) -> list[str]:
        """Who planned on this network."""
        return self.comparison.methods(self.index)

    def edits(self, name: str = AGENT) -> list[Edit]:
        """What a method does, in order; the agent's chosen plan, a baseline's first."""
        plan = self.comparison.chosen[self.index] if name == AGENT else 0
        picks = self.comparison.actions[name][plan, self.index].reshape(-1, self.env.steps_per_edit)
        return edit_rows(self.env.operations, self.graph, picks.tolist())

    def gain(self, name: str) -> Interval:
        """Mean gain of a method over its plans and the scoring noise."""
        return self.comparison.gain(name, self.index)

    def as_json(self) -> dict[str, Any]:
        """Everything of interest, in JSON values."""
        found: dict[str, Any] = {}
        for name in self.methods:
            gain = self.gain(name)
            found[name] = {"gain": gain.mean, "ci95": [gain.low, gain.high], "edits": self.edits(name)}
        chosen = self.comparison.chosen_gain(self.index)
        found[AGENT]["chosen"] = {"gain": chosen.mean, "ci95": [chosen.low, chosen.high]}
        return {"nodes": self.graph.num_nodes, "edges": len(self.graph.edges), "before": self.before, "methods": found}


def edit_rows(
    operations: Sequence[tuple[str, int, int | None]], graph: NamedGraph, edits: Sequence[Sequence[int]]
) -> list[Edit]:
    """Edits by the names of their nodes, one row an operation.

    Args:
        operations: of the rule, see :class:`envs.editing.Editing`; a pair that is toggled is added or removed, as the
            graph then is. ``edits``: K slots each; those of -1 (nothing was left to do) say nothing.
    """
    def key(slots: list[int]) -> tuple[int, ...]:
        return tuple(slots if graph.directed else sorted(slots))

    there = {key(pair) for pair in graph.edges.tolist()}
    rows = []
    for step, picks in enumerate(edits, 1):
        for operation, i, j in operations if min(picks) >= 0 else ():
            slots = [picks[i]] if j is None else [picks[i], picks[j]]
            what = operation
            if operation == "toggle":
                what = "remove" if key(slots) in there else "add"
                there ^= {key(slots)}
            names = [graph.names[slot] for slot in slots]
            rows.append((step, what, names[0], names[1] if j is not None else ""))
    return rows


def _groups(networks: Sequence[NamedGraph]) -> list[list[NamedGraph]]:
    """Small networks together (one compile), each larger one alone."""
    groups: dict[Any, list[NamedGraph]] = {}
    for graph in networks:
        groups.setdefault("small" if graph.num_nodes <= _SMALL else graph, []).append(graph)
    return list(groups.values())


def enter_networks(
    problem: Problem, networks: Sequence[NamedGraph], search_nodes: int, workers: Executor
) -> list[Entry]:
    """Let the baselines begin on every network."""
    entries = []
    for group in _groups(networks):
        capacity = max(graph.num_nodes for graph in group)
        env = problem.make_env(make_pool([graph.to_bitgraph(capacity) for graph in group]))
        entries.append(Entry(tuple(group), open_contest(env, problem.config.seeds, search_nodes, workers)))
    return entries


def solve_networks(
    problem: Problem, params: Any, entries: Sequence[Entry], done: Callable[[str], None] = lambda name: None
) -> list[Solution]:
    """Edit every network with the agent and compare; ``done`` hears of each method that is through."""
    found = []
    for graphs, contest in entries:
        title = ", ".join(graph.name for graph in graphs)
        comparison = compare(
            contest, problem.network, params, repeats=_REPEATS, draws=_DRAWS,
            done=lambda name, title=title: done(f"{title}: {name}"),
        )  # fmt: skip
        found += [Solution(contest.env, graph, comparison, i) for i, graph in enumerate(graphs)]
    return found


def write_solution(folder: Path, solution: Solution, objective: str, prefix: str = "") -> Path:
    """Write ``edits.csv`` and the picture ``before_after.png``; returns the picture's path."""
    write_edits_csv(folder / f"{prefix}edits.csv", solution.edits())
    figure = draw_solution(solution, objective)
    return save_figure(figure, folder / f"{prefix}before_after.png", dpi=110)


def draw_solution(solution: Solution, objective: str) -> Figure:
    """Picture of the network before and after the agent's edits, nodes coloured by label where they have one."""
    before = solution.graph.to_networkx()
    after = before.copy()
    chosen: set[str] = set()
    reweighted: dict[tuple[str, str], None] = {}
    for _, operation, u, v in solution.edits():
        if operation == "add":
            after.add_edge(u, v)
        elif operation == "remove":
            after.remove_edge(u, v)
        elif operation == "scale":
            reweighted[u, v] = None
        else:
            after.remove_edges_from(list(before.edges(u)) if operation == "remove node" else [])
            chosen ^= {u}
    value = solution.before + solution.comparison.chosen_gain(solution.index).mean
    graph = solution.graph
    labels: dict[Hashable, float] = {}
    if graph.labels is not None:
        labels = dict(zip(graph.names, graph.labels.tolist(), strict=True))
    return draw_before_after(
        before, after, objective=objective, values=(solution.before, value), chosen=chosen, reweighted=reweighted,
        labels=labels,
    )  # fmt: skip
