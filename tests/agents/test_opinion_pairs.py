"""Pairs against polarisation without an inverse: solves against numpy, picks against greedy in closed form."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.baselines import get_baseline
from agents.opinion_pairs import COLUMNS, opinion_network, solved, toggles
from agents.training import play
from envs.edge_toggle import make_edge_toggle
from envs.pools import make_pool
from lepton_rl import edge_graph, graph
from lepton_rl.objectives import get_objective

PLAIN = nx.connected_watts_strogatz_graph(24, 4, 0.3, seed=1)
OPINIONS = np.random.default_rng(0).uniform(-1, 1, 24)
PARAMS = {"own": jnp.zeros(COLUMNS), "power": jnp.zeros(COLUMNS)}


def stored(kind):
    more = {"max_edits": 4} if kind is edge_graph else {}
    return kind.from_edges(list(PLAIN.edges), 24, capacity=26, labels=OPINIONS, **more)


def drop(pairs):
    def polarisation(plain):
        z = np.linalg.solve(np.eye(24) + nx.laplacian_matrix(plain, nodelist=range(24)).toarray(), OPINIONS)
        return ((z - z.mean()) ** 2).sum()

    after = PLAIN.copy()
    for u, v in np.asarray(pairs).reshape(-1, 2).tolist():
        (after.remove_edge if after.has_edge(u, v) else after.add_edge)(u, v)
    return polarisation(PLAIN) - polarisation(after)


def test_solves_equal_numpy():
    matrix = np.eye(24) + nx.laplacian_matrix(PLAIN, nodelist=range(24)).toarray()
    found = jax.jit(solved)(stored(graph), jnp.asarray(np.pad(OPINIONS, (0, 2)), jnp.float32))
    np.testing.assert_allclose(found[:24], np.linalg.solve(matrix, OPINIONS), atol=1e-4)


def test_pairs_are_nearly_as_good_as_greedy_on_either_storage():
    pairs = [np.asarray(jax.jit(toggles, static_argnames="budget")(stored(kind), PARAMS, budget=4))
             for kind in (graph, edge_graph)]  # fmt: skip
    np.testing.assert_array_equal(*pairs)
    env = make_edge_toggle(make_pool([stored(graph)]), get_objective("-polarisation"), 4, "edit")
    best = drop(jax.jit(get_baseline("depolarise"))(env, jnp.int32(0), jax.random.key(0)))
    assert drop(pairs[0]) > 0.95 * best
    played = play(opinion_network(), env, jax.tree.map(lambda x: x[None], PARAMS), jax.random.key(0))
    assert float(played.rewards.sum()) == pytest.approx(drop(pairs[0]), rel=1e-3)
    np.testing.assert_array_equal(np.asarray(played.actions).reshape(-1, 2), pairs[0])
