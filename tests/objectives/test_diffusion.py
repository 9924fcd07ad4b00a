"""Diffusion beyond the contract: fair and independent live edges, exact expectations, directions, updates, refusals."""

import itertools

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from scipy.stats import binom, chisquare

from lepton_rl.graph import add_edge, from_edges, from_networkx, has_edge, isolate, remove_edge, set_label
from lepton_rl.objectives import Edit, score
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, LABEL_SET, NOTHING, REBUILT
from lepton_rl.objectives.diffusion import independent_cascade_with, linear_threshold_with, outbreak_with
from tests import oracles

MANY = 32 * 1024  # worlds; a share of them has a standard deviation of 0.003 at most


def slots(graph, chosen=(), capacity=None):
    """The graph with labels, also as the node attribute that oracles read."""
    nx.set_node_attributes(graph, {v: float(v in chosen) for v in graph}, "label")
    made = from_networkx(graph, capacity=capacity)[0]
    return made.replace(labels=jnp.asarray([float(v in chosen) for v in range(made.capacity)]))


def valued(objective, graph, seed=0):
    return float(jax.jit(lambda graph: score(objective, graph, jax.random.key(seed)))(graph))


def live_worlds(objective, graph, seed=0):
    """bool[N, N, worlds]: whether u -> v is live, had all that the objective keeps its edge."""
    kept = np.asarray(jax.jit(objective.init)(graph, objective.draw(graph, jax.random.key(seed))).kept)
    bits = kept[..., None] >> np.arange(32, dtype=np.uint32) & 1
    return bits.transpose(0, 2, 1, 3).reshape(*bits.shape[:1], bits.shape[2], -1).astype(bool)


def expected_over_worlds(graph, probability, worth):
    """E[worth(world)] by all 2^m worlds."""
    edges, total = list(graph.edges), 0.0
    for kept in itertools.product((True, False), repeat=len(edges)):
        world = nx.create_empty_copy(graph)
        world.add_edges_from(itertools.compress(edges, kept))
        total += np.prod([probability if keep else 1 - probability for keep in kept]) * worth(world)
    return total


SMALL = nx.Graph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (3, 4), (4, 5)])
ARROWS = nx.DiGraph([(0, 1), (1, 2), (2, 0), (2, 3), (3, 1), (3, 4), (4, 3), (4, 0)])


@pytest.mark.parametrize("graph", [SMALL, ARROWS], ids=["undirected", "directed"])
def test_a_cascade_reaches_what_all_worlds_together_say(graph):
    seeds = (1, 4)
    share = expected_over_worlds(graph, 0.3, lambda world: oracles.reached_share([world], [seeds]))
    assert valued(independent_cascade_with(0.3, MANY), slots(graph, seeds)) == pytest.approx(share, abs=0.006)


def test_cascades_that_are_certain_or_impossible_and_no_cascade_at_all():
    graph = nx.disjoint_union(nx.path_graph(4), nx.path_graph(3))
    assert valued(independent_cascade_with(1.0), slots(graph, [0])) == pytest.approx(4 / 7)
    assert valued(independent_cascade_with(0.0), slots(graph, [0, 5])) == pytest.approx(2 / 7)
    assert valued(independent_cascade_with(0.5), slots(graph)) == 0
    assert valued(linear_threshold_with(), slots(nx.star_graph(6), [0])) == 1


@pytest.mark.parametrize("graph", [SMALL, ARROWS], ids=["undirected", "directed"])
def test_picked_edges_reach_what_random_thresholds_do(graph):
    """The model as it is told: a node follows when the share of its in-neighbours that are active is large enough."""
    into = nx.to_numpy_array(graph, sorted(graph)).T
    thresholds = np.random.default_rng(0).random((40_000, len(graph)))
    active = np.isin(sorted(graph), (1, 4)) | np.zeros(thresholds.shape, bool)
    for _ in graph:
        active |= active @ (into / into.sum(1, keepdims=True)).T >= thresholds
    found = valued(linear_threshold_with(MANY), slots(graph, (1, 4)))
    assert found == pytest.approx(active.mean(), abs=0.006)


@pytest.mark.parametrize("graph", [SMALL, ARROWS], ids=["undirected", "directed"])
def test_an_outbreak_infects_what_all_worlds_and_first_cases_together_say(graph):
    starts = [(v,) for v in graph]
    share = expected_over_worlds(graph, 0.4, lambda world: oracles.reached_share([world] * len(graph), starts))
    assert valued(outbreak_with(0.4, MANY), slots(graph, capacity=9)) == pytest.approx(share, abs=0.006)


def test_a_node_taken_out_counts_as_itself():
    star = slots(nx.star_graph(4))
    assert valued(outbreak_with(1.0), star) == 1
    assert valued(outbreak_with(1.0), isolate(star, 0)) == pytest.approx(1 / 5)


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.7])
def test_live_edges_are_as_likely_as_told_and_independent(probability):
    """Of the 15 edges of K6: each alone, how many a world, pairs, triangles and rings of four, and worlds in a row."""
    live = live_worlds(independent_cascade_with(probability, MANY), slots(nx.complete_graph(6)))
    assert (live == live.swapaxes(0, 1)).all()
    edges = live[np.triu_indices(6, 1)]
    observed = np.bincount(edges.sum(0), minlength=16)
    expected = binom.pmf(np.arange(16), 15, probability) * MANY
    usual = expected > 5
    terms = [np.append(x[usual], x[~usual].sum() + 1e-9) for x in (observed, expected)]
    assert chisquare(terms[0], terms[1] * terms[0].sum() / terms[1].sum()).pvalue > 1e-4
    centred = (edges - probability) / np.sqrt(probability * (1 - probability))
    noise = 5 / np.sqrt(MANY)  # five standard deviations of a mean of products
    assert np.abs(centred.mean(1)).max() < noise
    assert np.abs(centred @ centred.T / MANY)[np.triu_indices(15, 1)].max() < noise
    for lag in (1, 4, 32):
        assert np.abs((centred[:, lag:] * centred[:, :-lag]).mean(1)).max() < noise
    z = np.zeros((6, 6, MANY))
    z[np.triu_indices(6, 1)] = centred
    z += z.swapaxes(0, 1)
    for a, b, c, d in itertools.permutations(range(6), 4):
        assert abs((z[a, b] * z[b, c] * z[c, a]).mean()) < noise
        assert abs((z[a, b] * z[b, c] * z[c, d] * z[d, a]).mean()) < noise


def test_live_edges_follow_the_key_and_episodes_are_independent():
    objective, graph = independent_cascade_with(0.25, 32), slots(nx.complete_graph(4))
    run = jax.jit(jax.vmap(lambda key: objective.init(graph, objective.draw(graph, key)).kept))
    live = np.asarray(run(jax.random.split(jax.random.key(3), 4096)))
    first = live[:, 0, 0, 1:] & 1  # three edges of node 0 in the first world of each episode
    assert np.abs(first.mean(0) - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 4096)
    assert np.abs(np.corrcoef(first.T) - np.eye(3)).max() < 5 / np.sqrt(4096)


def test_both_directions_of_a_directed_pair_are_apart():
    live = live_worlds(independent_cascade_with(0.5, MANY), slots(nx.complete_graph(4, nx.DiGraph)))
    there, back = live[0, 1] - 0.5, live[1, 0] - 0.5
    assert abs((there * back).mean()) < 0.25 * 5 / np.sqrt(MANY)


def test_every_node_picks_one_neighbour_and_each_equally_often():
    graph = nx.Graph([(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (5, 6)])
    graph.add_node(7)
    live = live_worlds(linear_threshold_with(MANY), slots(graph))
    for v in graph:
        assert (live[:, v].sum(0) == (graph.degree[v] > 0)).all()
        np.testing.assert_allclose(live[sorted(graph[v]), v].mean(1), 1 / max(graph.degree[v], 1), atol=0.014)
    picks = live[:, 0].argmax(0), live[:, 1].argmax(0)
    assert abs(((picks[0] == 1) & (picks[1] == 0)).mean() - 1 / 8) < 5 * np.sqrt(1 / 8 * 7 / 8 / MANY)


def test_a_new_edge_wins_its_share_of_worlds_and_leaves_the_others_alone():
    before = slots(nx.star_graph(3), capacity=6)
    after = before.replace(node_mask=jnp.ones(6, bool))
    objective = linear_threshold_with(MANY)
    old, new = live_worlds(objective, after), live_worlds(objective, add_edge(after, 0, 5))
    assert (new[5, 0].mean()) == pytest.approx(1 / 4, abs=0.012)
    np.testing.assert_array_equal(new[:5, 0], old[:5, 0] & ~new[5, 0])


@pytest.mark.parametrize(("objective", "oracle"), [
    (independent_cascade_with(0.2, 64), lambda graph, noise: oracles.cascade(graph, noise, 0.2)),
    (linear_threshold_with(32), lambda graph, noise: oracles.threshold_spread(graph, noise, 32)),
    (outbreak_with(0.3, 32), lambda graph, noise: oracles.epidemic(graph, noise, 0.3, 32)),
], ids=["cascade", "threshold", "outbreak"])  # fmt: skip
@pytest.mark.parametrize("directed", [False, True])
def test_equals_the_oracle_on_more_nodes_than_a_word(objective, oracle, directed):
    plain = nx.gnp_random_graph(45, 0.05, seed=2, directed=directed)
    graph = slots(plain, range(0, 45, 15), capacity=50)
    noise = objective.draw(graph, jax.random.key(4))
    found = jax.jit(objective.init)(graph, noise).value
    np.testing.assert_allclose(found, oracle(plain, np.asarray(noise)), atol=1e-6)


@jax.jit
def edited(graph, kind, u, v, label):
    """``(graph after, kind, v)``; an edge that is there already, or not, changes nothing."""
    edits = graph, add_edge(graph, u, v), remove_edge(graph, u, v), set_label(graph, u, label), isolate(graph, u)
    after = jax.tree.map(lambda *leaves: jnp.stack(leaves)[kind], *edits)
    vain = ((kind == EDGE_ADDED) | (kind == EDGE_REMOVED)) & (has_edge(graph, u, v) == has_edge(after, u, v))
    return after, jnp.where(vain, NOTHING, kind).astype(jnp.int32), jnp.where(kind == LABEL_SET, u, v)


@pytest.mark.parametrize("objective", [
    independent_cascade_with(0.3, 64), linear_threshold_with(32), outbreak_with(0.4, 32),
], ids=["cascade", "threshold", "outbreak"])  # fmt: skip
@pytest.mark.parametrize("directed", [False, True])
def test_updates_keep_to_the_same_worlds(objective, directed):
    """All kinds of edits one after the other: the carry is that of the graph as it is, bit for bit."""
    rng = np.random.default_rng(5)
    graph = slots(nx.gnp_random_graph(14, 0.2, seed=1, directed=directed), [0], capacity=16)
    noise = objective.draw(graph, jax.random.key(1))
    init, update = jax.jit(objective.init), jax.jit(objective.update)
    carry, seen = init(graph, noise), set()
    for asked in rng.choice(5, 40, p=[0.1, 0.35, 0.25, 0.25, 0.05]).tolist():
        u, v, label = *map(jnp.int32, rng.integers(0, 14, 2)), jnp.float32(rng.integers(2))
        graph, kind, v = edited(graph, asked, u, v, label)
        carry = update(carry, Edit(kind, u, v), graph, noise)
        seen.add((int(kind), float(carry.value)))
        for kept, fresh in zip(jax.tree.leaves(carry), jax.tree.leaves(init(graph, noise)), strict=True):
            np.testing.assert_array_equal(kept, fresh)
    assert {kind for kind, _ in seen} == {NOTHING, EDGE_ADDED, EDGE_REMOVED, LABEL_SET, REBUILT}
    assert len({value for _, value in seen}) > 8


def test_equal_arguments_give_the_same_objective():
    assert independent_cascade_with(0.2, 64) is independent_cascade_with(0.2, 64)
    assert outbreak_with(0.2) is outbreak_with(0.2)


def test_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="multiple of 32"):
        linear_threshold_with(40)
    with pytest.raises(ValueError, match="between 0 and 1"):
        outbreak_with(1.5)
    with pytest.raises(ValueError, match="labels of the nodes"):
        independent_cascade_with().init(from_edges([(0, 1)], num_nodes=2), jnp.zeros((2, 2), jnp.uint32))
