"""Largest-component curves beyond the contract: rows of several words and values known by hand."""

import jax
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import from_networkx
from lepton_rl.objectives.robustness import largest_component
from tests.oracles import largest_component_area


def valued(objective, graph):
    ranks = objective.draw(graph, jax.random.key(0))
    return ranks, float(jax.jit(objective.init)(graph, ranks).value)


@pytest.mark.parametrize("removal", ["random", "targeted"])
def test_rows_of_several_words(removal):
    graph = nx.barabasi_albert_graph(70, 2, seed=4)
    ranks, value = valued(largest_component(removal, 5), from_networkx(graph, capacity=75)[0])
    np.testing.assert_allclose(value, largest_component_area(graph, ranks, removal), atol=1e-6)


def test_known_values():
    n = 9
    complete, star = from_networkx(nx.complete_graph(n), capacity=12)[0], from_networkx(nx.star_graph(n - 1))[0]
    assert valued(largest_component("random"), complete)[1] == pytest.approx((n - 1) / (2 * n))
    assert valued(largest_component("targeted"), star)[1] == pytest.approx((n - 1) / n**2)
