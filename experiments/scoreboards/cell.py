"""One row of the robustness table: train the agent, let every method edit the held-out graphs, score them alike.

Letters: S training seeds or plans of a baseline, P graphs.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from agents.baselines import baselines_for, get_baseline
from agents.config import DQNConfig
from agents.training import make_runs, network_for
from envs.edge_addition import EdgeAddition, make_edge_addition
from envs.pools import Pool
from experiments.evaluation import final_graphs, interval, paired_interval, plan, play, values
from experiments.scoreboards.options import GREEDY_LIMIT, TRAIN_NODES, Cell
from experiments.scoreboards.results import Note, entry
from lepton_rl.heads import Network
from lepton_rl.objectives.critical_fraction import critical_fraction

__all__ = ["AGENT", "SEARCH", "Agent", "cell_env", "measure", "methods_at", "summarise", "train_agent"]

AGENT, SEARCH = "dqn", "simulated_annealing"  # all other methods pass once over the edits
PLANS = 5  # of a one-pass baseline: ties and greedy's noise are averaged out; one plan on the larger graphs
_PLAN_SEED, _SCORE_SEED = 1, 2

class Agent(NamedTuple):
    """S trained parameter sets (a leading axis of every leaf), each the best of its run on validation graphs."""

    network: Network
    params: Any
    seconds: float


def cell_env(pool: Pool, cell: Cell, budget: int, train_orders: int | None = None) -> EdgeAddition:
    """The environment of a cell, the objective's first-order account of every pair in sight.

    Reported values are the protocol's. An agent learns from the same value paid edge by edge, which says which edge it
    is for, over ``train_orders`` removal orders instead of 2n, which is less noisy.
    """
    reward = "end" if train_orders is None else "edit"
    return make_edge_addition(pool, critical_fraction(cell.removal, train_orders), budget, reward, sensitivity=True)


def train_agent(train: EdgeAddition, valid: EdgeAddition, config: DQNConfig, seeds: int, note: Note) -> Agent:
    """Train ``seeds`` runs in one program; the seconds include what had to be compiled.

    Cells of one objective and budget share a program whatever their family: the graphs are arguments.
    """
    begin = time.perf_counter()
    network = network_for(train, config)
    runs = make_runs(network, config, seeds)
    note("compile")
    state = runs.init(train, range(seeds))
    for done, (state, metrics) in enumerate(runs.chunks(train, valid, state), 1):  # noqa: B007, B020 - donated
        note(f"train {done}/{config.chunks}, validation {float(np.mean(metrics.validation)):+.4f}")
    jax.block_until_ready(state.best_params)
    return Agent(network, state.best_params, time.perf_counter() - begin)


def methods_at(num_nodes: int) -> list[str]:
    """The agent and the baselines worth their time at a size: annealing at the trained one, greedy to n = 50."""
    slow = {SEARCH: TRAIN_NODES, "greedy": GREEDY_LIMIT}
    return [AGENT, *(name for name in baselines_for("EdgeAddition") if num_nodes <= slow.get(name, num_nodes))]


def _actions(method: str, agent: Agent, env: EdgeAddition) -> np.ndarray:
    """The plans of a method, i32[S, P, T]."""
    if method == AGENT:
        return np.asarray(play(agent.network, env, agent.params, _PLAN_SEED))
    costly = method == SEARCH or env.pool.capacity > TRAIN_NODES
    planner = get_baseline(method)
    return np.stack([np.asarray(plan(planner, env, _PLAN_SEED + s)) for s in range(1 if costly else PLANS)])


def measure(
    agent: Agent, env: EdgeAddition, methods: Sequence[str], draws: int, note: Note
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Value before f64[P], and gain f64[S, P] by method; every reported value under the same noise."""

    def score(graphs: Any) -> np.ndarray:
        return values(graphs, env.objective, _SCORE_SEED, draws).astype(np.float64)

    before, gains = score(env.pool.graphs), {}
    for method in methods:
        note(f"evaluate {method}")
        gains[method] = np.stack([score(final_graphs(env, one)) - before for one in _actions(method, agent, env)])
    return before, gains


def summarise(before: np.ndarray, gains: dict[str, np.ndarray]) -> dict[str, Any]:
    """The JSON of one row: mean, interval and seeds by method, and the agent against the best of the others."""
    row: dict[str, Any] = {
        method: {**entry(interval(samples)), "seeds": samples.mean(-1).tolist()} for method, samples in gains.items()
    }
    one_pass = [method for method in gains if method not in (AGENT, SEARCH)]
    best = max(one_pass, key=lambda method: row[method]["mean"])
    row["start"] = float(before.mean())
    row["best_heuristic"] = best
    row["paired_gain"] = entry(paired_interval(gains[AGENT], gains[best]))
    row["relative_gain"] = row["paired_gain"]["mean"] / max(abs(row[best]["mean"]), 1e-9)
    if SEARCH in gains:
        row["paired_gain_annealing"] = entry(paired_interval(gains[AGENT], gains[SEARCH]))
        row["share_of_annealing"] = row[AGENT]["mean"] / max(row[SEARCH]["mean"], 1e-9)
    return row
