import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.pools import bucket, make_pool, make_pools, pool_from_edges, split, take
from lepton_rl.data.generators.batch import EdgeBatch, join
from lepton_rl.graph import from_edges, from_networkx, to_networkx
from tests.envs.toys import assert_trees_match


def graph_of(n):
    return from_networkx(nx.path_graph(n))[0]


@pytest.mark.parametrize(("nodes", "capacity"), [(1, 32), (32, 32), (33, 64), (64, 64), (65, 128), (1000, 1024)])
def test_bucket(nodes, capacity):
    assert bucket(nodes) == capacity


def test_one_size_wastes_no_slot_and_mixed_sizes_share_a_bucket():
    assert make_pool([graph_of(20)] * 3).capacity == 20
    mixed = make_pool([graph_of(5), graph_of(40), graph_of(33)])
    assert mixed.capacity == 64 and mixed.size == 3
    for i, n in enumerate((5, 40, 33)):
        assert nx.utils.graphs_equal(to_networkx(mixed[i]), nx.path_graph(n))
        assert int(mixed[i].node_mask.sum()) == n


def test_pools_by_bucket_keep_every_graph_in_order():
    sizes = (5, 40, 33, 7, 32)
    pools = make_pools([graph_of(n) for n in sizes])
    assert list(pools) == [32, 64]
    assert [int(pools[32][i].node_mask.sum()) for i in range(3)] == [5, 7, 32]
    assert [int(pools[64][i].node_mask.sum()) for i in range(2)] == [40, 33]


def test_taking_graphs_drops_the_slots_nobody_uses():
    pool = make_pool([graph_of(n) for n in (5, 40, 33, 7)])
    few = take(pool, [3, 2])
    assert few.capacity == 33 and few.size == 2
    for i, n in enumerate((7, 33)):
        alone = make_pool([graph_of(n)], 33)
        assert_trees_match(few[i], alone[0])


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([2, 31, 32, 33, 64, 65]), st.integers(1, 6), st.sampled_from([0, 1, 31]), st.integers(0, 1000))
def test_a_pool_of_edges_is_the_pool_of_its_graphs(n, size, spare, seed):
    rng = np.random.default_rng(seed)
    members = [np.argwhere(np.triu(rng.random((n, n)) < rng.random() / 2, 1)) for _ in range(size)]
    members[0] = members[0][:0]  # no edges: all padding
    graphs = join([EdgeBatch.equal(edges[None], n) for edges in members], n)
    pool = pool_from_edges(graphs, n + spare)
    assert_trees_match(pool, make_pool([from_edges(edges, n, capacity=n + spare) for edges in members]))
    assert pool_from_edges(graphs).capacity == n


def test_a_pool_of_edges_needs_graphs_and_slots():
    graphs = EdgeBatch.equal(np.array([[[0, 1]]]), 5)
    with pytest.raises(ValueError, match="at least 5 slots"):
        pool_from_edges(graphs, 4)
    with pytest.raises(ValueError, match=r"0 graph.*at least one graph"):
        pool_from_edges(graphs.take(np.arange(0)))


def test_indexing_under_jit_and_vmap_equals_indexing():
    pool = make_pool([graph_of(n) for n in (3, 5, 4)])
    batch = jax.jit(jax.vmap(lambda pool, i: pool[i], in_axes=(None, 0)))(pool, jnp.array([2, 0, 2]))
    for row, i in enumerate((2, 0, 2)):
        assert_trees_match(jax.tree.map(lambda leaf, row=row: leaf[row], batch), pool[i])


def test_a_pool_can_be_looped_over_and_refuses_other_indices():
    pool = make_pool([graph_of(n) for n in (3, 5, 4)])
    assert [int(graph.node_mask.sum()) for graph in pool] == [3, 5, 4]
    with pytest.raises(IndexError, match="graph 3 of a pool of 3: give 0 … 2"):
        pool[3]


def test_pools_refuse_what_does_not_stack():
    with pytest.raises(ValueError, match="at least one graph"):
        make_pool([])
    with pytest.raises(ValueError, match="must agree"):
        make_pool([graph_of(4), from_edges([(0, 1)], 4, directed=True)])
    with pytest.raises(ValueError, match="cannot pad 33 slots to 32"):
        make_pool([graph_of(33)], 32)


@settings(max_examples=8, deadline=None)
@given(st.integers(3, 20), st.lists(st.integers(1, 20), min_size=1, max_size=3), st.integers(0, 1000))
def test_split_is_disjoint_complete_and_near_the_fractions(size, weights, seed):
    # Distinct graphs: graph i is told by its degree sequence's single hub joined to i + 1 others.
    pool = make_pool([from_edges([(0, v + 1) for v in range(i + 1)], 42) for i in range(size)])
    fractions = [w / sum(weights) for w in weights]
    parts = split(pool, fractions, seed)
    hubs = [np.bitwise_count(np.asarray(part.graphs.rows[:, 0])).sum(-1).tolist() for part in parts]
    assert sorted(hub for part in hubs for hub in part) == list(range(1, size + 1))
    assert all(hubs)
    if all(f * size >= 1 for f in fractions):
        assert all(abs(len(h) - f * size) <= 1.5 for h, f in zip(hubs, fractions, strict=True))


def test_split_depends_on_the_seed_only():
    pool = make_pool([from_edges([(0, v + 1) for v in range(i + 1)], 32) for i in range(20)])
    first, again, other = (split(pool, (0.8, 0.1, 0.1), seed) for seed in (0, 0, 1))
    assert [part.size for part in first] == [16, 2, 2]
    assert np.array_equal(first[0].graphs.rows, again[0].graphs.rows)
    assert not np.array_equal(first[0].graphs.rows, other[0].graphs.rows)


def test_split_refuses_bad_fractions():
    pool = make_pool([graph_of(4)] * 2)
    for fractions in ((0.5, 0.4), (1.5, -0.5)):
        with pytest.raises(ValueError, match="positive and sum to 1"):
            split(pool, fractions, 0)
    with pytest.raises(ValueError, match="give more graphs"):
        split(pool, (0.5, 0.3, 0.2), 0)
