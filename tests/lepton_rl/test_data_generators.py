import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_rl.data import generators
from lepton_rl.data.generators import FAMILIES, GENERATORS, generate, stream
from lepton_rl.data.generators.protocol import barabasi_albert, erdos_renyi

# Graphs of the first seeds of RNet-DQN's protocol, written out: these may never change.
BA_8_SEED_1 = [(0, 2), (0, 3), (0, 4), (0, 7), (1, 2), (1, 3), (1, 4), (2, 6), (3, 5), (3, 6), (4, 5), (5, 7)]
ER_9_SEED_1 = [(0, 8), (0, 7), (1, 3), (2, 5), (2, 7), (3, 4), (4, 7), (5, 6)]


def test_literal_graphs():
    assert list(barabasi_albert(8, seed=1).edges) == BA_8_SEED_1
    assert list(erdos_renyi(9, seed=1).edges) == ER_9_SEED_1


@pytest.mark.parametrize("kind", ["ba", "er"])
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


@pytest.mark.parametrize("kind", GENERATORS)
def test_seeds_decide(kind):
    first, again, other = generate(kind, 30, [5, 5, 6])
    assert list(first.nodes) == list(range(30))
    assert nx.is_connected(first)
    assert nx.utils.edges_equal(first.edges, again.edges)
    assert not nx.utils.edges_equal(first.edges, other.edges)


@pytest.mark.parametrize(("kind", "size"), [("ba", 2), ("er", 1), ("er", 8), ("er", 0), ("gnp", 1)])
def test_too_few_nodes(kind, size):
    with pytest.raises(ValueError, match="give"):
        generate(kind, size, [0])


def test_unknown_kind_names_a_near_match():
    with pytest.raises(ValueError, match="Did you mean 'er'"):
        generate("err", 20, [0])
    with pytest.raises(ValueError, match="Did you mean 'gnp'"):
        stream("gnq", 20, range(3))


def test_generated_graphs_are_those_of_the_stream_of_seed_0():
    graphs = stream("gnp", 12, [1030, 2])
    for made, edges in zip(generate("gnp", 12, [1030, 2]), graphs.members(), strict=True):
        assert {tuple(edge) for edge in edges.tolist()} == set(made.edges)


def test_literal_stream():
    # What a seed means may change with NumPy's random streams, and with nothing else.
    first, second = stream("ba_star", 5, range(2), seed=3).edges.tolist()
    assert first == [[0, 1], [0, 2], [2, 3], [0, 3], [0, 4], [3, 4]]
    assert second == [[0, 1], [0, 2], [0, 3], [2, 3], [0, 4], [1, 4]]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(generators, "_BLOCK_SLOTS", 0)  # blocks of 16 graphs


def equal(a, b):
    return np.array_equal(a.edges, b.edges) and np.array_equal(a.counts, b.counts) and a.num_nodes == b.num_nodes


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_asked_for_together_changes_no_graph(kind, small_blocks):
    many = stream(kind, 12, range(70), seed=4)
    assert equal(stream(kind, 12, range(10), seed=4), many.take(np.arange(10)))
    assert not equal(stream(kind, 12, range(10), seed=5), many.take(np.arange(10)))
    distinct = {tuple(map(tuple, edges.tolist())) for edges in many.members()}
    assert len(distinct) > 60, "graphs of a stream are drawn, not repeated, within blocks and across"


@settings(max_examples=25, deadline=None)
@given(indices=st.lists(st.integers(0, 3000), max_size=5))
def test_any_indices_in_any_order(indices):
    whole = stream("gnp", 9, range(3001), seed=1)
    assert equal(stream("gnp", 9, indices, seed=1), whole.take(np.array(indices, int)))


def test_streams_do_not_wait_for_jax():
    code = "import sys\nfrom lepton_rl.data import stream\nstream('gnp', 9, [0])\nprint('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("arguments", "parameters", "said"),
    [
        (("gnp", 20, [-1]), {}, "least index -1: give whole numbers"),
        (("gnp", 20, [0], -2), {}, "seed -2"),
        (("gnp", 50_000, [0]), {}, "give 2 … 46340"),
        (("watts_strogatz", 20, [0]), {"q": 0.1}, "no parameter 'q'.*Allowed: k, p"),
        (("gabriel", 20, [0]), {"p": 0.1}, "no parameter 'p'. Allowed: none"),
        (("ba_star", 5, [0]), {"m": 5}, "give 1 <= m < 5"),
        (("holme_kim", 5, [0]), {"m": 0}, "give 1 <= m < 5"),
        (("holme_kim", 5, [0]), {"p": 1.1}, "give 0 … 1"),
        (("gnp", 20, [0]), {"p": -0.1}, "give a probability"),
        (("gnp", 20, [0]), {"p": 0.01}, "give p > 0.01, or connected=False"),
        (("gnm", 20, [0]), {"m": 18}, r"give 19 \(a tree's\) … 190"),
        (("gnm", 20, [0]), {"m": 191}, r"give 19 \(a tree's\) … 190"),
        (("gnm", 60, [0]), {"m": 59}, "give m > 59"),
        (("sbm", 20, [0]), {"sizes": [10, 9]}, "sum to 20"),
        (("sbm", 3, [0]), {}, "at least 1"),
        (("sbm", 20, [0]), {"sizes": [10, 10], "p": [[0.5, 0.1], [0.2, 0.5]]}, "symmetric"),
        (("sbm", 20, [0]), {"p": [[0.5]]}, "symmetric"),
        (("sbm", 20, [0]), {"p": np.eye(4)}, "give larger p, or connected=False"),
        (("watts_strogatz", 20, [0]), {"k": 3}, "give an even k"),
        (("watts_strogatz", 4, [0]), {}, "2 <= k < n"),
        (("watts_strogatz", 20, [0]), {"p": 2.0}, "give 0 … 1"),
        (("gabriel", 2, [0]), {}, "at least 3"),
        (("user_item", 20, [0]), {"users": 20}, "give 1 … 19"),
        (("user_item", 20, [0]), {"m": 19}, "give 20 … 91"),
        (("user_item", 20, [0]), {"item_skew": -1.0}, "at least 0"),
    ],
)
def test_impossible_parameters_say_what_to_give(arguments, parameters, said):
    with pytest.raises(ValueError, match=said):
        stream(*arguments, **parameters)
