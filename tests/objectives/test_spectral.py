"""Laplacian, connectedness, and small eigenvalues in float32."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np

from lepton_rl.graph import from_networkx
from lepton_rl.objectives.spectral import algebraic_connectivity, is_connected, laplacian


def test_laplacian_and_connectedness_are_those_of_networkx():
    networks = [nx.gnp_random_graph(25, p, seed=seed) for seed in range(20) for p in (0.08, 0.15)]
    networks += [nx.path_graph(40), nx.empty_graph(1), nx.empty_graph(2)]
    members = [from_networkx(graph, capacity=40)[0] for graph in networks]
    graphs = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    connected, matrices = jax.jit(jax.vmap(lambda graph: (is_connected(graph), laplacian(graph))))(graphs)
    expected = [nx.is_connected(graph) for graph in networks]
    assert 5 < sum(expected) < len(networks) - 5
    assert np.asarray(connected).tolist() == expected
    for graph, matrix in zip(networks, np.asarray(matrices), strict=True):
        n = len(graph)
        np.testing.assert_array_equal(matrix[:n, :n], nx.laplacian_matrix(graph).toarray())
        assert not matrix[n:].any() and not matrix[:, n:].any()


def test_a_long_path_is_weakly_connected_and_two_of_them_are_not():
    path = nx.path_graph(150)
    one, two = (from_networkx(graph, capacity=300)[0] for graph in (path, nx.disjoint_union(path, path)))
    graphs = jax.tree.map(lambda *leaves: jnp.stack(leaves), one, two)
    values = jax.jit(jax.vmap(lambda graph: algebraic_connectivity.init(graph, ()).value))(graphs)
    np.testing.assert_allclose(values[0], 2 - 2 * np.cos(np.pi / 150), rtol=0.01)
    assert values[1] == 0
