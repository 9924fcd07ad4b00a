"""BitGraph against networkx: edits, views, conversions; the capacity crosses a word and leaves slots absent."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_rl import graph as bg

PRESENT, CAPACITY, EDITS = 35, 37, 30
OPERATIONS = (bg.add_edge, bg.remove_edge, bg.toggle_edge)

slots = st.integers(-3, CAPACITY + 3) | st.sampled_from([0, 1, 31, 32, 33])  # few enough that edits meet
edits = st.lists(st.tuples(st.integers(0, 2), slots, slots), min_size=EDITS, max_size=EDITS)
pairs = st.lists(st.tuples(st.integers(0, PRESENT - 1), st.integers(0, PRESENT - 1)).filter(lambda p: p[0] != p[1]))
quick = settings(max_examples=40, deadline=None, derandomize=True)


@jax.jit
def apply(graph, edits):
    """The graph after each edit (operation, u, v), i32[EDITS, 3]."""

    def step(graph, edit):
        graph = jax.lax.switch(edit[0], OPERATIONS, graph, edit[1], edit[2])
        return graph, (bg.num_edges(graph), bg.has_edge(graph, edit[1], edit[2]))

    return jax.lax.scan(step, graph, edits)


apply_all = jax.jit(jax.vmap(apply, in_axes=(None, 0)))
neighbour_masks = jax.jit(jax.vmap(bg.neighbour_mask, in_axes=(None, 0)))
neighbours = jax.jit(bg.neighbours, static_argnums=1)


@jax.jit
def views(graph):
    return bg.adjacency(graph), bg.degree(graph), bg.num_edges(graph), bg.num_nodes(graph)


def edit_networkx(graph, operation, u, v):
    """The rule from the docstring: pairs of different present nodes or nothing."""
    if u == v or u not in graph or v not in graph:
        return
    present = graph.has_edge(u, v)
    if operation == 0 or (operation == 2 and not present):
        graph.add_edge(u, v)
    elif present:
        graph.remove_edge(u, v)


def reference(edges, directed):
    graph = nx.DiGraph() if directed else nx.Graph()
    graph.add_nodes_from(range(PRESENT))
    graph.add_edges_from(edges)
    return graph


def dense(graph):
    out = np.zeros((CAPACITY, CAPACITY), bool)
    for u, v in graph.edges:
        out[u, v] = True
        out[v, u] |= not graph.is_directed()
    return out


@pytest.mark.parametrize("directed", [False, True])
@quick
@given(edges=pairs, edits=edits)
def test_edits_and_views_equal_networkx(directed, edges, edits):
    want = reference(edges, directed)
    graph = bg.from_edges(edges, PRESENT, capacity=CAPACITY, directed=directed)
    after, (counts, present) = apply(graph, jnp.array(edits, jnp.int32))
    for i, (operation, u, v) in enumerate(edits):
        edit_networkx(want, operation, u, v)
        assert counts[i] == want.number_of_edges()
        assert bool(present[i]) == want.has_edge(u, v)
    adjacency, degree, num_edges, num_nodes = views(after)
    out_degree = want.out_degree if directed else want.degree
    np.testing.assert_array_equal(adjacency, dense(want))
    np.testing.assert_array_equal(degree, [out_degree[v] if v in want else 0 for v in range(CAPACITY)])
    assert (num_edges, num_nodes) == (want.number_of_edges(), PRESENT)
    assert not np.any(np.asarray(after.rows)[:, -1] >> (CAPACITY - 32)), "a bit at or beyond N"


@quick
@given(edges=pairs, batch=st.lists(edits, min_size=3, max_size=3))
def test_vmapped_edits_equal_the_loop(edges, batch):
    graph = bg.from_edges(edges, PRESENT, capacity=CAPACITY)
    many = jnp.array(batch, jnp.int32)
    together, _ = apply_all(graph, many)
    for i in range(3):
        alone, _ = apply(graph, many[i])
        np.testing.assert_array_equal(together.rows[i], alone.rows)


isolated = jax.jit(jax.vmap(bg.isolate, in_axes=(None, 0)))


@pytest.mark.parametrize("directed", [False, True])
@quick
@given(edges=pairs)
def test_isolated_nodes_lose_their_edges_and_nothing_else_happens(directed, edges):
    graph = bg.from_edges(edges, PRESENT, capacity=CAPACITY, directed=directed)
    nodes = np.arange(-2, CAPACITY + 2)
    after = jax.vmap(bg.adjacency)(isolated(graph, jnp.asarray(nodes, jnp.int32)))
    for node, found in zip(nodes, after, strict=True):
        want = reference(edges, directed)
        want.remove_edges_from([edge for edge in list(want.edges) if node in edge])
        np.testing.assert_array_equal(found, dense(want))


def test_labels_are_set_at_present_nodes_only():
    graph = bg.from_edges([(0, 1)], 3, capacity=5, labels=np.array([1.0, -1.0, 0.5]))
    np.testing.assert_array_equal(bg.set_label(graph, 1, 7.0).labels, [1, 7, 0.5, 0, 0])
    for nobody in (4, -1, 9):
        np.testing.assert_array_equal(bg.set_label(graph, nobody, 7.0).labels, graph.labels)
    order = jnp.array([2, 0, 4, 1, 3])
    np.testing.assert_array_equal(bg.permute(graph, order).labels, [0.5, 1, 0, -1, 0])
    np.testing.assert_array_equal(bg.pad(graph, 7).labels, [1, -1, 0.5, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="no labels"):
        bg.set_label(bg.from_edges([(0, 1)], 2), 0, 1.0)


@quick
@given(edges=pairs, seed=st.integers(0, 99))
def test_permute_relabels(edges, seed):
    order = np.random.default_rng(seed).permutation(CAPACITY)
    features = np.arange(PRESENT, dtype=np.float32)[:, None]
    pairwise = np.random.default_rng(1).random((PRESENT, PRESENT, 2), np.float32)
    graph = bg.from_edges(
        edges, PRESENT, capacity=CAPACITY, directed=True, node_features=features, edge_features=pairwise
    )
    got = jax.jit(bg.permute)(graph, jnp.array(order))
    np.testing.assert_array_equal(bg.adjacency(got), dense(reference(edges, True))[np.ix_(order, order)])
    np.testing.assert_array_equal(got.node_mask, order < PRESENT)
    np.testing.assert_array_equal(got.node_features[:, 0], np.where(order < PRESENT, order, 0))
    padded = np.pad(pairwise, ((0, 2), (0, 2), (0, 0)))
    np.testing.assert_array_equal(got.edge_features, padded[np.ix_(order, order)])


@pytest.mark.parametrize("max_degree", [2, CAPACITY, CAPACITY + 5])
@settings(quick, max_examples=15)
@given(edges=pairs, directed=st.booleans())
def test_neighbour_lists(max_degree, edges, directed):
    want = reference(edges, directed)
    graph = bg.from_edges(edges, PRESENT, capacity=CAPACITY, directed=directed)
    index, mask, dropped = map(np.asarray, neighbours(graph, max_degree))
    assert index.shape == mask.shape == (CAPACITY, max_degree)
    assert dropped == sum(max(len(want[v]) - max_degree, 0) for v in want)
    for v in range(CAPACITY):
        expected = sorted(want[v])[:max_degree] if v in want else []
        assert index[v][mask[v]].tolist() == expected
        assert not index[v][~mask[v]].any()


@quick
@given(edges=pairs)
def test_neighbour_mask_is_a_row(edges):
    graph = bg.from_edges(edges, PRESENT, capacity=CAPACITY)
    rows = neighbour_masks(graph, jnp.arange(CAPACITY))
    np.testing.assert_array_equal(rows, dense(reference(edges, False)))


@pytest.mark.parametrize("size", [1, 31, 32, 33, 64, 70])
def test_bits_pack_and_unpack(size):
    bits = np.random.default_rng(size).random((3, size)) < 0.5
    words = bg.pack_bits(jnp.array(bits))
    assert words.shape == (3, -(-size // 32))
    for row, packed in zip(bits, words, strict=True):
        assert sum(int(word) << (32 * i) for i, word in enumerate(packed)) == sum(
            1 << i for i in np.flatnonzero(row).tolist()
        )
    np.testing.assert_array_equal(bg.unpack_bits(words, size), bits)


@pytest.mark.parametrize("capacity", [5, 33, 70])
def test_pad_adds_absent_slots(capacity):
    graph = bg.from_edges([(0, 4), (1, 2)], 5, node_features=np.ones((5, 2)), edge_features=np.ones((5, 5, 1)))
    padded = bg.pad(graph, capacity)
    rebuilt = bg.from_edges(
        [(0, 4), (1, 2)], 5, capacity=capacity, node_features=np.ones((5, 2)), edge_features=np.ones((5, 5, 1))
    )
    assert padded.capacity == capacity
    assert jax.tree.structure(padded) == jax.tree.structure(rebuilt)
    for got, want in zip(jax.tree.leaves(padded), jax.tree.leaves(rebuilt), strict=True):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(ValueError, match="at least that many"):
        bg.pad(graph, 4)


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph])
def test_networkx_round_trip_keeps_names(kind):
    want = kind([("Anna", "Bo"), ("Bo", "Cy"), ("Bo", "Cy"), ("Cy", "Anna"), ("Di", "Di"), (3, "Anna")])
    graph, names = bg.from_networkx(want, capacity=40)
    got = bg.to_networkx(graph, names)
    simple = nx.DiGraph(want) if want.is_directed() else nx.Graph(want)
    simple.remove_edges_from(list(nx.selfloop_edges(simple)))
    assert list(got.nodes) == list(want.nodes) == list(names)
    assert nx.utils.edges_equal(got.edges, simple.edges, directed=want.is_directed())
    assert list(bg.to_networkx(graph).nodes) == list(range(len(names)))


@pytest.mark.parametrize(
    ("edges", "options", "message"),
    [
        ([(0, 3)], {}, r"\[0, 3\)"),
        ([(-1, 0)], {}, r"\[0, 3\)"),
        ([(1, 1)], {}, "self-loops"),
        (np.zeros((2, 3), int), {}, "pairs"),
        ([(0, 1)], {"capacity": 2}, "do not fit"),
        ([(0, 1)], {"node_features": np.ones((1, 2))}, "node_features"),
        ([(0, 1)], {"edge_features": np.ones((3, 3))}, "edge_features"),
    ],
)
def test_bad_graphs_are_refused(edges, options, message):
    with pytest.raises(ValueError, match=message):
        bg.from_edges(edges, 3, **options)
