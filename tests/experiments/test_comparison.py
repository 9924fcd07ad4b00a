"""Methods side by side: who plans where, and what the table says of those who do not."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from agents.baselines import baselines_for
from envs.edge_addition import make_edge_addition
from experiments import comparison
from experiments.comparison import AGENT, SEARCHERS, Comparison, open_contest
from experiments.report import networks_table, verdict
from experiments.solving import Solution
from lepton_rl.data import from_networkx
from tests.envs.toys import SQUARES, graphs, pool

SIZES = (6, 8, 7, 9)


def contest(search_nodes):
    env = make_edge_addition(pool(SIZES, 10), SQUARES, 2)
    with ThreadPoolExecutor(1) as workers:
        plans = open_contest(env, 2, search_nodes, workers).plans
    return {name: future.result() for name, future in plans.items()}


def test_a_search_leaves_out_large_graphs_and_nobody_else_does():
    plans = contest(search_nodes=7)
    assert list(plans) == list(baselines_for("EdgeAddition"))
    for name, actions in plans.items():
        search = name in SEARCHERS
        assert actions.shape == (1 if search else 2, 4, 4)
        played = (actions >= 0).all((0, 2))
        assert played.tolist() == ([True, False, True, False] if search else [True] * 4)
        assert (actions < np.array(SIZES)[None, :, None]).all()


def test_nobody_searches_where_every_graph_is_large(monkeypatch):
    monkeypatch.setattr(comparison, "plan", lambda planner, env, seed: np.zeros((env.pool.size, env.horizon)))
    every = baselines_for("EdgeAddition")
    assert set(every) - set(contest(search_nodes=5)) == set(every) & set(SEARCHERS)


def test_what_is_left_out_is_no_row_of_a_table_and_a_dash_among_networks():
    before, plans = np.zeros((2, 1)), np.zeros((1, 2, 4), int)
    partly = plans.copy()
    partly[0, 1] = -2
    after = {AGENT: np.ones((1, 2, 1)), "greedy": np.zeros((1, 2, 1)), "random": np.zeros((1, 2, 1))}
    found = Comparison(before, after, {AGENT: plans, "greedy": partly, "random": plans}, np.zeros(2, int))
    assert found.methods() == [AGENT, "random"]
    assert found.methods(0) == [AGENT, "greedy", "random"]
    assert "greedy" in verdict(found, 0) and "greedy" not in verdict(found, 1)
    small, large = (from_networkx(graph, name) for graph, name in zip(graphs(SIZES)[:2], "ab", strict=True))
    table = networks_table([Solution(None, small, found, 0), Solution(None, large, found, 1)])
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["greedy"] == ("+0.000", "–") and rows["random"] == ("+0.000", "+0.000")
    assert "--search-nodes" in table.text
