"""Edits in the user's names."""

from dataclasses import replace

import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents import training
from envs.base import Trajectory
from envs.edge_addition import EdgeAddition
from envs.edge_reweighting import EdgeReweighting
from envs.edge_toggle import EdgeToggle
from envs.node_removal import NodeRemoval
from envs.rewiring import EdgeMove, Rewiring
from experiments import evaluation
from experiments.comparison import Comparison
from experiments.configs import Train
from experiments.display import Display
from experiments.evaluation import Interval
from experiments.graphs import load_graphs
from experiments.problem import make_problem
from experiments.reading import Reading
from experiments.report import Section, comparison_table, ranged
from experiments.solving import edit_rows
from experiments.train import show
from lepton_rl.data import from_networkx, generate

GRAPH = from_networkx(nx.relabel_nodes(nx.path_graph(5), dict(enumerate("abcde"))), "path")


def test_a_directed_pair_is_toggled_one_way():
    arrow = from_networkx(nx.DiGraph([("a", "b")]), "arrow")
    told = edit_rows(EdgeToggle.operations, arrow, [[1, 0], [0, 1]])
    assert told == [(1, "add", "b", "a"), (2, "remove", "a", "b")]


@pytest.mark.parametrize(("rows", "line"), [
    ([("1", "add", "a", "b"), ("2", "add", "c", "d")], "a – b, c – d"),
    ([("1", "remove", "a", "b"), ("2", "add", "c", "d")], "remove a – b, add c – d"),
    ([("1", "remove", "a", "b"), ("1", "add", "a", "c"), ("2", "remove", "d", "e"), ("2", "add", "d", "f")],
     "remove a – b, add a – c; remove d – e, add d – f"),
    ([("1", "remove node", "a", "")], "remove node a"),
])  # fmt: skip
def test_a_line_tells_steps_apart(capsys, rows, line):
    show([Section("Edits", "", ("step", "operation", "source", "target"), rows)], Display())
    assert capsys.readouterr().out == f"\nEdits: {line}\n"


@pytest.mark.parametrize(("rule", "edits", "expected"), [
    (EdgeAddition, [[0, 2], [4, 1]], [(1, "add", "a", "c"), (2, "add", "e", "b")]),
    (EdgeToggle, [[0, 1], [1, 0], [0, 4]],
     [(1, "remove", "a", "b"), (2, "add", "b", "a"), (3, "add", "a", "e")]),
    (EdgeMove, [[1, 0, 4]], [(1, "remove", "b", "a"), (1, "add", "b", "e")]),
    (Rewiring, [[0, 1, 4, 3]],
     [(1, "remove", "a", "b"), (1, "remove", "e", "d"), (1, "add", "a", "d"), (1, "add", "e", "b")]),
    (NodeRemoval, [[2], [-1]], [(1, "remove node", "c", "")]),
    (EdgeReweighting, [[1, 0], [-1, -1]], [(1, "scale", "b", "a")]),
])  # fmt: skip
def test_edits_are_told_operation_by_operation(rule, edits, expected):
    assert edit_rows(rule.operations, GRAPH, edits) == expected


@pytest.mark.parametrize(("interval", "line"), [
    (Interval(0.25, -0.0001, 0.5), "+0.250 [0.000, 0.500]"),
    (Interval(360.0, 355.5, 361.25), "+360.000 [355.500, 361.250]"),
])  # fmt: skip
def test_an_interval_is_told_in_three_decimals(interval, line):
    assert ranged(interval) == line


def test_small_gains_show_their_digits():
    gains = np.array([[[0.00012, 0.00018], [0.00010, 0.00020]]])
    after, actions = {"dqn": gains, "random": 0 * gains}, np.zeros((1, 2, 1), int)
    found = Comparison(np.zeros((2, 2)), after, dict.fromkeys(after, actions), np.zeros(2, int))
    assert [row[:2] for row in comparison_table(found).rows] == [
        ("dqn", "+0.000150 [0.000150, 0.000150]"), ("random", "+0.000000 [0.000000, 0.000000]")
    ]  # fmt: skip


def test_what_is_picked_after_the_end_is_no_edit(monkeypatch):
    found = Trajectory(jnp.array([[[3, 4, 0, 0], [1, 2, 5, 6]]]), jnp.zeros((1, 2, 4)),
                       jnp.array([[[False, True, True, True], [False, False, False, True]]]), None)  # fmt: skip
    monkeypatch.setattr(training, "play", lambda *_: found)
    assert evaluation.play(None, None, None, 0).tolist() == [[[3, 4, -1, -1], [1, 2, 5, 6]]]


def test_costs_read_positions_of_generated_graphs_and_columns_of_the_users(tmp_path):
    config = Train(cost="length", cost_budget=1.0, budget=2, num_nodes=8, num_graphs=2, held_out=2)
    problem = make_problem(config)
    assert (problem.config.generator, problem.train.cost, problem.networks) == ("gabriel", "length", ())
    places = generate("gabriel", 8, [0])[0].nodes(data=True)
    np.testing.assert_allclose(problem.train.pool[0].node_features, [(d["x"], d["y"]) for _, d in places], rtol=1e-6)
    (tmp_path / "net.csv").write_text("source,target\na,b\nb,c\nc,d\n")
    with pytest.raises(ValueError, match="net has no node attribute 'x' for the costs"):
        make_problem(replace(config, graph=str(tmp_path / "net.csv")))
    (tmp_path / "net.nodes.csv").write_text("id,x,y\na,0,0\nb,0.5,0\nc,1,0\nd,1,0.5\n")
    reading = Reading(attributes=True)
    problem = make_problem(replace(config, graph=str(tmp_path / "net.csv"), reading=reading))
    features = np.asarray(problem.test.pool[0].node_features)
    assert features.shape[1] == 4  # as they are, and standardised
    assert features[:, :2].tolist() == [[0, 0], [0.5, 0], [1, 0], [1, 0.5]]
    assert problem.seen(load_graphs(str(tmp_path / "net.csv"), reading)[0]).features.shape == (4, 4)
    with pytest.raises(ValueError, match=r"net: the graph has no edit of a length up to 0\.01"):
        make_problem(replace(config, graph=str(tmp_path / "net.csv"), cost_budget=0.01))
