"""Planners made for one objective, against exhaustive search and exact expectations."""

from functools import partial
from itertools import combinations, permutations, product

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines import get_baseline
from agents.baselines.influence import LEAST_SETS, _newly_covered, reverse_sets, sets_needed
from agents.baselines.opinions import _flipped, _system, gains_of_pairs
from envs.edge_toggle import make_edge_toggle
from envs.node_flip import make_node_flip
from envs.node_selection import make_node_selection
from envs.pools import make_pool
from lepton_rl.graph import from_edges, from_networkx
from lepton_rl.objectives import get_objective, score
from lepton_rl.objectives.cuts import crossing_weights

CUTS = [nx.gnp_random_graph(n, p, seed=n) for n, p in ((8, 0.5), (9, 0.4), (10, 0.4), (10, 0.7))]
FOLLOWS = nx.gnp_random_graph(7, 0.25, seed=8, directed=True)
WEIGHTS = np.random.default_rng(6).uniform(0.5, 2, (9, 9))
WEIGHTS = (WEIGHTS + WEIGHTS.T) / 2
FRIENDS = [nx.gnp_random_graph(n, 0.4, seed=n) for n in (7, 9)]


def plans(name, env):
    keys = jax.random.split(jax.random.key(1), env.pool.size)
    return np.asarray(jax.jit(jax.vmap(get_baseline(name), in_axes=(None, 0, 0)))(env, jnp.arange(env.pool.size), keys))


def spins(graph, rng):
    """A graph with random spins and weights of ±1."""
    weights = rng.choice([-1, 1], (len(graph), len(graph), 1))
    labels = rng.choice([-1, 1], len(graph))
    return from_edges(
        list(graph.edges), len(graph), edge_features=(weights + weights.swapaxes(0, 1)) / 2, labels=labels
    )


@pytest.mark.parametrize("name", ["tabu_search", "cut_annealing"])
@pytest.mark.parametrize(("budget", "stop"), [(3, False), (12, False), (4, True)])
def test_searches_find_the_largest_cut_within_the_budget(budget, stop, name):
    rng = np.random.default_rng(budget)
    members = [spins(graph, rng) for graph in CUTS]
    env = make_node_flip(make_pool(members, 11), get_objective("cut"), budget, stop=stop)
    for graph, member, plan in zip(CUTS, members, plans(name, env), strict=True):
        n, start, edges = len(graph), np.asarray(member.labels), np.array(graph.edges).T
        weights = np.asarray(member.edge_features)[*edges, 0]
        signs = np.array(list(product([1, -1], repeat=n)))
        flips = (signs < 0).sum(-1)
        signs = signs[(flips <= budget) & (stop | ((budget - flips) % 2 == 0))]
        cuts = ((signs * start)[:, edges[0]] != (signs * start)[:, edges[1]]) @ weights
        turned = (-1.0) ** np.bincount(plan[(plan >= 0) & (plan < n)], minlength=n)
        assert ((turned * start)[edges[0]] != (turned * start)[edges[1]]) @ weights == cuts.max()
        if stop and len(rest := plan[plan >= 11]):
            assert rest.tolist() == [11] and (plan[plan.tolist().index(11) + 1 :] == -1).all()


@pytest.mark.parametrize("directed", [False, True])
def test_crossing_weights_make_up_the_cut(directed):
    rng = np.random.default_rng(7)
    edges, features, labels = list(FOLLOWS.edges), rng.normal(size=(7, 7, 2)), rng.choice([-1.0, 1.0], 7)
    graph = from_edges(edges, 7, capacity=9, directed=directed, edge_features=features, labels=labels)
    weights = np.asarray(crossing_weights(graph))
    across = np.array([(u, v) for u, v in combinations(range(7), 2) if labels[u] != labels[v]])
    np.testing.assert_array_equal(weights, weights.T)
    assert weights[tuple(across.T)].sum() == pytest.approx(float(score(get_objective("cut"), graph, jax.random.key(0))))


def worlds_of(objective):
    """Every live-edge world of FOLLOWS with its probability."""
    edges = list(FOLLOWS.edges)
    if objective == "independent_cascade":
        for live in product([0, 1], repeat=len(edges)):
            probability = 0.1 ** sum(live) * 0.9 ** (len(edges) - sum(live))
            yield [edge for edge, kept in zip(edges, live, strict=True) if kept], probability
    else:
        choices = [[(u, v) for u in FOLLOWS.predecessors(v)] or [None] for v in FOLLOWS]
        for picked in product(*choices):
            yield [edge for edge in picked if edge], 1 / np.prod([len(c) for c in choices])


def reach(objective):
    """``(probabilities f[worlds], reached bool[worlds, from, to])``."""
    probabilities, reached = [], []
    for edges, probability in worlds_of(objective):
        dense = np.eye(len(FOLLOWS), dtype=int)
        dense[tuple(np.array(edges, int).reshape(-1, 2).T)] = 1
        reached.append(np.linalg.matrix_power(dense, len(FOLLOWS)) > 0)
        probabilities.append(probability)
    return np.array(probabilities), np.array(reached)


@pytest.mark.parametrize("name", ["independent_cascade", "linear_threshold"])
def test_reverse_sets_hold_each_node_as_often_as_it_reaches_others(name):
    probabilities, reached = reach(name)
    graph = from_networkx(FOLLOWS, capacity=9)[0].replace(labels=jnp.zeros(9))
    sets = jax.jit(lambda key: reverse_sets(get_objective(name), graph, LEAST_SETS, key))(jax.random.key(0))
    share = np.bitwise_count(np.asarray(sets)).sum((0, 1)) / (32 * sets.shape[0] * sets.shape[1])
    np.testing.assert_allclose(share[:7], probabilities @ reached.mean(-1), atol=0.012)  # four standard errors
    assert (share[7:] == 0).all()


def test_reverse_influence_makes_the_choices_of_greedy_on_exact_spreads():
    probabilities, reached = reach("linear_threshold")
    env = make_node_selection(make_pool([from_networkx(FOLLOWS)[0]], 9), get_objective("linear_threshold"), 3)
    chosen = np.zeros((len(probabilities), 7), bool)
    for node in plans("reverse_influence", env)[0]:
        spread = [probabilities @ (chosen | reached[:, v]).mean(-1) for v in FOLLOWS]
        assert spread[node] >= max(spread) - 0.012
        chosen |= reached[:, node]


def test_chosen_nodes_cover_their_sets():
    sets = jax.random.bits(jax.random.key(0), (2, 3, 9), jnp.uint32)
    graph = from_networkx(FOLLOWS, capacity=9)[0].replace(labels=jnp.zeros(9).at[jnp.array([1, 4])].set(1.0))
    bits = np.unpackbits(np.asarray(sets).view(np.uint8).reshape(2, 3, 9, 4), axis=-1).swapaxes(2, 3).reshape(-1, 9)
    expected = bits[(bits[:, 1] | bits[:, 4]) == 0].sum(0)
    np.testing.assert_array_equal(_newly_covered(sets, graph, jax.random.key(1)), expected)


def test_the_number_of_sets_is_that_of_imm():
    # λ* = 2n((1 - 1/e)α + β)² / ε² by hand for n = 100, k = 5: α = 2.3018, β = 3.8489.
    assert sets_needed(100, 5) == pytest.approx(2 * 100 * (0.63212 * 2.3018 + 3.8489) ** 2 / 0.25 / 5, rel=1e-3)
    assert sets_needed(100, 5, 0.1) == pytest.approx(25 * sets_needed(100, 5), rel=1e-3)


def polarisation_of(graph, opinions):
    """By numpy; in directed graphs an edge u -> v says that u listens to v."""
    dense = nx.to_numpy_array(graph) * WEIGHTS[: len(graph), : len(graph)]
    return len(graph) * np.var(np.linalg.solve(np.eye(len(graph)) + np.diag(dense.sum(1)) - dense, opinions))


def flipped(graph, u, v):
    after = graph.copy()
    after.remove_edge(u, v) if after.has_edge(u, v) else after.add_edge(u, v)
    return after


@partial(jax.jit, static_argnums=2)
def look(system, picks, directed):
    return gains_of_pairs(system, directed), _flipped(system, picks, directed)


@pytest.mark.parametrize("graph", [FRIENDS[0], FOLLOWS])
def test_gains_of_all_pairs_equal_brute_force_before_and_after_an_edit(graph):
    opinions = np.random.default_rng(3).uniform(-1, 1, 7)
    bits = from_networkx(graph, capacity=9)[0].replace(labels=jnp.zeros(9).at[:7].set(opinions))
    bits = bits.replace(edge_features=jnp.asarray(WEIGHTS, jnp.float32)[..., None])
    system = jax.jit(_system)(bits)
    for pair in ((0, 3), (2, 1), (0, 3)):
        gains, system = look(system, jnp.array(pair), graph.is_directed())
        before = polarisation_of(graph, opinions)
        for u, v in permutations(range(7), 2):
            gain = before - polarisation_of(flipped(graph, u, v), opinions)
            assert float(gains[u, v]) == pytest.approx(gain, abs=2e-6)
        graph = flipped(graph, *pair)


def test_depolarise_flips_the_best_pair_by_brute_force():
    rng = np.random.default_rng(4)
    members = [
        from_edges(list(graph.edges), n, labels=rng.uniform(-1, 1, n), edge_features=WEIGHTS[:n, :n, None])
        for graph, n in zip(FRIENDS, map(len, FRIENDS), strict=True)
    ]
    env = make_edge_toggle(make_pool(members, 10), get_objective("-polarisation"), 4)
    for graph, member, plan in zip(FRIENDS, members, plans("depolarise", env), strict=True):
        left = graph.copy()
        for u, v in plan.reshape(-1, 2).tolist():
            best = min(polarisation_of(flipped(left, *pair), member.labels) for pair in combinations(left, 2))
            left = flipped(left, u, v)
            assert polarisation_of(left, member.labels) == pytest.approx(best, abs=1e-5)
