"""Influence on large graphs: sets against exact chances, covers by hand, greedy by trying all, ranks by loops."""

from itertools import product

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines.imm import arcs_of, cover, imm, sample_sets
from agents.baselines.worlds import greedy_on_worlds
from agents.influence_ranking import DAMPING, STEPS, influence_columns
from envs.base import Observation
from lepton_rl import edge_graph, graph

EDGES = np.array([[0, 1], [1, 2], [0, 2], [2, 3], [3, 4]])


@pytest.mark.parametrize("probability", [0.3, None])
def test_a_node_is_in_its_share_of_sets(probability):
    arcs = arcs_of(EDGES, 5, probability)
    heads = np.repeat(np.arange(5), np.diff(arcs.starts))
    exact = np.zeros(5)  # the mean share of nodes that each node reaches, over every world
    for live in product([False, True], repeat=len(heads)):
        chosen = np.array(live)
        chance = np.where(chosen, arcs.chance, 1 - arcs.chance).prod()
        if chance:
            world = nx.DiGraph()
            world.add_nodes_from(range(5))
            world.add_edges_from(zip(arcs.tails[chosen].tolist(), heads[chosen].tolist(), strict=True))
            exact += [chance * (len(nx.descendants(world, v)) + 1) / 5 for v in range(5)]
    sets, nodes = sample_sets(arcs, 20_000, np.random.default_rng(0))
    assert len(set(zip(sets.tolist(), nodes.tolist(), strict=True))) == len(sets)
    np.testing.assert_allclose(np.bincount(nodes, minlength=5) / 20_000, exact, atol=0.012)


def test_covers_are_greedy():
    sets, nodes = np.array([0, 0, 1, 2, 2, 3]), np.array([0, 1, 1, 1, 2, 2])
    chosen, share = cover(sets, nodes, 4, 4, 2)
    assert chosen.tolist() == [1, 2] and share == 1


def test_imm_finds_the_hubs():
    star = nx.disjoint_union(nx.star_graph(30), nx.star_graph(20))
    edges = np.array(star.edges)
    assert set(imm(arcs_of(edges, len(star), 0.3), 2, rng=np.random.default_rng(0)).tolist()) == {0, 31}


def test_greedy_on_worlds_tries_all():
    plain = nx.gnp_random_graph(14, 0.25, seed=3)
    edges = np.array(plain.edges)
    found = greedy_on_worlds(edges, 14, 0.4, 3, 20, np.random.default_rng(5))
    rng, worlds = np.random.default_rng(5), []
    for _ in range(20):
        world = nx.Graph()
        world.add_nodes_from(range(14))
        world.add_edges_from(edges[rng.random(len(edges)) < 0.4].tolist())
        worlds.append(world)

    def spread(seeds):
        return sum(len(set().union(*(nx.node_connected_component(world, s) for s in seeds))) for world in worlds)

    chosen = []
    for _ in range(3):
        chosen.append(max((v for v in range(14) if v not in chosen), key=lambda v: (spread([*chosen, v]), -v)))
    assert found.tolist() == chosen


@pytest.mark.parametrize("kind", [graph, edge_graph], ids=["bits", "lists"])
@pytest.mark.parametrize("probability", [0.2, None])
def test_ranks_equal_loops_over_neighbours(kind, probability):
    plain = nx.barabasi_albert_graph(12, 2, seed=1)
    labels = np.zeros(12)
    labels[4] = 1
    stored = kind.from_edges(list(plain.edges), 12, capacity=14, labels=labels)
    seen = Observation(stored, jnp.zeros((14, 2)), stored.node_mask, jnp.zeros(0, jnp.int32), jnp.zeros((0, 14, 14)))
    found = np.asarray(jax.jit(influence_columns(probability))(seen))

    def chance(head):
        return 1 / plain.degree[head] if probability is None else probability

    reached = labels.copy()
    for _ in range(STEPS):
        if probability is None:
            new = [1 - (1 - sum(reached[u] for u in plain[v]) / plain.degree[v] ** 2) ** plain.degree[v] for v in plain]
        else:
            new = [1 - np.prod([1 - probability * reached[u] for u in plain[v]]) for v in plain]
        reached = np.maximum(labels, new)
    rank = 1 - reached
    for _ in range(STEPS):
        rank = np.array([(1 - reached[v]) * (1 + DAMPING * sum(chance(u) * rank[u] for u in plain[v])) for v in plain])
    np.testing.assert_allclose(found[:12, 3], 1 - reached, atol=1e-4)
    np.testing.assert_allclose(found[:12, 0], np.log(np.minimum(rank, 12) + 1e-6), atol=2e-3)
    assert not found[12:].any()
