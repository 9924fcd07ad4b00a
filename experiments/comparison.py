"""The agent beside every baseline: same graphs, same budget, same scoring noise.

Letters: P graphs, S plans of a method (one a training seed for the agent), R repeats of the scoring noise, T steps.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from agents.baselines import BASELINES, get_baseline
from envs.base import GraphEnv
from experiments.evaluation import Interval, final_graphs, interval, paired_interval, plan, play, values
from lepton_rl.heads import Network

__all__ = ["AGENT", "SEARCHERS", "Comparison", "compare", "methods"]

AGENT = "dqn"
SEARCHERS = ("greedy", "simulated_annealing")  # evaluate the objective thousands of times a plan
_PLAY, _SELECT = 1, 999_983  # seeds of the plans and of the noise that chooses among the agent's


class Comparison(NamedTuple):
    """What every method reached.

    Attributes:
        before: f[P, R]. ``after``: method -> f[S, P, R]. ``actions``: method -> i[S, P, T].
        chosen: i[P], the agent's best plan on each graph under noise apart from the reported.
    """

    before: np.ndarray
    after: dict[str, np.ndarray]
    actions: dict[str, np.ndarray]
    chosen: np.ndarray

    def gains(self, name: str, graph: int | None = None) -> np.ndarray:
        """Value after - before: f[S, P] over all graphs, or f[S, R] on one."""
        if graph is None:
            return (self.after[name] - self.before).mean(-1)
        return self.after[name][:, graph] - self.before[graph]

    def gain(self, name: str, graph: int | None = None) -> Interval:
        """Mean gain and its interval over plans and graphs, or over plans and scoring noise on one graph."""
        return interval(self.gains(name, graph))

    def chosen_gain(self, graph: int) -> Interval:
        """The gain of the agent's chosen plan on one graph, over scoring noise."""
        return interval(self.gains(AGENT, graph)[self.chosen[graph]][None])

    def lead(self, name: str, graph: int | None = None) -> Interval:
        """The agent's gain minus a baseline's, paired by graph (or by scoring noise on one)."""
        return paired_interval(self.gains(AGENT, graph), self.gains(name, graph))


def methods(nodes: int, search_nodes: int) -> list[str]:
    """The agent and the baselines worth their time on graphs of so many nodes."""
    return [AGENT, *(name for name in BASELINES if name not in SEARCHERS or nodes <= search_nodes)]


def _plans(name: str, network: Network, env: GraphEnv, params: Any, count: int) -> np.ndarray:
    """The plans of a method, i[S, P, T]: ``count`` of a one-pass method, one of a search."""
    if name == AGENT:
        return np.asarray(play(network, env, params, _PLAY))
    planner = get_baseline(name)
    return np.stack([np.asarray(plan(planner, env, _PLAY + s)) for s in range(1 if name in SEARCHERS else count)])


def compare(
    network: Network, env: GraphEnv, params: Any, names: list[str], *, plans: int = 1, repeats: int = 1,
    draws: int = 10, done: Callable[[str], None] = lambda name: None,
) -> Comparison:  # fmt: skip
    """Let the agent and the baselines ``names`` edit every graph of ``env``'s pool, and score them.

    Args:
        network: the agent's; ``params``: S parameter sets. ``env``: the graphs, the objective and the budget.
        names: from :func:`methods`. ``plans``: of each one-pass baseline.
        repeats: R. ``draws``: of the objective's noise that each reported value is the mean of.
        done: called with every method's name when it is through.
    """
    objective = env.objective

    def scores(graphs: Any, seeds: Iterator[int] | range) -> np.ndarray:
        return np.stack([values(graphs, objective, seed, draws) for seed in seeds], axis=-1)

    before = scores(env.pool.graphs, range(repeats))
    after, actions = {}, {}
    for name in names:
        actions[name] = _plans(name, network, env, params, plans)
        finals = [final_graphs(env, one) for one in actions[name]]
        after[name] = np.stack([scores(graphs, range(repeats)) for graphs in finals])
        if name == AGENT:
            chosen = np.stack([values(graphs, objective, _SELECT, draws) for graphs in finals]).argmax(0)
        done(name)
    return Comparison(before, after, actions, chosen)
