"""Neighbourhoods against networkx's breadth-first search, and a network that reads one instead of the whole graph."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl import triple_graph as tg
from lepton_rl.neighbourhoods import neighbourhood, recall, steps_from

N, R = 14, 3


def drawn(seed, count=24):
    """A graph with facts hidden, removed and added, and its facts as they stand."""
    rng = np.random.default_rng(seed)
    every = np.stack(np.meshgrid(np.arange(N), np.arange(R), np.arange(N), indexing="ij"), -1).reshape(-1, 3)
    facts = rng.permutation(every)[:count]
    graph = tg.hide(tg.from_triples(facts, N, R, max_edits=4), jnp.array([0, 5]))
    graph = tg.remove_triple(graph, *facts[1].tolist())
    return tg.add_triple(graph, 0, 1, N - 1)


def undirected(graph):
    facts = tg.to_triples(graph)
    whole = nx.Graph()
    whole.add_nodes_from(range(N))
    whole.add_edges_from((int(h), int(t)) for h, _, t in facts)
    return whole, {tuple(fact) for fact in facts.tolist()}


steps_of, near_of = jax.jit(steps_from, static_argnums=2), jax.jit(neighbourhood, static_argnums=(2, 3))


@pytest.mark.parametrize("seed", range(3))
def test_steps_are_those_of_a_breadth_first_search(seed):
    graph = drawn(seed)
    whole, _ = undirected(graph)
    for entity in range(0, N, 3):
        lengths = nx.single_source_shortest_path_length(whole, entity)
        expected = [lengths[v] if lengths.get(v, 9) <= 2 else 3 for v in range(N)]
        np.testing.assert_array_equal(steps_of(graph, entity, 2), expected)


@pytest.mark.parametrize("seed", range(2))
def test_the_facts_on_short_paths_and_no_others(seed):
    graph = drawn(seed)
    whole, facts = undirected(graph)
    for entity in range(0, N, 3):
        near = near_of(graph, entity, 2, 40)
        lengths = nx.single_source_shortest_path_length(whole, entity, cutoff=1)
        expected = {(h, r, t) for h, r, t in facts if h in lengths or t in lengths}
        local, entities = tg.to_triples(near.graph), np.asarray(near.entities)
        assert {(int(entities[h]), r, int(entities[t])) for h, r, t in local.tolist()} == expected
        assert len(local) == len(expected) and entities[near.center] == entity and entities[-1] == N
        around = {entity, *(v for h, _, t in expected for v in (h, t))}
        assert set(entities[entities < N].tolist()) == around
        for r in range(2 * R):  # the layout of the arcs too
            answers = np.asarray(tg.answers(near.graph, near.center, r))
            found = {int(v) for v in entities[np.flatnonzero(answers)]}
            assert found == {t for h, q, t in expected if (h, q) == (entity, r)} | {
                h for h, q, t in expected if (t, q + R) == (entity, r)}  # fmt: skip


def test_the_nearest_are_kept_where_not_all_are():
    graph = drawn(1)
    whole, facts = undirected(graph)
    for entity in range(0, N, 2):
        lengths = nx.single_source_shortest_path_length(whole, entity)
        order = sorted(min(lengths.get(h, 9), lengths.get(t, 9)) for h, _, t in facts)
        for most in (1, 4, 9):
            near = near_of(graph, entity, 3, most)
            local, entities = tg.to_triples(near.graph), np.asarray(near.entities)
            kept = sorted(min(lengths[int(entities[h])], lengths[int(entities[t])]) for h, _, t in local.tolist())
            assert kept == [step for step in order[:most] if step < 3]
            connected = nx.Graph([(int(h), int(t)) for h, _, t in local.tolist()] or [(0, 0)])
            assert nx.is_connected(connected) and near.graph.capacity == most + 2


def test_a_batch_is_a_loop():
    graph, entities = drawn(2), jnp.arange(N)

    def parts(entity):
        near = neighbourhood(graph, entity, 2, 6)
        return near.graph.base.triples, near.graph.shown, near.entities, near.center

    batch = jax.jit(jax.vmap(parts))(entities)
    for entity in (0, 5, 13):
        near = near_of(graph, entity, 2, 6)
        alone = (near.graph.base.triples, near.graph.shown, near.entities, near.center)
        for one, many in zip(alone, batch, strict=True):
            np.testing.assert_array_equal(one, many[entity])


def test_recall_counts_the_answers_within():
    graph = drawn(0)
    whole, _ = undirected(graph)
    queries = np.stack([np.repeat(np.arange(N), N), np.zeros(N * N, int), np.tile(np.arange(N), N)], 1)
    lengths = dict(nx.all_pairs_shortest_path_length(whole, cutoff=2))
    assert recall(graph, queries, 2, 40) == pytest.approx(sum(map(len, lengths.values())) / N**2)
    assert recall(graph, queries[:7], 2, 40) == sum(v in lengths[0] for v in range(7)) / 7
