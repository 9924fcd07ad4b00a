"""All-pairs distances against networkx, and their update by one edge."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import add_edge, from_networkx
from lepton_rl.objectives import Edit
from lepton_rl.objectives.distance import FAR, distances, efficiency

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
