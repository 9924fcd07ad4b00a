"""Betweenness from pivots against networkx, on both storages; pivots are drawn from those asked for."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl import edge_graph, graph
from lepton_rl.betweenness import pivot_betweenness, random_pivots
from lepton_rl.connected import component_counts, component_labels

CAPACITY = 20
PLAIN = nx.disjoint_union(nx.barabasi_albert_graph(10, 2, seed=4), nx.path_graph(6))
STORED = [kind.from_edges(list(PLAIN.edges), len(PLAIN), capacity=CAPACITY) for kind in (graph, edge_graph)]


@pytest.mark.parametrize("stored", STORED, ids=["bits", "lists"])
def test_paths_from_pivots_equal_networkx(stored):
    pivots = [3, 11, 0]
    exact = nx.betweenness_centrality_subset(PLAIN, pivots, list(PLAIN), normalized=False)
    found = jax.jit(pivot_betweenness)(stored, jnp.array([*pivots, -1], jnp.int32))
    # networkx halves what it counts of undirected graphs.
    np.testing.assert_allclose(found[: len(PLAIN)], [2 * exact[v] for v in PLAIN], atol=1e-4)
    assert not np.asarray(found)[len(PLAIN):].any()


@pytest.mark.parametrize("stored", STORED, ids=["bits", "lists"])
def test_components_have_the_lowest_slot_as_their_label(stored):
    labels = np.asarray(jax.jit(component_labels)(stored))
    for part in nx.connected_components(PLAIN):
        assert {labels[v] for v in part} == {min(part)}
    assert sorted(np.asarray(component_counts(stored))[[0, 10]].tolist()) == [6, 10]


def test_pivots_are_different_candidates():
    candidates = jnp.zeros(CAPACITY, bool).at[jnp.array([2, 5, 7, 11, 13])].set(True)
    draw = jax.jit(random_pivots, static_argnums=2)
    drawn = np.array([np.asarray(draw(jax.random.key(seed), candidates, 3)) for seed in range(40)])
    assert all(len(set(row)) == 3 for row in drawn.tolist())
    assert set(drawn.reshape(-1).tolist()) == {2, 5, 7, 11, 13}
    assert sorted(np.asarray(draw(jax.random.key(0), candidates, 7)).tolist()) == [-1, -1, 2, 5, 7, 11, 13]
