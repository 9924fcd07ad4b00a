"""Edits in the user's names."""

import networkx as nx
import pytest

from envs.edge_addition import EdgeAddition
from envs.edge_toggle import EdgeToggle
from envs.node_removal import NodeRemoval
from envs.rewiring import EdgeMove, Rewiring
from experiments.solving import edit_rows
from lepton_rl.data import from_networkx

GRAPH = from_networkx(nx.relabel_nodes(nx.path_graph(5), dict(enumerate("abcde"))), "path")


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
