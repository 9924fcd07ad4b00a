"""Scores of nodes against networkx, and greedy with lazy evaluation against greedy."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines import get_baseline
from agents.baselines.dismantling import betweenness, core_numbers, in_core
from envs.node_removal import make_node_removal
from envs.node_selection import make_node_selection
from envs.pools import make_pool
from lepton_rl.graph import adjacency, degree, from_networkx
from lepton_rl.objectives.base import Objective, Value, deterministic

GRAPHS = [
    nx.barabasi_albert_graph(18, 2, seed=1), nx.gnp_random_graph(16, 0.2, seed=4), nx.grid_2d_graph(3, 5),
    nx.disjoint_union(nx.cycle_graph(5), nx.lollipop_graph(4, 3)), nx.star_graph(6),
]  # fmt: skip
GRAPHS = [nx.convert_node_labels_to_integers(graph) for graph in GRAPHS]
POOL = make_pool([from_networkx(graph)[0] for graph in GRAPHS], 20)
EDGES = deterministic(lambda graph: -degree(graph).sum())


def collective(graph):
    far = {v: [u for u, d in nx.single_source_shortest_path_length(graph, v, 2).items() if d == 2] for v in graph}
    excess = {v: max(graph.degree[v] - 1, 0) for v in graph}
    return {v: excess[v] * sum(excess[u] for u in far[v]) for v in graph}


def core(graph):
    inside = nx.k_core(graph, 2)
    return {v: inside.degree[v] if v in inside else 0 for v in graph} if len(inside) else dict(graph.degree)


CRITERIA = {
    "adaptive_degree": lambda graph: dict(graph.degree), "collective_influence": collective, "core_degree": core,
    "k_core": lambda graph: {v: 100 * order + graph.degree[v] for v, order in nx.core_number(graph).items()},
    "adaptive_betweenness": lambda graph: nx.betweenness_centrality(graph, normalized=False),
}  # fmt: skip


@pytest.mark.parametrize("name", CRITERIA)
def test_every_removal_is_the_best_by_networkx(name):
    env = make_node_removal(POOL, EDGES, 5)
    plans = jax.jit(jax.vmap(get_baseline(name), in_axes=(None, 0, 0)))(
        env, jnp.arange(len(GRAPHS)), jax.random.split(jax.random.key(0), len(GRAPHS))
    )
    for graph, plan in zip(GRAPHS, np.asarray(plans), strict=True):
        left = graph.copy()
        for node in plan:
            legal = [v for v in left if left.degree[v]]
            assert node in legal if legal else node == -1
            if legal:
                scores = CRITERIA[name](left)
                assert scores[node] == pytest.approx(max(scores[v] for v in legal), rel=1e-4)
                left.remove_edges_from(list(left.edges(node)))


@pytest.mark.parametrize("graph", [*GRAPHS, nx.gnp_random_graph(12, 0.2, seed=2, directed=True)])
def test_betweenness_equals_networkx(graph):
    bits = from_networkx(graph, capacity=20)[0]
    expected = nx.betweenness_centrality(graph, normalized=False)
    found = np.asarray(betweenness(bits))[: len(graph)] / (1 if graph.is_directed() else 2)
    np.testing.assert_allclose(found, [expected[v] for v in graph], rtol=1e-5, atol=1e-5)


def test_cores_equal_networkx():
    for graph in GRAPHS:
        bits = from_networkx(graph, capacity=20)[0]
        for order in (1, 2, 3):
            assert set(np.flatnonzero(in_core(bits, order))) == set(nx.k_core(graph, order))


@pytest.mark.parametrize("graph", [GRAPHS[0], GRAPHS[3], nx.gnp_random_graph(16, 0.2, seed=2, directed=True)])
def test_core_numbers_equal_networkx(graph):
    found = core_numbers(from_networkx(graph, capacity=20)[0])
    assert dict(enumerate(np.asarray(found)[: len(graph)])) == nx.core_number(graph)


def edges_across(graph):
    """Edges of every node across the bisection of the largest component; None where that is not the only one."""
    parts = sorted(map(sorted, nx.connected_components(graph)), key=len)
    part = parts[-1]
    values, vectors = np.linalg.eigh(nx.laplacian_matrix(graph.subgraph(part), part).toarray().astype(float))
    if len(part) < 3 or len(part) in map(len, parts[:-1]):
        return None
    if values[2] - values[1] < 1e-2 or np.abs(vectors[:, 1]).min() < 1e-3:
        return None
    side = dict(zip(part, vectors[:, 1] > 0, strict=True))
    return {v: sum(side[u] != side[v] for u in graph[v]) if v in side else 0 for v in graph}


def test_spectral_cuts_take_the_node_with_the_most_edges_across():
    env = make_node_removal(POOL, EDGES, 5)
    starts = jnp.array([0, 1])
    plans = jax.jit(jax.vmap(get_baseline("spectral_cut"), in_axes=(None, 0, 0)))(
        env, starts, jax.random.split(jax.random.key(0), 2)
    )
    compared = 0
    for start, plan in zip(starts, np.asarray(plans), strict=True):
        left = GRAPHS[start].copy()
        for node in plan:
            counts = edges_across(left)
            assert counts is None or counts[node] == max(counts.values())
            compared += counts is not None
            left.remove_edges_from(list(left.edges(node)))
    assert compared >= 6


def covered(graph, weights):
    reach = (adjacency(graph) | jnp.eye(graph.capacity, dtype=bool)).astype(jnp.float32)
    return Value(value=((graph.labels @ reach > 0) * weights).sum())


COVERAGE = Objective(  # submodular: the weight of nodes that are chosen or have a chosen neighbour
    lambda graph, key: jax.random.uniform(key, (graph.capacity,)), covered,
    lambda carry, edit, graph, weights: covered(graph, weights), labels="chosen",
)  # fmt: skip


def test_lazy_greedy_equals_greedy_on_the_same_noise():
    env = make_node_selection(POOL, COVERAGE, 4)
    for start, graph in enumerate(GRAPHS):
        key = jax.random.key(start)
        plan = np.asarray(jax.jit(get_baseline("lazy_greedy"))(env, jnp.int32(start), key))
        with jax.debug_key_reuse(False):  # the planner's noise on purpose
            weights = np.asarray(COVERAGE.draw(POOL[start], key))
        chosen = set()
        for node in plan:
            gains = {v: sum(weights[u] for u in ({v} | set(graph[v])) - chosen) for v in graph}
            assert gains[node] == pytest.approx(max(gains.values()), rel=1e-5)
            chosen |= {node} | set(graph[node])


def test_degree_discount_equals_its_definition():
    env = make_node_selection(POOL, COVERAGE, 4)
    for start, graph in enumerate(GRAPHS):
        plan = np.asarray(jax.jit(get_baseline("degree_discount"))(env, jnp.int32(start), jax.random.key(0)))
        chosen = []
        for node in plan:
            t = {v: len(set(graph[v]) & set(chosen)) for v in graph}
            score = {v: graph.degree[v] - 2 * t[v] - (graph.degree[v] - t[v]) * t[v] * 0.1 for v in graph}
            best = max(score[v] for v in graph if v not in chosen)
            assert node not in chosen and score[node] == pytest.approx(best, abs=1e-5)
            chosen.append(node)
