"""Batches of environments on one large graph: as on bitset rows, without a copy of what all share."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents.config import DQNConfig
from agents.dqn import make_hyper, make_learner
from agents.training import network_for
from envs.base import Policy, reset_batch, rollout
from envs.node_removal import make_node_removal
from envs.pools import make_pool
from lepton_rl import edge_graph, graph
from lepton_rl.objectives import get_objective

NODES, BATCH = 40, 6
EDGES = list(nx.barabasi_albert_graph(NODES, 3, seed=5).edges)


def removal(kind):
    pool = make_pool([kind.from_edges(EDGES, NODES)])
    return make_node_removal(pool, get_objective("-largest_component"), 5, "edit")


@pytest.fixture(scope="module")
def envs():
    return removal(graph), removal(edge_graph)


def by_degree(key, h, observation):
    scores = graph.degree(observation.graph) + jax.random.uniform(key, (NODES,))
    return jnp.argmax(jnp.where(observation.legal, scores, -1.0)).astype(jnp.int32)


def test_episodes_equal_those_on_bitset_rows(envs):
    keys = jax.random.split(jax.random.key(0), 2 * BATCH)
    seeds = [keys, jax.random.clone(keys)]  # the same noise on both, on purpose
    policy = Policy(lambda observation: (), by_degree)
    play = jax.jit(rollout, static_argnums=1)
    starts = jnp.zeros(BATCH, jnp.int32)
    found = [play(env, policy, starts, key[:BATCH], key[BATCH:]) for env, key in zip(envs, seeds, strict=True)]
    assert len({tuple(row) for row in np.asarray(found[0].actions).tolist()}) > 1
    np.testing.assert_array_equal(found[0].actions, found[1].actions)
    np.testing.assert_allclose(found[0].rewards, found[1].rewards, atol=1e-6)


def test_a_batch_owns_no_copy_of_the_lists(envs):
    env = envs[1]
    state, seen = reset_batch(env, jnp.zeros(BATCH, jnp.int32), jax.random.split(jax.random.key(1), BATCH))
    lists = jax.tree.leaves(env.pool.graphs.out)
    assert state.graph.out is None and seen.graph.out is None
    assert max(leaf.size for leaf in jax.tree.leaves(state.graph)) <= BATCH * NODES < BATCH * max(x.size for x in lists)


def test_the_learner_trains_there(envs):
    config = DQNConfig(
        iterations=1, chunks=1, episodes=4, updates=1, batch_size=4, replay_capacity=4, width=8, rounds=1, head="node",
        picks="all",
    )  # fmt: skip
    learner = make_learner(network_for(envs[1], config), config)
    state = learner.init(envs[1], make_hyper(config), jax.random.key(0))
    before = jax.tree.leaves(state.params)
    state, (loss, gained, _) = jax.jit(learner.chunk)(envs[1], make_hyper(config), state)
    assert np.isfinite(loss) and gained > 0
    assert any((old != new).any() for old, new in zip(before, jax.tree.leaves(state.params), strict=True))


def test_episodes_are_rebuilt_bit_for_bit(envs):
    env, key, actions = envs[1], jax.random.key(4), jnp.array([3, 0, 7, 1, 2])
    state, _ = env.reset(jnp.int32(0), key)
    for action in actions[:3]:
        state, _ = env.step(state, action, key)
    again = env.rebuild(jnp.int32(0), jax.random.clone(key), actions, jnp.int32(3))
    for one, other in zip(jax.tree.leaves(state), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
