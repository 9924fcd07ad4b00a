"""Edits in the user's names."""

import networkx as nx
import pytest

from envs.edge_addition import EdgeAddition
from envs.edge_toggle import EdgeToggle
from envs.node_removal import NodeRemoval
from envs.rewiring import EdgeMove, Rewiring
from experiments.display import Display
from experiments.report import Section
from experiments.solving import edit_rows
from experiments.train import show
from lepton_rl.data import from_networkx

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
])  # fmt: skip
def test_edits_are_told_operation_by_operation(rule, edits, expected):
    assert edit_rows(rule.operations, GRAPH, edits) == expected
