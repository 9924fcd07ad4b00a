"""Critical fraction beyond the contract: wide times, hand-computed values, fair orders, what the sensitivities say."""

import itertools

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import from_edges, from_networkx
from lepton_rl.objectives.critical_fraction import critical_fraction, draw_ranks
from tests.oracles import critical_fraction as oracle
from tests.oracles import removal_orders


def valued(objective, graph, seed=0):
    ranks = objective.draw(graph, jax.random.key(seed))
    return ranks, float(jax.jit(objective.init)(graph, ranks).value)


@pytest.mark.parametrize("removal", ["random", "targeted"])
@pytest.mark.parametrize("nodes", [70, 260])
def test_more_nodes_than_a_fused_block_or_a_byte_of_times(removal, nodes):
    graph = nx.connected_watts_strogatz_graph(nodes, 6, 0.5, seed=1)
    ranks, value = valued(critical_fraction(removal, 6), from_networkx(graph, capacity=nodes + 40)[0])
    assert ranks.dtype == (jnp.uint8 if nodes + 40 < 255 else jnp.uint16)
    np.testing.assert_allclose(value, oracle(graph, ranks, removal), atol=1e-6)


def test_hand_computed_values():
    star, ring = from_networkx(nx.star_graph(4))[0], from_networkx(nx.complete_graph(5))[0]
    assert valued(critical_fraction("targeted"), star)[1] == pytest.approx(1 / 5)
    assert valued(critical_fraction("targeted"), ring)[1] == 1
    # The middle of three in a row: removed first in a third of the orders, then the ends part; else they never do.
    path = from_edges([(0, 1), (1, 2)], num_nodes=3)
    assert valued(critical_fraction("random", 4000), path)[1] == pytest.approx(2 / 3 * 1 + 1 / 3 * 1 / 3, abs=0.03)


def test_orders_are_as_many_as_asked_for_and_twice_the_slots_else():
    graph = from_networkx(nx.path_graph(5), capacity=8)[0]
    assert valued(critical_fraction("random", 7), graph)[0].shape == (8, 7)
    assert valued(critical_fraction("random"), graph)[0].shape == (8, 16)
    assert critical_fraction("random", 7) is critical_fraction("random", 7)


def test_orders_are_fair():
    ranks = np.asarray(draw_ranks(from_networkx(nx.path_graph(4))[0], jax.random.key(3), 24_000))
    codes = (ranks * 4 ** np.arange(4)[:, None]).sum(0)
    expected = {sum(r * 4**i for i, r in enumerate(p)) for p in itertools.permutations(range(4))}
    found, counts = np.unique(codes, return_counts=True)
    assert set(found) == expected
    assert ((counts - 1000) ** 2 / 1000).sum() < 60  # chi-squared, 23 degrees of freedom: p < 1e-4 beyond


def split_of(graph, order):
    """(nodes cut off from the one removed last, nodes still joined to it) when the rest is first in several parts."""
    left = graph.copy()
    for node in order:
        if not nx.is_connected(left):
            joined = nx.node_connected_component(left, order[-1])
            return set(left) - joined, joined
        left.remove_node(node)
        if not left:
            return set(), set()
    return set(), set()


@pytest.mark.parametrize("removal", ["random", "targeted"])
def test_sensitivity_counts_the_splits_an_edge_would_repair(removal):
    graph = nx.barabasi_albert_graph(12, 2, seed=2)
    objective = critical_fraction(removal)
    slots = from_networkx(graph, capacity=14)[0]
    ranks = objective.draw(slots, jax.random.key(5))
    repairs, above, below = np.asarray(jax.jit(objective.sensitivity)(slots, ranks))[:3] * 2 / 12
    expected = np.zeros((14, 14))
    for order in removal_orders(graph, ranks, removal):
        for u, v in itertools.product(*split_of(graph, order)):
            expected[u, v] += 1 / ranks.shape[1]
            expected[v, u] += 1 / ranks.shape[1]
    np.testing.assert_allclose(repairs, expected, atol=1e-6)
    assert repairs.max() > 0
    tiny = 1e-6
    assert (below >= 0).all() and (below <= above + tiny).all() and (above <= repairs + tiny).all()


def test_sensitivity_of_an_attack_counts_what_the_new_degrees_do_to_its_order():
    graph = nx.gnm_random_graph(10, 14, seed=4)
    objective = critical_fraction("targeted", 3)
    slots = from_networkx(graph, capacity=12)[0]
    ranks = objective.draw(slots, jax.random.key(6))
    last = np.asarray(jax.jit(objective.sensitivity)(slots, ranks))[-1]

    def removals(moved):
        found = []
        for column in np.asarray(ranks, int).T:
            order = sorted(graph, key=lambda v: (-(graph.degree[v] + (v == moved)), column[v]))
            left = graph.copy()
            while left and nx.is_connected(left):
                left.remove_node(order[len(graph) - len(left)])
            found.append(len(graph) - len(left) if left else len(graph))
        return np.mean(found)

    change = np.array([removals(v) - removals(None) for v in graph]) / 2
    np.testing.assert_allclose(last[:10, :10], change[:, None] + change[None, :], atol=1e-5)
    assert (change > 0).any() and (change < 0).any()
