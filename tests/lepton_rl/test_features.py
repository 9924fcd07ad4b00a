"""Inputs of the encoders and heads against networkx and dense linear algebra."""

import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from scipy.linalg import sqrtm

from lepton_rl.features import node_inputs, num_inputs, pair_inputs
from lepton_rl.graph import from_networkx, permute

CAPACITY = 15


def graph_of(seed, p=0.4, n=12):
    graph = nx.gnp_random_graph(n, p, seed=seed)
    return graph, from_networkx(graph, capacity=CAPACITY)[0]


def test_node_inputs_equal_their_definition():
    plain, graph = graph_of(0)
    x, n, degree = np.asarray(node_inputs(graph)), len(plain), dict(plain.degree)
    assert x.shape == (CAPACITY, num_inputs())
    for v in plain:
        around = [1 / degree[u] for u in plain[v]]
        expected = [
            degree[v] / (n - 1), degree[v] / max(degree.values()), 1 / degree[v],
            sum(d > degree[v] for d in degree.values()) / n, sum(d == degree[v] for d in degree.values()) / n,
            np.mean(around), max(around),
        ]  # fmt: skip
        np.testing.assert_allclose(x[v], expected, rtol=1e-5)
    assert not x[n:].any()


def test_pair_inputs_are_powers_of_the_lazy_walk():
    plain, graph = graph_of(1)
    n = len(plain)
    adjacency = nx.to_numpy_array(plain)
    half = np.linalg.inv(sqrtm(np.diag(adjacency.sum(0)))).real
    walk = (np.eye(n) + half @ adjacency @ half) / 2
    inputs = np.asarray(pair_inputs(graph, steps=3))
    assert inputs.shape == (5, CAPACITY, CAPACITY)
    for k in range(4):
        expected = np.linalg.matrix_power(walk, 2**k) * np.sqrt(n)
        np.testing.assert_allclose(inputs[k, :n, :n], expected, atol=1e-5)
        assert not inputs[k, n:].any()


def test_weights_are_walked_by_and_summed_up_for_every_node():
    plain, graph = graph_of(1)
    n, rng = len(plain), np.random.default_rng(0)
    heavy = np.triu(rng.uniform(0.5, 2, (n, n)), 1) * nx.to_numpy_array(plain)
    heavy += heavy.T
    features = np.pad(heavy, (0, CAPACITY - n))[..., None]
    x, inputs = (f(graph.replace(edge_features=jnp.asarray(features))) for f in (node_inputs, pair_inputs))
    np.testing.assert_array_equal(x[:, : num_inputs()], node_inputs(graph))
    np.testing.assert_allclose(x[:n, num_inputs() :], (heavy.sum(1) / heavy.sum(1).max())[:, None], rtol=1e-6)
    half = np.diag(heavy.sum(0) ** -0.5)
    np.testing.assert_allclose(inputs[0, :n, :n], (np.eye(n) + half @ heavy @ half) / 2 * np.sqrt(n), atol=1e-5)
    signed = pair_inputs(graph.replace(edge_features=jnp.asarray(-features)))
    np.testing.assert_allclose(signed, inputs, atol=1e-6)


def test_the_last_pair_input_is_the_effective_resistance_where_walks_have_mixed():
    plain, graph = graph_of(2, p=0.6)
    resistance = np.asarray(pair_inputs(graph, steps=6)[-1])
    for (u, row) in nx.resistance_distance(plain).items():
        for v, expected in row.items():
            assert resistance[u, v] == pytest.approx(expected, abs=1e-5)


def test_resistance_seen_by_short_walks_is_finite_and_grows_with_them_in_disconnected_graphs():
    graph = from_networkx(nx.disjoint_union(nx.path_graph(3), nx.path_graph(2)), capacity=CAPACITY)[0]
    few, many = (np.asarray(pair_inputs(graph, steps=steps)[-1]) for steps in (2, 5))
    assert np.isfinite(many).all()
    assert many[0, 4] > 4 * few[0, 4]  # no path: the more steps, the more
    assert many[0, 2] == pytest.approx(2, abs=1e-4)


def test_inputs_move_with_the_nodes():
    _, graph = graph_of(3)
    order = np.random.default_rng(0).permutation(CAPACITY)
    moved = permute(graph, jnp.asarray(order))
    np.testing.assert_allclose(node_inputs(moved), np.asarray(node_inputs(graph))[order], atol=1e-6)
    np.testing.assert_allclose(pair_inputs(moved), np.asarray(pair_inputs(graph))[:, order][:, :, order], atol=1e-5)


def test_named_features_stand_between_the_built_in_and_the_graphs_own():
    plain, graph = graph_of(3)
    names = ("core", "clustering")
    x = node_inputs(graph, names)
    assert x.shape == (CAPACITY, num_inputs(names))
    np.testing.assert_array_equal(x[:, : num_inputs()], node_inputs(graph))
    for i, feature in enumerate((nx.core_number(plain), nx.clustering(plain))):
        expected = np.log1p([feature[v] for v in plain])
        np.testing.assert_allclose(x[: len(plain), num_inputs() + i], expected, rtol=1e-6, atol=1e-7)
