"""Triangles, assortativity and modularity beyond the contract: closed forms, rows of several words, directed graphs."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import from_networkx
from lepton_rl.objectives import get_objective
from tests.oracles import OBJECTIVE_ORACLES, modularity

CAPACITY = 90


def value(name, graph, labels=None):
    slots = from_networkx(graph, capacity=CAPACITY)[0]
    if labels is not None:
        slots = slots.replace(labels=jnp.pad(jnp.asarray(labels, jnp.float32), (0, CAPACITY - len(labels))))
    return float(jax.jit(get_objective(name).init)(slots, ()).value)


@pytest.mark.parametrize("name", ["transitivity", "clustering", "assortativity"])
def test_rows_of_several_words(name):
    for graph in (nx.barabasi_albert_graph(80, 3, seed=2), nx.powerlaw_cluster_graph(75, 4, 0.7, seed=1)):
        assert value(name, graph) == pytest.approx(OBJECTIVE_ORACLES[name](graph, ()), abs=2e-6)


@pytest.mark.parametrize(("graph", "transitivity", "clustering"), [
    (nx.complete_graph(9), 1, 1), (nx.star_graph(6), 0, 0), (nx.cycle_graph(8), 0, 0), (nx.cycle_graph(3), 1, 1),
    (nx.wheel_graph(7), 18 / 33, (6 * 2 / 3 + 6 / 15) / 7),
])  # fmt: skip
def test_triangles_of_known_graphs(graph, transitivity, clustering):
    assert value("transitivity", graph) == pytest.approx(transitivity, abs=1e-6)
    assert value("clustering", graph) == pytest.approx(clustering, abs=1e-6)


def test_assortativity_of_known_graphs():
    assert value("assortativity", nx.star_graph(6)) == pytest.approx(-1)
    two_degrees = nx.disjoint_union(nx.complete_graph(5), nx.cycle_graph(4))
    assert value("assortativity", two_degrees) == pytest.approx(1)
    assert value("assortativity", nx.path_graph(4)) == pytest.approx(-0.5)
    for regular in (nx.complete_graph(7), nx.cycle_graph(9), nx.disjoint_union(nx.path_graph(2), nx.empty_graph(4))):
        assert value("assortativity", regular) == 0


def test_modularity_of_known_partitions():
    cliques = nx.disjoint_union_all([nx.complete_graph(4)] * 3)
    assert value("modularity", cliques, np.repeat([0, 1, 2], 4)) == pytest.approx(2 / 3)
    assert value("modularity", cliques, np.zeros(12)) == pytest.approx(0, abs=1e-6)
    assert value("modularity", nx.cycle_graph(8), np.arange(8)) == pytest.approx(-1 / 8)
    assert value("modularity", nx.empty_graph(5), np.arange(5)) == 0


def test_directed_graphs_are_those_of_networkx():
    for seed in range(3):
        graph = nx.gnp_random_graph(40, 0.1, seed=seed, directed=True)
        labels = np.random.default_rng(seed).integers(0, 4, 40)
        nx.set_node_attributes(graph, dict(enumerate(labels)), "label")
        assert value("modularity", graph, labels) == pytest.approx(modularity(graph, ()), abs=2e-6)
        assert value("clustering", graph) == pytest.approx(nx.average_clustering(graph), abs=2e-6)


def test_modularity_refuses_a_graph_without_labels():
    with pytest.raises(ValueError, match="labels"):
        value("modularity", nx.path_graph(3))
