"""The laws of the families: exact structure, and statistics beside independent generators within standard errors."""

from itertools import combinations
from math import comb

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.pools import pool_from_edges
from lepton_rl.data.generators import FAMILIES, stream
from lepton_rl.data.generators.gabriel import gabriel_edges
from lepton_rl.data.generators.pairs import decode

OURS, PEERS = 2000, 300  # graphs that statistics are means of
SIGMAS = 4.5  # standard errors; a true mean is further off once in 150,000, and some hundred are looked at here

# family, nodes, parameters, edges (None: they vary)
CASES = [
    ("ba_star", 20, {}, 36), ("ba_star", 7, {"m": 6}, 6), ("ba_star", 30, {"m": 4}, 104), ("ba_star", 2, {"m": 1}, 1),
    ("holme_kim", 20, {}, 36), ("holme_kim", 30, {"m": 4, "p": 1.0}, 104), ("holme_kim", 5, {"m": 4}, 4),
    ("gnp", 20, {}, None), ("gnp", 12, {"p": 0.9}, None), ("gnp", 6, {"p": 1.0}, 15),
    ("gnm", 20, {}, 60), ("gnm", 9, {"m": 8}, 8), ("gnm", 9, {"m": 30}, 30), ("gnm", 2, {}, 1),
    ("sbm", 20, {}, None), ("sbm", 11, {"sizes": [1, 3, 7], "p": np.full((3, 3), 0.6)}, None),
    ("watts_strogatz", 20, {}, 40), ("watts_strogatz", 9, {"k": 6, "p": 1.0}, 27),
    ("watts_strogatz", 5, {"p": 1.0}, 10),
    ("gabriel", 20, {}, None), ("gabriel", 3, {}, None),
    ("user_item", 20, {}, 40), ("user_item", 9, {}, 9), ("user_item", 12, {"users": 11}, 11),
    ("user_item", 10, {"users": 4, "m": 24, "item_skew": 3.0}, 24), ("user_item", 300, {}, 600),
]  # fmt: skip


def adjacency(graphs):
    """i64[P, n, n] of a batch, or of networkx graphs on 0 … n - 1."""
    if isinstance(graphs, list):
        return np.stack([nx.to_numpy_array(graph, range(len(graph)), dtype=int) for graph in graphs])
    dense = np.zeros((graphs.size, graphs.num_nodes, graphs.num_nodes), int)
    for matrix, edges in zip(dense, graphs.members(), strict=True):
        matrix[*edges.T] = matrix[*edges.T[::-1]] = 1
    return dense


def statistics(graphs):
    """f64[P, 6]: edges, largest degree, sum of squared degrees, triangles, edges of the first node, and whether some
    neighbour of the last node is joined to all its others."""
    dense = adjacency(graphs)
    degree = dense.sum(-1)
    triangles = np.einsum("pij,pij->p", dense @ dense, dense) / 6
    shared = (dense[:, -1:] * (dense @ dense)[:, -1:]).max(-1)[:, 0]  # neighbours of the last node that a neighbour has
    columns = degree.sum(-1) / 2, degree.max(-1), (degree**2).sum(-1), triangles, degree[:, 0]
    return np.stack([*columns, shared == degree[:, -1] - 1], axis=-1)


def assert_means_agree(a, b):
    """Columns of ``a`` f64[P, S] and ``b`` f64[Q, S] have equal means, by their standard errors."""
    gap = np.abs(a.mean(0) - b.mean(0))
    error = np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))
    assert (gap <= SIGMAS * error + 1e-12).all(), np.stack([a.mean(0), b.mean(0), error])


def assert_uniform(outcomes, number):
    """``outcomes`` are uniform on ``number`` values, by chi-squared (mean number - 1, variance twice that)."""
    _, counts = np.unique(outcomes, return_counts=True, axis=0)
    assert len(counts) == number
    expected = len(outcomes) / number
    assert ((counts - expected) ** 2 / expected).sum() < number - 1 + SIGMAS * np.sqrt(2 * (number - 1))


@pytest.mark.parametrize(("kind", "n", "parameters", "edges"), CASES)
def test_structure(kind, n, parameters, edges):
    graphs = stream(kind, n, range(50), seed=2, **parameters)
    assert graphs.edges.dtype == graphs.counts.dtype == np.int32
    assert graphs.edges.shape == (50, graphs.counts.max(), 2)
    assert (graphs.edges[~graphs.present] == -1).all()
    for pairs in graphs.members():
        assert (pairs[:, 0] < pairs[:, 1]).all() and pairs.min() >= 0 and pairs.max() < n
        assert len(np.unique(pairs, axis=0)) == len(pairs)
        graph = nx.Graph(pairs.tolist())
        assert len(graph) == n and nx.is_connected(graph)
        assert edges is None or len(pairs) == edges
        if kind == "gabriel":
            assert nx.check_planarity(graph)[0]
        if kind == "user_item":
            users = parameters.get("users", 2 * n // 3)
            assert (pairs[:, 0] < users).all() and (pairs[:, 1] >= users).all()


def test_every_family_has_its_structure_tested():
    assert {case[0] for case in CASES} == set(FAMILIES)


def test_codes_number_the_pairs():
    assert decode(np.arange(comb(40, 2))).tolist() == [[lo, hi] for hi in range(40) for lo in range(hi)]
    last = comb(46_340, 2) - 1
    assert decode(np.array([last, last - 46_338, last - 46_339])).tolist() == [
        [46_338, 46_339], [0, 46_339], [46_337, 46_338],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "n", "parameters", "peer"),
    [
        ("ba_star", 25, {"m": 3}, lambda rng: nx.barabasi_albert_graph(25, 3, seed=rng)),
        ("ba_star", 12, {"m": 1}, lambda rng: nx.barabasi_albert_graph(12, 1, seed=rng)),
        ("watts_strogatz", 14, {"k": 4, "p": 0.4}, lambda rng: nx.connected_watts_strogatz_graph(14, 4, 0.4, seed=rng)),
        ("watts_strogatz", 6, {"k": 4, "p": 1.0}, lambda rng: nx.connected_watts_strogatz_graph(6, 4, 1.0, seed=rng)),
        ("gnp", 12, {"p": 0.2}, lambda rng: connected(lambda: nx.gnp_random_graph(12, 0.2, seed=rng))),
        ("gnm", 12, {"m": 14}, lambda rng: connected(lambda: nx.gnm_random_graph(12, 14, seed=rng))),
        ("holme_kim", 25, {"m": 3, "p": 0.6}, lambda rng: holme_kim(25, 3, 0.6, rng)),
        ("holme_kim", 16, {"m": 4, "p": 1.0}, lambda rng: holme_kim(16, 4, 1.0, rng)),
    ],
)
def test_statistics_are_those_of_a_peer(kind, n, parameters, peer):
    rng = np.random.RandomState(1)
    ours = statistics(stream(kind, n, range(OURS), **parameters))
    assert_means_agree(ours, statistics([peer(rng) for _ in range(PEERS)]))


def connected(draw):
    while not nx.is_connected(graph := draw()):
        pass
    return graph


def holme_kim(n, m, p, rng):
    """The paper, step by step (networkx's version repeats edges, and so loses some)."""
    graph = nx.empty_graph(n)
    weights = np.zeros(n)
    weights[:m] = 1
    for source in range(m, n):
        chosen = []
        for j in range(m):
            free = [v for v in graph[anchor] if v not in chosen] if j else []
            if free and rng.random() < p:
                chosen.append(rng.choice(free))
                continue
            left = np.where(np.isin(np.arange(n), chosen), 0, weights)
            anchor = rng.choice(n, p=left / left.sum())
            chosen.append(anchor)
        graph.add_edges_from((source, target) for target in chosen)
        weights[chosen] += 1
        weights[source] += m
    return graph


def test_gnp_pairs_are_independent_with_probability_p():
    n, p = 10, 0.3
    graphs = stream("gnp", n, range(OURS), p=p, connected=False)
    share = adjacency(graphs).mean(0)[np.triu_indices(n, 1)]
    assert np.abs(share - p).max() < SIGMAS * np.sqrt(p * (1 - p) / OURS)
    pairs = comb(n, 2)
    spread = graphs.counts.var() / (pairs * p * (1 - p))  # 1 if independent, with standard error sqrt(2 / OURS)
    assert abs(spread - 1) < SIGMAS * np.sqrt(2 / OURS)


@pytest.mark.parametrize(("n", "m", "number"), [(4, 3, 16), (4, 4, 15), (5, 8, 45)])
def test_gnm_is_uniform_on_connected_graphs(n, m, number):
    graphs = stream("gnm", n, range(OURS), m=m)  # 16 trees; all 15 graphs of 4 edges; all 45 of 8
    assert_uniform(adjacency(graphs).reshape(OURS, -1), number)


def test_blocks_have_their_probabilities():
    sizes, p = [3, 5, 4], np.array([[0.9, 0.1, 0.3], [0.1, 0.6, 0.0], [0.3, 0.0, 0.2]])
    share = adjacency(stream("sbm", 12, range(OURS), sizes=sizes, p=p, connected=False)).mean(0)
    block = np.repeat(np.arange(3), sizes)
    wanted = p[np.ix_(block, block)] * ~np.eye(12, dtype=bool)
    assert (np.abs(share - wanted) <= SIGMAS * np.sqrt(wanted * (1 - wanted) / OURS)).all()


def test_gabriel_edges_are_those_without_a_point_in_their_disk():
    @settings(max_examples=30, deadline=None)
    @given(st.integers(3, 25), st.integers(0, 10**6))
    def check(n, seed):
        points = np.random.default_rng(seed).random((n, 2))
        wanted = [
            [u, v] for u, v in combinations(range(n), 2)
            if all(np.linalg.norm(points[w] - (points[u] + points[v]) / 2) >= np.linalg.norm(points[u] - points[v]) / 2
                   for w in range(n) if w not in (u, v))
        ]  # fmt: skip
        assert gabriel_edges(points).tolist() == wanted

    check()


@pytest.mark.parametrize(("users", "m", "skews"), [(8, 18, (1.2, 0.7)), (4, 15, (0.4, 2.0))])
def test_users_and_items_are_drawn_one_by_one(users, m, skews):
    n = 13
    activity, popularity = np.arange(1, users + 1) ** -skews[0], np.arange(1, n - users + 1) ** -skews[1]
    rng = np.random.RandomState(0)

    def pick(rates):
        return rng.choice(len(rates), p=rates / rates.sum())

    def draw():
        graph = nx.empty_graph(n)
        graph.add_edges_from((user, users + pick(popularity)) for user in range(users))
        graph.add_edges_from((pick(activity), item) for item in range(users, n))
        while graph.number_of_edges() < m:
            graph.add_edge(pick(activity), users + pick(popularity))
        return graph

    ours = adjacency(stream("user_item", n, range(OURS), users=users, m=m, user_skew=skews[0], item_skew=skews[1]))
    theirs = adjacency([connected(draw) for _ in range(PEERS)])
    assert_means_agree(ours.reshape(OURS, -1), theirs.reshape(PEERS, -1))
    degree = ours.mean(0).sum(-1)
    assert (np.diff(degree[:users]) < 0).all() and (np.diff(degree[users:]) < 0).all()


def test_gabriel_graphs_keep_their_points_whichever_are_taken():
    several, one = stream("gabriel", 7, [3, 0]), stream("gabriel", 7, [0])
    for graphs, i in ((several, 1), (one, 0)):
        assert graphs.points.shape == (graphs.size, 7, 2)
        assert gabriel_edges(graphs.points[i]).tolist() == graphs.members()[i].tolist()
    assert stream("gnp", 7, [0]).points is None
    features = np.asarray(pool_from_edges(several, 9).graphs.node_features)
    np.testing.assert_array_equal(features[:, :7], several.points.astype(np.float32))
    assert not features[:, 7:].any()
