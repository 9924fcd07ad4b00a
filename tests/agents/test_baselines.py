"""Planners against brute force, networkx and their own definitions."""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines import get_baseline
from agents.baselines.annealing import Schedule, anneal
from agents.baselines.base import pick_best
from agents.baselines.greedy import greedy, values_after
from envs.edge_addition import make_edge_addition
from envs.pools import make_pool
from lepton_rl.graph import BitGraph, add_edge, adjacency, degree, from_networkx
from lepton_rl.objectives.base import Objective, Value, deterministic


def connectivity(graph: BitGraph):
    """Algebraic connectivity of a graph without padding."""
    dense = adjacency(graph).astype(jnp.float32)
    laplacian = jnp.diag(dense.sum(1)) - dense
    return jnp.linalg.eigvalsh(laplacian)[1]


CONNECTIVITY = deterministic(connectivity)


def noisy_init(graph, noise):
    return Value(-(degree(graph).astype(jnp.float32) ** 2 * (1 + noise)).sum())


NOISY = Objective(
    lambda graph, key: jax.random.normal(key, (graph.capacity,)),
    noisy_init,
    lambda carry, edit, graph, noise: noisy_init(graph, noise),
)


def environment(graph: nx.Graph, budget: int, objective=CONNECTIVITY):
    return make_edge_addition(make_pool([from_networkx(graph)[0]]), objective, budget)


def plan(planner, env, seed: int) -> list[tuple[int, int]]:
    actions = np.asarray(jax.jit(planner)(env, jnp.int32(0), jax.random.key(seed)))
    return [(int(u), int(v)) for u, v in actions.reshape(-1, 2)]


def algebraic_connectivity(graph: nx.Graph) -> float:
    return np.linalg.eigvalsh(nx.laplacian_matrix(graph).toarray().astype(float))[1]


def with_edges(graph: nx.Graph, edges) -> nx.Graph:
    grown = graph.copy()
    grown.add_edges_from(edges)
    return grown


def test_pick_best_breaks_ties_evenly_and_only_among_the_best():
    scores = jnp.array([1.0, 3.0, 3.0 - 1e-7, 9.0])
    legal = jnp.array([True, True, True, False])
    keys = jax.random.split(jax.random.key(0), 400)
    picks = np.asarray(jax.vmap(lambda key: pick_best(key, scores, legal, 1e-5))(keys))
    assert set(picks) == {1, 2}
    assert 140 < (picks == 1).sum() < 260


def test_values_after_looks_one_edge_ahead_with_the_noise_of_the_key():
    graph, env = from_networkx(nx.path_graph(6))[0], environment(nx.path_graph(6), 1, NOISY)
    pairs = jnp.asarray([(u, v) for u, v in combinations(range(6), 2) if v > u + 1], jnp.int32)
    noise = NOISY.draw(graph, jax.random.key(1))
    expected = [noisy_init(add_edge(graph, u, v), noise).value for u, v in pairs]
    # The same key on purpose: the same noise.
    np.testing.assert_allclose(values_after(env, graph, pairs, jax.random.key(1)), expected, rtol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_greedy_equals_brute_force(seed):
    graph = nx.connected_watts_strogatz_graph(7, 2, 0.5, seed=seed + 10)
    edges = plan(greedy, environment(graph, 3), seed)
    for u, v in edges:
        best = max(algebraic_connectivity(with_edges(graph, [pair])) for pair in nx.non_edges(graph))
        graph.add_edge(u, v)
        assert algebraic_connectivity(graph) == pytest.approx(best, abs=1e-4)


def test_annealing_reaches_the_exhaustive_optimum():
    graph = nx.path_graph(8)
    edges = plan(get_baseline("simulated_annealing"), environment(graph, 3), 0)
    best = max(algebraic_connectivity(with_edges(graph, chosen)) for chosen in combinations(nx.non_edges(graph), 3))
    assert algebraic_connectivity(with_edges(graph, edges)) == pytest.approx(best, abs=1e-4)


def test_annealing_holds_out_when_every_absent_edge_fits():
    complete = nx.complete_graph(5)
    complete.remove_edges_from([(0, 1), (2, 3)])
    planner = partial(anneal, schedule=Schedule(evaluations=200))
    edges = plan(planner, environment(complete, 2), 0)
    assert {tuple(sorted(edge)) for edge in edges} == {(0, 1), (2, 3)}


def test_annealing_finds_the_best_edge_under_noise():
    # Two hubs' worth of degrees: the only absent pair of leaves with low degrees is the best in the mean.
    graph = nx.star_graph(6)
    graph.add_edges_from([(1, 2), (1, 3), (2, 3), (3, 4), (4, 1), (2, 4)])
    planner = partial(anneal, schedule=Schedule(evaluations=2_000))
    assert {tuple(sorted(edge)) for edge in plan(planner, environment(graph, 1, NOISY), 0)} == {(5, 6)}


@pytest.mark.parametrize("budget", [1, 2, 10])
@pytest.mark.parametrize("draws", [1, 4])
def test_schedule_stays_within_its_evaluations(budget, draws):
    schedule = Schedule(draws=draws)
    moves, final = schedule.split(budget)
    spent = schedule.draws * (schedule.stages * (moves + 1) + schedule.probes + 1) + schedule.stages * final
    assert 0.97 * 2_000 * budget <= spent <= 2_000 * budget


def test_schedule_without_room_says_so():
    with pytest.raises(ValueError, match=r"too few .* raise 'evaluations'"):
        Schedule(evaluations=50).split(1)


def test_unknown_baseline_names_a_near_match():
    with pytest.raises(ValueError, match="Did you mean 'fiedler'"):
        get_baseline("fidler")
