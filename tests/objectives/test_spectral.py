"""Laplacian, connectedness, eigenvalues and resistances in float32: closed forms, and updates edge after edge."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import add_edge, from_networkx, has_edge, pad, permute, to_networkx
from lepton_rl.objectives import Edit, get_objective
from lepton_rl.objectives.base import EDGE_ADDED
from lepton_rl.objectives.spectral import (
    algebraic_connectivity,
    effective_resistance,
    is_connected,
    laplacian,
    resistances,
    resistances_after,
)  # fmt: skip
from tests.oracles import OBJECTIVE_ORACLES, effective_resistances


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


def value(name, graph, capacity):
    slots = from_networkx(graph, capacity=max(capacity, len(graph)))[0]
    return float(jax.jit(get_objective(name).init)(slots, ()).value)


@pytest.mark.parametrize(("graph", "radius"), [
    (nx.complete_graph(30), 29), (nx.star_graph(25), 5), (nx.path_graph(40), 2 * np.cos(np.pi / 41)),
    (nx.cycle_graph(33), 2), (nx.complete_bipartite_graph(9, 16), 12), (nx.empty_graph(4), 0),
    (nx.disjoint_union(nx.star_graph(4), nx.complete_graph(7)), 6), (nx.disjoint_union_all([nx.path_graph(2)] * 9), 1),
    (nx.disjoint_union(nx.path_graph(20), nx.path_graph(21)), 2 * np.cos(np.pi / 22)),
])  # fmt: skip
def test_spectral_radius_of_known_graphs(graph, radius):
    assert value("spectral_radius", graph, 45) == pytest.approx(radius, rel=5e-7, abs=1e-6)


def test_natural_connectivity_of_known_graphs():
    assert value("natural_connectivity", nx.empty_graph(5), 40) == pytest.approx(0, abs=1e-6)
    for n in (4, 12):
        expected = np.log((np.exp(n - 1) + (n - 1) * np.exp(-1)) / n)
        assert value("natural_connectivity", nx.complete_graph(n), 40) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("graph", "total"), [
    (nx.complete_graph(20), 19), (nx.star_graph(19), 19**2), (nx.path_graph(40), (40**3 - 40) / 6),
    (nx.path_graph(140), (140**3 - 140) / 6), (nx.cycle_graph(30), (30**3 - 30) / 12),
    (nx.empty_graph(5), 10 * 5), (nx.empty_graph(1), 0),
    (nx.disjoint_union(nx.path_graph(3), nx.path_graph(2)), 4 + 1 + 6 * 5),
])  # fmt: skip
def test_effective_resistance_is_the_kirchhoff_index_by_what_n_nodes_could_have(graph, total):
    n = len(graph)
    scale = max(n * n * (n - 1) / 2, 1)
    error = 1e-4 if n < 100 else 2e-4  # a long path is as ill-conditioned as graphs get
    assert value("effective_resistance", graph, 50) == pytest.approx(total / scale, rel=error)


@pytest.mark.parametrize("name", ["spectral_radius", "natural_connectivity", "effective_resistance"])
def test_larger_graphs_keep_float32s_digits(name):
    for graph in (nx.barabasi_albert_graph(100, 2, seed=1), nx.gnp_random_graph(100, 0.1, seed=2)):
        assert value(name, graph, 110) == pytest.approx(OBJECTIVE_ORACLES[name](graph, ()), rel=3e-6)


def test_effective_resistance_follows_a_hundred_edges():
    graph = from_networkx(nx.disjoint_union(nx.path_graph(30), nx.cycle_graph(25)), capacity=60)[0]
    generator = np.random.default_rng(0)
    pairs = jnp.asarray(generator.integers(0, 58, (100, 2)), jnp.int32)

    def step(state, pair):
        graph, carry = state
        after = add_edge(graph, *pair)
        changed = has_edge(after, *pair) & ~has_edge(graph, *pair)
        carry = effective_resistance.update(carry, Edit(jnp.where(changed, EDGE_ADDED, 0), *pair), after, ())
        return (after, carry), (carry.value, effective_resistance.init(after, ()).value)

    start = graph, effective_resistance.init(graph, ())
    (after, _), (updated, fresh) = jax.jit(lambda state: jax.lax.scan(step, state, pairs))(start)
    # Long paths have Laplacians of condition 10³: of float32's seven digits five are left.
    np.testing.assert_allclose(updated, fresh, atol=2e-6)
    assert (np.diff(updated) < 1e-7).all()
    expected = OBJECTIVE_ORACLES["effective_resistance"](to_networkx(after), ())
    np.testing.assert_allclose(updated[-1], expected, atol=1e-6)


def test_resistances_follow_networkx_edge_after_edge_across_parts_and_padding():
    parts = nx.disjoint_union(nx.path_graph(4), nx.disjoint_union(nx.cycle_graph(4), nx.star_graph(2)))
    order = np.random.default_rng(0).permutation(16)
    graph = permute(pad(from_networkx(parts)[0], 16), jnp.asarray(order))
    slot = np.argsort(order)
    updated = resistances(graph)
    # Within a part, across two of them, to the third, then twice inside the whole.
    for pair in [(0, 3), (1, 5), (6, 9), (2, 10), (4, 6)]:
        u, v = (jnp.int32(slot[node]) for node in pair)
        graph, updated = add_edge(graph, u, v), resistances_after(updated, u, v)
        expected = effective_resistances(to_networkx(graph))
        present = np.ix_(*[np.flatnonzero(graph.node_mask)] * 2)
        np.testing.assert_allclose(np.asarray(updated)[present], expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(np.asarray(resistances(graph))[present], expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(expected).all()
