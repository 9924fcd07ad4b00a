"""Sizes of components beyond the contract: rows of several words, directed graphs, values known by hand."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import from_networkx, permute
from lepton_rl.objectives.components import component_sizes, largest_component, pairwise_connectivity

CAPACITY = 75


def stacked(networks):
    members = [from_networkx(graph, capacity=CAPACITY)[0] for graph in networks]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)


@pytest.mark.parametrize("directed", [False, True])
def test_sizes_are_those_of_networkx_wherever_the_nodes_are(directed):
    networks = [nx.gnp_random_graph(70, p / (1 + directed), seed=seed, directed=directed)
                for p in (0.01, 0.02, 0.04) for seed in range(3)]  # fmt: skip
    networks += [nx.path_graph(72, nx.DiGraph if directed else nx.Graph), nx.empty_graph(40)]
    networks[-1] = networks[-1].to_directed() if directed else networks[-1]
    order = jnp.asarray(np.random.default_rng(0).permutation(CAPACITY))
    graphs = jax.vmap(lambda graph: permute(graph, order))(stacked(networks))
    largest, pairs = jax.jit(jax.vmap(component_sizes))(graphs)
    sizes = [[len(part) for part in nx.connected_components(graph.to_undirected())] for graph in networks]
    assert sum(len(parts) > 2 for parts in sizes) > 3
    np.testing.assert_array_equal(largest, [max(parts) for parts in sizes])
    np.testing.assert_array_equal(pairs, [sum(s * (s - 1) // 2 for s in parts) for parts in sizes])


def test_known_values():
    two_cycles = from_networkx(nx.disjoint_union(nx.cycle_graph(6), nx.cycle_graph(4)), capacity=12)[0]
    assert float(largest_component.init(two_cycles, ()).value) == pytest.approx(0.6)
    assert float(pairwise_connectivity.init(two_cycles, ()).value) == pytest.approx((15 + 6) / 45)
    for single in (nx.empty_graph(1), nx.empty_graph(5)):
        graph = from_networkx(single, capacity=9)[0]
        assert float(largest_component.init(graph, ()).value) == pytest.approx(1 / len(single))
        assert float(pairwise_connectivity.init(graph, ()).value) == 0
