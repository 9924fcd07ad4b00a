"""All-pairs distances against networkx, and their update by one edge."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import add_edge, from_networkx
from lepton_rl.objectives import Edit, get_objective
from lepton_rl.objectives.distance import FAR, distances, efficiency
from tests.oracles import OBJECTIVE_ORACLES

CAPACITY = 70


def reference(graph):
    out = np.full((CAPACITY, CAPACITY), FAR)
    np.fill_diagonal(out, 0)
    for u, row in nx.all_pairs_shortest_path_length(graph):
        out[u, list(row)] = list(row.values())
    return out


@pytest.mark.parametrize("directed", [False, True])
def test_distances_are_those_of_networkx_before_and_after_an_edge(directed):
    settings = [(p, seed) for p in (0.02, 0.05, 0.1) for seed in range(3)]
    networks = [nx.gnp_random_graph(66, p, seed=seed, directed=directed) for p, seed in settings]
    networks.append(nx.path_graph(67, nx.DiGraph if directed else nx.Graph))
    members = [from_networkx(graph, capacity=CAPACITY)[0] for graph in networks]
    graphs = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    found = jax.jit(jax.vmap(distances))(graphs)
    for graph, matrix in zip(networks, np.asarray(found), strict=True):
        np.testing.assert_array_equal(matrix, reference(graph))

    def update(graph, u, v):
        after = add_edge(graph, u, v)
        return efficiency.update(efficiency.init(graph, ()), Edit(jnp.int32(1), u, v), after, ()).distances

    pairs = jnp.asarray(np.random.default_rng(0).choice(60, (len(networks), 2)), jnp.int32)
    updated = jax.jit(jax.vmap(update))(graphs, pairs[:, 0], pairs[:, 1])
    for graph, (u, v), matrix in zip(networks, pairs.tolist(), np.asarray(updated), strict=True):
        graph.add_edge(u, v)
        np.testing.assert_array_equal(matrix, reference(graph))


@pytest.mark.parametrize("directed", [False, True])
def test_path_lengths_in_rows_of_several_words(directed):
    networks = [nx.gnp_random_graph(66, p, seed=1, directed=directed) for p in (0.01, 0.05, 0.2)]
    assert {nx.is_connected(graph.to_undirected()) for graph in networks} == {False, True}
    for graph in networks:
        slots = from_networkx(graph, capacity=CAPACITY)[0]
        for name in ("average_path", "diameter"):
            found = jax.jit(get_objective(name).init)(slots, ()).value
            np.testing.assert_allclose(found, OBJECTIVE_ORACLES[name](graph, ()), rtol=1e-6)


@pytest.mark.parametrize(("graph", "average", "diameter", "local"), [
    (nx.complete_graph(9), 1, 1, 1), (nx.star_graph(8), 2 - 2 / 9, 2, 0), (nx.path_graph(10), 11 / 3, 9, 0),
    (nx.cycle_graph(7), 2, 3, 0), (nx.empty_graph(4), 4, 4, 0), (nx.empty_graph(1), 0, 0, 0),
    (nx.wheel_graph(5), 1.2, 2, (5 / 6 * 5) / 5), (nx.disjoint_union(nx.path_graph(2), nx.path_graph(2)), 3, 4, 0),
])  # fmt: skip
def test_known_values(graph, average, diameter, local):
    slots = from_networkx(graph, capacity=12)[0]
    for name, expected in (("average_path", average), ("diameter", diameter), ("local_efficiency", local)):
        assert float(get_objective(name).init(slots, ()).value) == pytest.approx(expected, abs=1e-6), name


def test_local_efficiency_takes_detours_among_the_neighbours():
    graph = nx.powerlaw_cluster_graph(40, 4, 0.8, seed=3)
    found = jax.jit(get_objective("local_efficiency").init)(from_networkx(graph, capacity=45)[0], ()).value
    np.testing.assert_allclose(found, nx.local_efficiency(graph), rtol=1e-6)
