"""The large storage against BitGraph and networkx: edits, refusals, reductions, components, inputs of networks."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from envs.base import Observation
from lepton_rl import edge_graph as eg
from lepton_rl import graph as bg
from lepton_rl.connected import component_labels
from lepton_rl.data import DataError, NamedGraph
from lepton_rl.data.names import Names
from lepton_rl.features import node_inputs
from lepton_rl.heads import build_network
from lepton_rl.message_passing import aggregate
from lepton_rl.objectives.components import component_sizes

PRESENT, CAPACITY, EDITS, LIST = 40, 44, 60, 24


def example(directed=False, seed=0):
    """Edges of a graph with a hub of more neighbours than the widest table, and a node without any."""
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(PRESENT, 0.12, seed=seed, directed=directed)
    graph.add_edges_from((0, int(v)) for v in rng.choice(np.arange(1, PRESENT), 30, replace=False))
    graph.remove_edges_from([edge for edge in list(graph.edges) if 7 in edge])
    return graph


def both(directed=False, seed=0, max_edits=LIST, **options):
    edges = list(example(directed, seed).edges)
    options = {"capacity": CAPACITY, "directed": directed, **options}
    return (bg.from_edges(edges, PRESENT, **options), eg.from_edges(edges, PRESENT, max_edits=max_edits, **options))


def draw_edits(seed, number=EDITS):
    """(operation, u, v): 0 – 2 edit an edge, 3 isolates u; few slots, so that edits meet, some of them out of range."""
    rng = np.random.default_rng(seed)
    slots = np.concatenate([np.arange(12), [-1, PRESENT - 1, PRESENT + 1, CAPACITY, 0, 0]])
    operations = rng.choice(4, number, p=[0.3, 0.3, 0.3, 0.1])
    return jnp.asarray(np.stack([operations, *rng.choice(slots, (2, number))], axis=1), jnp.int32)


@jax.jit
def play(graph, edits):
    def step(graph, edit):
        isolated = lambda graph, u, v: bg.isolate(graph, u)  # noqa: E731
        graph = jax.lax.switch(edit[0], [bg.add_edge, bg.remove_edge, bg.toggle_edge, isolated], graph, *edit[1:])
        return graph, (bg.has_edge(graph, edit[1], edit[2]), bg.degree(graph))

    return jax.lax.scan(step, graph, edits)


def pairs_of(graph):
    return {tuple(pair) for pair in eg.to_edges(graph).tolist()}


@pytest.mark.parametrize("directed", [False, True])
def test_edits_equal_those_of_bitset_rows(directed):
    for seed in range(8):
        bits, large = both(directed)
        edits = draw_edits(seed)
        (bits, (present, degrees)), (large, (found, counted)) = play(bits, edits), play(large, edits)
        assert eg.refused(large) == 0
        np.testing.assert_array_equal(found, present)
        np.testing.assert_array_equal(counted, degrees)
        assert pairs_of(large) == set(bg.to_networkx(bits).edges)
        assert bg.num_edges(large) == bg.num_edges(bits) and bg.num_nodes(large) == PRESENT


def edited(directed=False, max_edits=LIST, **options):
    bits, large = both(directed, max_edits=max_edits, **options)
    edits = draw_edits(3)
    return play(bits, edits)[0], play(large, edits)[0]


@pytest.mark.parametrize("directed", [False, True])
def test_reductions_over_neighbours_and_their_gradients_equal_those_of_bitset_rows(directed):
    h, weight = jax.random.normal(jax.random.key(0), (2, CAPACITY, 3))

    @jax.jit
    def reduced(h, graph):
        outputs = []
        for reduce in ("sum", "mean", "max"):
            value, pull = jax.vjp(lambda h, reduce=reduce: aggregate(h, graph, reduce), h)
            outputs.append((value, pull(weight)[0]))
        return outputs

    bits, large = edited(directed)
    for (value, gradient), (found, slope) in zip(reduced(h, bits), reduced(h, large), strict=True):
        np.testing.assert_allclose(found, value, atol=1e-5)
        np.testing.assert_allclose(slope, gradient, atol=1e-5)


def test_inputs_of_networks_and_a_whole_network_equal_those_of_bitset_rows():
    labels = np.random.default_rng(0).random(PRESENT)
    bits, large = edited(labels=labels, node_features=np.arange(PRESENT, dtype=float)[:, None])
    np.testing.assert_allclose(jax.jit(node_inputs)(large), jax.jit(node_inputs)(bits), atol=1e-6)
    network = build_network("gin", "node", features=2, width=8, rounds=2)
    nothing = jnp.zeros((0, CAPACITY, CAPACITY))
    seen = [
        Observation(graph, jnp.zeros((CAPACITY, 2)), graph.node_mask, jnp.zeros(0, jnp.int32), nothing)
        for graph in (bits, large)
    ]
    params = jax.tree.map(lambda x: x + 0.1, network.init(jax.random.key(1), seen[0]))
    scores, found = (network.score(params, network.encode(params, one), one) for one in seen)
    np.testing.assert_allclose(found, scores, rtol=1e-4, atol=1e-4)
    assert np.ptp(np.asarray(scores)) > 0.01


@pytest.mark.parametrize("directed", [False, True])
def test_components_equal_networkx(directed):
    bits, large = edited(directed)
    graph = bg.to_networkx(bits)
    parts = nx.weakly_connected_components(graph) if directed else nx.connected_components(graph)
    expected = {node: min(part) for part in map(set, parts) for node in part}
    labels = np.asarray(jax.jit(component_labels)(large))
    assert {node: labels[node] for node in graph} == expected
    for found, wanted in zip(component_sizes(large), component_sizes(bits), strict=True):
        assert found == wanted


def test_a_full_list_refuses_and_counts():
    _, large = both(max_edits=2)
    path = [(8, 9), (9, 10), (10, 11)]
    before = [bool(bg.has_edge(large, u, v)) for u, v in path]
    for u, v in path:
        large = bg.toggle_edge(large, u, v)
    assert [bool(bg.has_edge(large, u, v)) for u, v in path] == [not before[0], not before[1], before[2]]
    assert eg.refused(large) == 1
    large = bg.toggle_edge(bg.toggle_edge(large, 9, 8), 0, CAPACITY)  # a pair that is listed; no pair at all
    assert bool(bg.has_edge(large, 8, 9)) == before[0] and eg.refused(large) == 1
    assert eg.refused(bg.add_edge(both(max_edits=0)[1], 0, 7)) == 1


def test_what_reads_matrices_says_that_it_does_not_work_here():
    with pytest.raises(TypeError, match="EdgeGraph"):
        bg.adjacency(both()[1])
    with pytest.raises(ValueError, match="self-loops"):
        eg.from_edges([(1, 1)], 3)


def test_a_named_graph_of_any_size_becomes_one():
    edges = np.stack([np.arange(4999), np.arange(1, 5000)], axis=1)
    named = NamedGraph("path", edges.astype(np.int32), Names.of([f"v{i}" for i in range(5000)]))
    with pytest.raises(DataError, match="to_edge_graph"):
        named.to_bitgraph()
    assert pairs_of(named.to_edge_graph()) == set(map(tuple, edges.tolist()))


def test_a_batch_of_states_shares_one_base():
    _, large = both()
    nodes = jnp.array([0, 5, -1])
    states = jax.vmap(lambda node: eg.without_base(bg.isolate(large, node)))(nodes)
    shifted = jax.vmap(lambda state: eg.without_base(bg.toggle_edge(eg.on_base(large, state), 3, 4)))(states)
    assert not jax.tree.leaves((shifted.out, shifted.into))
    for i, node in enumerate(nodes):
        alone = bg.toggle_edge(bg.isolate(large, node), 3, 4)
        together = eg.on_base(large, jax.tree.map(lambda leaf, i=i: leaf[i], shifted))
        assert pairs_of(together) == pairs_of(alone)
        np.testing.assert_array_equal(together.degrees, alone.degrees)
