"""Labels of start graphs that bring none."""

import networkx as nx
import numpy as np
import pytest

from envs.labels import start_labels


def edges_of(graph):
    return np.array(graph.edges, np.int64).reshape(-1, 2)


def test_opinions_go_by_the_seed_and_lie_between_minus_one_and_one():
    nothing = edges_of(nx.empty_graph(500))
    first, again, other = (start_labels("opinion", nothing, 500, seed) for seed in (1, 1, 2))
    assert first.dtype == np.float32 and np.abs(first).max() <= 1
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert abs(first.mean()) < 0.1 and 0.5 < first.std() < 0.65  # uniform: 0 and 1/√3


def test_sides_are_those_of_the_bipartite_graph_the_larger_one_first():
    graph = nx.complete_bipartite_graph(3, 5)
    side = start_labels("side", edges_of(graph), 8, 0)
    assert side.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]


def test_an_odd_cycle_has_no_sides():
    with pytest.raises(ValueError, match="odd cycle"):
        start_labels("side", edges_of(nx.cycle_graph(5)), 5, 0)


@pytest.mark.parametrize("kind", ["", "chosen", "spin", "community"])
def test_others_have_no_labels_to_begin_with(kind):
    assert start_labels(kind, edges_of(nx.path_graph(3)), 3, 0) is None
