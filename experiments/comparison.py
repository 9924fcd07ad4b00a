"""The agent beside every baseline: same graphs, same budget, same scoring noise.

Baselines need no training, so they plan on threads of their own while the agent learns: on two cores that hides most
of their compile time. Letters: P graphs, S plans of a method (one a training seed for the agent), R repeats of the
scoring noise, T steps.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agents.baselines import baselines_for, get_baseline
from envs.base import GraphEnv
from envs.pools import take
from experiments.evaluation import Interval, final_graphs, interval, paired_interval, plan, play, values
from lepton_rl.heads import Network

__all__ = ["AGENT", "SEARCHERS", "Comparison", "Contest", "compare", "open_contest", "rehearse"]

AGENT = "dqn"
SEARCHERS = ("greedy", "lazy_greedy", "simulated_annealing")  # evaluate the objective thousands of times a plan
_NONE = -2  # the method left the graph out; to the rules no action, so that it stays as it is
_PLAY, _SELECT = 1, 999_983  # seeds of the plans, and of the noise that chooses among the agent's


class Contest(NamedTuple):
    """Graphs to edit, and the baselines' plans on them, still in the making."""

    env: GraphEnv
    plans: dict[str, Future]


class Comparison(NamedTuple):
    """What every method reached.

    Attributes:
        before: f[P, R]. ``after``: method -> f[S, P, R]. ``actions``: method -> i[S, P, T], -1 on graphs that a
            method left out.
        chosen: i[P], the agent's best plan on each graph under noise apart from the reported.
    """

    before: np.ndarray
    after: dict[str, np.ndarray]
    actions: dict[str, np.ndarray]
    chosen: np.ndarray

    def methods(self, graph: int | None = None) -> list[str]:
        """Who planned on a graph, or on every graph."""
        rows = slice(None) if graph is None else graph
        return [name for name, actions in self.actions.items() if (actions[:, rows] != _NONE).all()]

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


def open_contest(
    env: GraphEnv, plans: int, search_nodes: int, workers: Executor, baselines: Sequence[str] | None = None
) -> Contest:
    """Let ``baselines``, by default all that fit the rule, begin to plan.

    Each plans ``plans`` times; a search once, and on graphs up to ``search_nodes``.
    """
    sizes = np.asarray(env.pool.graphs.node_mask).sum(-1)
    small = np.flatnonzero(sizes <= search_nodes)

    def work(name: str) -> np.ndarray:
        planner, count, rows, place = get_baseline(name), plans, np.arange(len(sizes)), env
        if name in SEARCHERS:
            count, rows = 1, small
            place = replace(env, pool=take(env.pool, small.tolist())) if len(small) < len(sizes) else env  # type: ignore[type-var, arg-type]
        found = np.full((count, len(sizes), env.horizon), _NONE)
        found[:, rows] = [plan(planner, place, _PLAY + s) for s in range(count)]
        return found

    entered = baselines_for(env.rule, env.objective) if baselines is None else baselines
    names = [name for name in entered if len(small) or name not in SEARCHERS]
    return Contest(env, {name: workers.submit(work, name) for name in names})


def rehearse(network: Network, params: Any, envs: Sequence[GraphEnv], workers: Executor) -> list[Future]:
    """Compile the agent's play on ``envs`` while it learns; ``params`` like those to come."""
    blank = jax.tree.map(jnp.zeros_like, params)  # learning donates the buffers of its own
    return [workers.submit(play, network, env, blank, _PLAY) for env in envs]


def compare(
    contest: Contest, network: Network, params: Any, *, repeats: int = 1, draws: int = 10,
    done: Callable[[str], None] = lambda name: None,
) -> Comparison:  # fmt: skip
    """Let the agent edit every graph of a contest, wait for the baselines, and score all of them.

    Args:
        contest: from :func:`open_contest`. ``network``: the agent's; ``params``: S parameter sets.
        repeats: R. ``draws``: of the objective's noise that each reported value is the mean of.
        done: called with every method's name when it is through.
    """
    env, objective = contest.env, contest.env.objective

    def scores(graphs: Any) -> np.ndarray:
        return np.stack([values(graphs, objective, seed, draws) for seed in range(repeats)], axis=-1)

    nothing = np.full((env.pool.size, env.horizon), _NONE, np.int32)
    before = scores(final_graphs(env, jnp.asarray(nothing)))  # as episodes begin: with their labels
    actions = {AGENT: np.asarray(play(network, env, params, _PLAY))}
    finals = [final_graphs(env, one) for one in actions[AGENT]]
    chosen = np.stack([values(graphs, objective, _SELECT, draws) for graphs in finals]).argmax(0)
    after = {AGENT: np.stack([scores(graphs) for graphs in finals])}
    done(AGENT)
    for name, future in contest.plans.items():
        actions[name] = future.result()
        after[name] = np.stack([scores(final_graphs(env, one)) for one in actions[name]])
        done(name)
    return Comparison(before, after, actions, chosen)
