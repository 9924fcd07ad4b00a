"""Cuts, independent sets and covers beyond the contract: their maxima are the true optima; weights and directions."""

import itertools

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import adjacency, from_edges, from_networkx, set_label, toggle_edge
from lepton_rl.objectives import Edit, get_objective
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, LABEL_SET

SETTINGS = [nx.petersen_graph(), nx.cycle_graph(7), nx.star_graph(5), nx.complete_bipartite_graph(3, 5),
            nx.complete_graph(6), nx.path_graph(2), nx.empty_graph(3),
            *(nx.gnp_random_graph(9, 0.4, seed=seed) for seed in range(4))]  # fmt: skip


def all_sets(n):
    return np.array(list(itertools.product((0.0, 1.0), repeat=n)), np.float32)


def values(name, graph, labels):
    slots = from_networkx(graph, capacity=len(graph) + 2)[0]
    padded = jnp.asarray(np.pad(labels, ((0, 0), (0, 2))))
    init = get_objective(name).init
    return np.asarray(jax.jit(jax.vmap(lambda label: init(slots.replace(labels=label), ()).value))(padded))


def largest_clique(graph):
    return max(map(len, nx.find_cliques(graph)))


@pytest.mark.parametrize("graph", SETTINGS)
def test_no_set_is_worth_more_than_the_largest_independent_one(graph):
    labels = all_sets(len(graph))
    found = values("independent_set", graph, labels)
    largest = largest_clique(nx.complement(graph))
    assert found.max() == pytest.approx(largest / len(graph))
    # The complements of independent sets are covers, and the values say so for all sets.
    np.testing.assert_allclose(values("vertex_cover", graph, 1 - labels), found - 1, atol=1e-6)


@pytest.mark.parametrize("graph", SETTINGS)
def test_no_set_is_worth_more_than_the_smallest_cover(graph):
    labels = all_sets(len(graph))
    covers = [s.sum() for s in labels if all(s[u] or s[v] for u, v in graph.edges)]
    assert values("vertex_cover", graph, labels).max() == pytest.approx(-min(covers) / len(graph))


@pytest.mark.parametrize(("graph", "largest"), [
    (nx.petersen_graph(), 12), (nx.cycle_graph(7), 6), (nx.complete_bipartite_graph(3, 5), 15),
    (nx.complete_graph(6), 9),
])  # fmt: skip
def test_known_maximum_cuts(graph, largest):
    assert values("cut", graph, 2 * all_sets(len(graph)) - 1).max() == largest


def weighted(directed, seed):
    """A random network of 12 nodes in 14 slots, its weights, spins."""
    rng = np.random.default_rng(seed)
    plain = nx.gnp_random_graph(12, 0.3, seed=seed, directed=directed)
    weights = rng.choice([-1.0, 1.0, 2.5], (12, 12)).astype(np.float32)
    weights = weights if directed else np.triu(weights) + np.triu(weights, 1).T
    spins = rng.choice([-1.0, 1.0], 12)
    slots = from_edges(list(plain.edges), 12, capacity=14, directed=directed, edge_features=weights[..., None],
                       labels=spins)  # fmt: skip
    return slots, weights


def cut_of(slots, weights):
    """The weights of the edges that cross, edge by edge."""
    spins, dense = np.asarray(slots.labels), np.asarray(adjacency(slots))
    pairs = itertools.permutations(range(12), 2) if slots.directed else itertools.combinations(range(12), 2)
    return sum(weights[u, v] for u, v in pairs if dense[u, v] and spins[u] * spins[v] < 0)


@pytest.mark.parametrize("directed", [False, True])
def test_a_cut_counts_weights_and_follows_labels_and_edges(directed):
    objective, rng = get_objective("cut"), np.random.default_rng(9)
    slots, weights = weighted(directed, 1)
    update, toggle = jax.jit(objective.update), jax.jit(toggle_edge)
    flip = jax.jit(lambda graph, u: set_label(graph, u, -graph.labels[u]))
    carry = objective.init(slots, ())
    assert float(carry.value) == pytest.approx(cut_of(slots, weights))
    seen = [float(carry.value)]
    for i in range(18):
        u, v = (jnp.int32(x) for x in rng.choice(12, 2, replace=False))
        if i % 3 == 0:
            edit = Edit(jnp.int32(EDGE_REMOVED if adjacency(slots)[u, v] else EDGE_ADDED), u, v)
            slots = toggle(slots, u, v)
        else:
            slots, edit = flip(slots, u), Edit(jnp.int32(LABEL_SET), u, u)
        carry = update(carry, edit, slots, ())
        assert float(carry.value) == pytest.approx(cut_of(slots, weights))
        seen.append(float(carry.value))
    assert len(set(seen)) > 8


def test_an_edge_has_the_weight_of_its_features_only_where_there_is_one():
    labels = np.array([1.0, -1.0, 1.0])
    features = np.full((3, 3, 2), 5.0)
    graph = from_edges([(0, 1)], 3, labels=labels, edge_features=features)
    init = jax.jit(get_objective("cut").init)
    assert float(init(graph, ()).value) == 5
    assert float(init(graph.replace(edge_features=None), ()).value) == 1
    sets = jax.jit(get_objective("independent_set").init)
    assert float(sets(graph.replace(labels=jnp.ones(3)), ()).value) == pytest.approx((3 - 1) / 3)  # not 3 - 5
