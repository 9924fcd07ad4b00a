"""Dismantling against a plain simulation: rewards, pruning, the end; the same on either storage."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from envs.dismantling import make_dismantling
from envs.pools import make_pool
from lepton_rl import edge_graph, graph

PLAIN = nx.barabasi_albert_graph(24, 1, seed=5)
N = len(PLAIN)


def simulate(order):
    """Rewards, and who has an edge after every removal."""
    left, rewards, joined = PLAIN.copy(), [], []
    for node in order:
        left.remove_edges_from(list(left.edges(node)))
        parts = sorted(nx.connected_components(left), key=len, reverse=True)
        for part in parts[1:]:
            if len(part) < 0.1 * N:
                left.remove_edges_from(list(left.edges(part)))
        rewards.append(-len(parts[0]) / N)
        joined.append({v for v in left if left.degree[v]})
        if len(parts[0]) < 0.1 * N:
            joined[-1] = set()
            break
    return rewards, joined


@pytest.mark.parametrize("kind", [graph, edge_graph], ids=["bits", "lists"])
def test_episodes_equal_a_plain_simulation(kind):
    env = make_dismantling(make_pool([kind.from_edges(list(PLAIN.edges), N)]), 12)
    step, key = jax.jit(env.step), jax.random.key(0)
    state, seen = env.reset(jnp.int32(0), key)
    order, rewards, legal, over = [], [], [], False
    while not over:  # the node of the largest degree of those that are left
        degrees = np.where(np.asarray(seen.legal), [PLAIN.degree[v] for v in PLAIN], -1)
        order.append(int(degrees.argmax()))
        state, outcome = step(state, jnp.int32(order[-1]), key)
        seen, over = outcome.observation, bool(outcome.terminated)
        rewards.append(float(outcome.reward))
        legal.append(set(np.flatnonzero(seen.legal).tolist()))
    expected, joined = simulate(order)
    np.testing.assert_allclose(rewards, expected, atol=1e-6)
    assert legal == joined and len(order) < 12
    again = env.rebuild(jnp.int32(0), key, jnp.array([*order, *[-1] * (12 - len(order))]), jnp.int32(2))
    fresh, _ = env.reset(jnp.int32(0), key)
    for node in order[:2]:
        fresh, _ = step(fresh, jnp.int32(node), key)
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(fresh), strict=True):
        np.testing.assert_array_equal(one, other)
