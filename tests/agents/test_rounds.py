"""Plans in rounds: scores against the planners on bitset rows, plans on either storage, curves against networkx."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines.dismantling import in_core
from agents.rounds import CRITERIA, best_nodes, core_neighbours, get_criterion, plan_in_rounds
from envs.base import Observation
from envs.node_removal import make_node_removal
from envs.node_selection import make_node_selection
from envs.pools import make_pool
from experiments.benchmarks.large import exponent, grown
from lepton_rl import edge_graph as eg
from lepton_rl import graph as bg
from lepton_rl.curves import largest_component_curve
from lepton_rl.objectives import get_objective
from lepton_rl.objectives.base import score
from tests.agents.test_node_baselines import collective, core

CAPACITY = 36
GRAPH = nx.convert_node_labels_to_integers(
    nx.disjoint_union(nx.barabasi_albert_graph(20, 2, seed=1), nx.random_labeled_tree(12, seed=3))
)
EDGES, N = list(GRAPH.edges), len(GRAPH)
STORED = [bg.from_edges(EDGES, N, capacity=CAPACITY), eg.from_edges(EDGES, N, capacity=CAPACITY)]


def first_shell(graph):
    return {v: max(graph.degree[v] - 1, 0) * sum(graph.degree[u] - 1 for u in graph[v]) for v in graph}


def discount(graph):  # the first three nodes are chosen
    t = {v: sum(u < 3 for u in graph[v]) for v in graph}
    return {v: graph.degree[v] - 2 * t[v] - (graph.degree[v] - t[v]) * t[v] * 0.1 for v in graph}


ORACLES = {
    "degree": lambda graph: dict(graph.degree), "collective_influence": first_shell, "core_degree": core,
    "degree_discount": discount,
    "pagerank": lambda graph: nx.pagerank(graph, 0.85, tol=1e-10),
    "betweenness": lambda graph: {v: 2 * b for v, b in nx.betweenness_centrality(graph, normalized=False).items()},
}  # fmt: skip


@jax.jit
def scores(graph):
    graph = graph.replace(labels=(jnp.arange(graph.capacity) < 3).astype(jnp.float32))
    nothing = jnp.zeros((0, graph.capacity, graph.capacity))
    seen = Observation(graph, jnp.zeros((graph.capacity, 2)), graph.node_mask, jnp.zeros(0, jnp.int32), nothing)
    found = {name: get_criterion(name)((), seen, jax.random.key(0)) for name in CRITERIA}
    return found, core_neighbours(graph, 3)[0]


@pytest.mark.parametrize("graph", STORED, ids=["bits", "lists"])
def test_scores_equal_networkx_and_the_planners(graph):
    found, third = scores(graph)
    for name, oracle in ORACLES.items():
        np.testing.assert_allclose(found[name][:N], [oracle(GRAPH)[v] for v in GRAPH], rtol=1e-5, err_msg=name)
        assert not np.asarray(found[name])[N:].any()
    np.testing.assert_array_equal(third, in_core(STORED[0], 3))
    tree = [v for v in GRAPH if v >= 20]  # where no cycle is short, walks that do not turn back are shells
    np.testing.assert_allclose(found["collective_influence_2"][20:N], [collective(GRAPH)[v] for v in tree])


def test_a_plan_takes_the_best_of_each_round_on_either_storage():
    for graph in STORED:
        env = make_node_removal(make_pool([graph]), get_objective("-largest_component"), 6)
        plan = np.asarray(
            plan_in_rounds(env, jnp.int32(0), jax.random.key(0), criterion=get_criterion("degree"), per_round=3)
        )
        left = GRAPH.copy()
        for chosen in plan.reshape(2, 3):
            best = sorted((d for _, d in left.degree), reverse=True)[:3]
            assert [left.degree[v] for v in chosen] == best
            left.remove_edges_from(list(left.edges(chosen.tolist())))
        state, _ = env.reset(jnp.int32(0), jax.random.key(1))
        for node in plan:
            state, step = jax.jit(env.step)(state, jnp.asarray(node), jax.random.key(2))
        largest = max(map(len, nx.connected_components(left)))
        assert float(env.value(state)) == pytest.approx(-largest / N)
        assert float(step.reward) == pytest.approx(max(map(len, nx.connected_components(GRAPH))) / N - largest / N)
        assert largest_component_curve(np.array(EDGES), N, plan)[-1] == largest
    with pytest.raises(ValueError, match="divide"):
        plan_in_rounds(env, jnp.int32(0), jax.random.key(0), criterion=get_criterion("degree"), per_round=4)


def test_seeds_are_distinct_and_a_pool_of_large_graphs_shares_its_base():
    first = STORED[1]
    pool = make_pool([first, bg.isolate(first, 0)])
    env = make_node_selection(pool, get_objective("independent_cascade"), N)
    plan = plan_in_rounds(
        env, jnp.int32(1), jax.random.key(0), criterion=get_criterion("degree_discount"), per_round=N // 2
    )
    assert sorted(np.asarray(plan)) == list(range(N))
    assert pool.size == 2 and pool.graphs.out is first.out
    objective = get_objective("largest_component")
    for i, graph in enumerate((first, bg.isolate(first, 0))):
        assert score(objective, pool[i], jax.random.key(0)) == score(objective, graph, jax.random.key(1))
    with pytest.raises(ValueError, match="states of one"):
        make_pool([first, eg.from_edges(EDGES, N, capacity=CAPACITY)])


def test_ties_are_broken_at_random_and_nobody_illegal_is_taken():
    given, legal = jnp.array([3.0, 9.0, 3.0, 3.0, 5.0, 1.0]), jnp.array([1, 0, 1, 1, 1, 0], bool)
    draws = np.asarray(jax.vmap(lambda key: best_nodes(key, given, legal, 3))(jax.random.split(jax.random.key(0), 64)))
    assert (draws[:, 0] == 4).all()
    assert {tuple(sorted(pair)) for pair in draws[:, 1:]} == {(0, 2), (0, 3), (2, 3)}
    few = np.asarray(best_nodes(jax.random.key(1), given, legal, 6))
    assert sorted(few) == [-1, -1, 0, 2, 3, 4] and few[-1] == -1


def test_curves_equal_networkx():
    rng = np.random.default_rng(0)
    for size in (0, 1, 11, N):
        order = rng.permutation(N)[:size]
        left, expected = GRAPH.copy(), []
        for node in (*order, None):
            expected.append(max(map(len, nx.connected_components(left)), default=0))
            if node is not None:
                left.remove_node(node)
        np.testing.assert_array_equal(largest_component_curve(np.array(EDGES), N, order), expected)
    with pytest.raises(ValueError, match="once"):
        largest_component_curve(np.array(EDGES), N, np.array([1, 1]))


def test_grown_graphs_are_simple_and_prefer_hubs():
    edges = grown(3000, 3)
    graph = nx.Graph(edges.tolist())
    assert graph.number_of_edges() == len(edges) > 8500 and nx.number_of_selfloops(graph) == 0
    assert max(dict(graph.degree).values()) > 60  # 6 on average
    assert exponent([(10, 5.0), (100, 7.0), (1000, 70.0), (10000, 700.0)]) == pytest.approx(1.0)
    assert exponent([(10, 5.0)]) is None
