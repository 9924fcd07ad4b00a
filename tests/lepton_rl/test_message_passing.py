"""Aggregation against explicit loops over networkx neighbours, in both layouts, forward and backward."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import from_edges, from_networkx
from lepton_rl.message_passing import aggregate, aggregate_messages

REDUCE = {"sum": np.sum, "mean": np.mean, "max": np.max}
N, D, CAPACITY = 33, 3, 40  # one node beyond a word of the bitset, and absent slots


def example(directed, seed=0):
    graph = nx.gnp_random_graph(N, 0.15, seed=seed, directed=directed)
    graph.remove_edges_from([(0, v) for v in list(graph[0])])  # a node without out-neighbours
    return graph, from_networkx(graph, capacity=CAPACITY)[0]


def by_loops(h, graph, reduce):
    out = np.zeros((CAPACITY, h.shape[1]))
    for u in graph:
        if len(graph[u]):
            out[u] = REDUCE[reduce]([h[v] for v in graph[u]], axis=0)
    return out


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("reduce", list(REDUCE))
def test_equals_loops_and_finite_differences_in_both_layouts(reduce, directed):
    graph, bits = example(directed)
    widest = max(dict(graph.out_degree if directed else graph.degree).values())
    rng = np.random.default_rng(1)
    h, weight, along = rng.normal(size=(3, CAPACITY, D))
    expected = by_loops(h, graph, reduce)
    step = 1e-5  # float64 differences of the oracle, so that the gradients have a witness of their own
    slope = (weight * (by_loops(h + step * along, graph, reduce) - by_loops(h - step * along, graph, reduce))).sum()

    @jax.jit
    def both(h, bits):
        outputs = []
        for layout in (None, widest):
            value, pull = jax.vjp(lambda h, layout=layout: aggregate(h, bits, reduce, layout), h)
            outputs.append((value, pull(jnp.asarray(weight, jnp.float32))[0]))
        return outputs

    for value, gradient in both(jnp.asarray(h, jnp.float32), bits):
        np.testing.assert_allclose(value, expected, atol=1e-4)
        np.testing.assert_allclose((gradient * along).sum(), slope / (2 * step), rtol=1e-3, atol=1e-3)


def test_lists_too_short_turn_into_nan():
    graph, bits = example(False)
    widest = max(dict(graph.degree).values())
    h = jnp.ones((CAPACITY, D))
    for reduce in REDUCE:
        assert np.isnan(aggregate(h, bits, reduce, widest - 1)).all()


def test_lists_longer_than_the_unrolled_loop():
    graph = nx.star_graph(99)  # a hub of degree 99
    bits, _ = from_networkx(graph)
    h = jnp.arange(100, dtype=jnp.float32)[:, None]
    lists = aggregate(h, bits, "sum", 120)  # also longer than the graph has slots
    np.testing.assert_allclose(lists, aggregate(h, bits, "sum"), rtol=1e-6)
    assert lists[0, 0] == 99 * 100 / 2


def test_the_backward_pass_of_an_undirected_graph_scatters_nothing():
    _, bits = example(False)
    _, arcs = example(True)

    def lowered(graph):
        return jax.jit(jax.grad(lambda h: (aggregate(h, graph, "sum", 20) ** 2).sum())).lower(jnp.ones((CAPACITY, D)))

    assert "scatter" not in lowered(bits).as_text()
    assert "scatter" in lowered(arcs).as_text()  # so the word is the right one to look for


@pytest.mark.parametrize("reduce", list(REDUCE))
def test_messages_by_edge_equal_loops(reduce):
    graph, bits = example(True)
    messages = np.random.default_rng(2).normal(size=(CAPACITY, CAPACITY, D)).astype(np.float32)
    expected = np.zeros((CAPACITY, D))
    for u in graph:
        if len(graph[u]):
            expected[u] = REDUCE[reduce]([messages[u, v] for v in graph[u]], axis=0)
    np.testing.assert_allclose(aggregate_messages(jnp.asarray(messages), bits, reduce), expected, atol=1e-5)


def test_vmap_equals_loop_over_graphs_and_over_embeddings():
    pairs = [example(False, seed)[1] for seed in range(3)]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *pairs)
    h = jax.random.normal(jax.random.key(0), (3, CAPACITY, D))
    together = jax.vmap(aggregate)(h, batch)
    shared = jax.vmap(aggregate, in_axes=(0, None))(h, pairs[0])
    for i, graph in enumerate(pairs):
        np.testing.assert_allclose(together[i], aggregate(h[i], graph), atol=1e-5)
        np.testing.assert_allclose(shared[i], aggregate(h[i], pairs[0]), atol=1e-5)


def test_a_single_node_has_nothing_to_reduce():
    lonely = from_edges([], num_nodes=1)
    for reduce in REDUCE:
        assert aggregate(jnp.ones((1, 2)), lonely, reduce).tolist() == [[0.0, 0.0]]
