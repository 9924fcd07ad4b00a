import networkx as nx
import numpy as np
import pytest

from lepton_rl.data.generators import GENERATORS, barabasi_albert, erdos_renyi, generate

# Graphs of the first seeds of RNet-DQN's protocol, written out: these may never change.
BA_8_SEED_1 = [(0, 2), (0, 3), (0, 4), (0, 7), (1, 2), (1, 3), (1, 4), (2, 6), (3, 5), (3, 6), (4, 5), (5, 7)]
ER_9_SEED_1 = [(0, 8), (0, 7), (1, 3), (2, 5), (2, 7), (3, 4), (4, 7), (5, 6)]


def test_literal_graphs():
    assert list(barabasi_albert(8, seed=1).edges) == BA_8_SEED_1
    assert list(erdos_renyi(9, seed=1).edges) == ER_9_SEED_1


@pytest.mark.parametrize("kind", list(GENERATORS))
@pytest.mark.parametrize("size", [20, 100])
def test_equals_the_published_protocol_edge_for_edge(kind, size, shared_data):
    reference = np.load(shared_data / "robustness" / f"{kind}_n{size}_test.npz", allow_pickle=False)
    graphs = generate(kind, size, reference["seeds"])
    assert len(graphs) == 100
    for graph, edges in zip(graphs, reference["edges"], strict=True):
        np.testing.assert_array_equal(list(graph.edges), edges)


@pytest.mark.parametrize("size", [9, 20, 33])
def test_erdos_renyi_is_networkx_gnm_tried_until_connected(size):
    tries = []
    for seed in range(20):
        attempt = next(k for k in range(10_000) if nx.is_connected(_gnm(size, seed + 1000 * k)))
        want = _gnm(size, seed + 1000 * attempt)
        assert list(erdos_renyi(size, seed).edges) == list(want.edges)
        tries.append(attempt)
    assert size > 9 or max(tries) > 0, "some draw must have been disconnected for this to test the tries"


def _gnm(size, seed):
    return nx.gnm_random_graph(size, -(-size * (size - 1) // 10), seed=seed)


@pytest.mark.parametrize("size", [3, 4, 50])
def test_barabasi_albert_is_connected_and_starts_from_two_isolated_nodes(size):
    for graph in generate("ba", size, range(10)):
        assert list(graph.nodes) == list(range(size))
        assert graph.number_of_edges() == 2 * (size - 2)
        assert nx.is_connected(graph)
        assert not graph.has_edge(0, 1)


def test_seeds_decide():
    first, again, other = generate("ba", 30, [5, 5, 6])
    assert nx.utils.edges_equal(first.edges, again.edges)
    assert not nx.utils.edges_equal(first.edges, other.edges)


@pytest.mark.parametrize(("kind", "size"), [("ba", 2), ("er", 1), ("er", 8), ("er", 0)])
def test_too_few_nodes(kind, size):
    with pytest.raises(ValueError, match="give"):
        generate(kind, size, [0])


def test_unknown_kind_names_a_near_match():
    with pytest.raises(ValueError, match="Did you mean 'er'"):
        generate("err", 20, [0])
