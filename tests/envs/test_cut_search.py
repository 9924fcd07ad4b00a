"""Search for a cut against a plain recount of every flip: rewards, what is remembered, replays."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from envs.cut_search import MEMORY, gains_of_flips, make_cut_search
from envs.pools import make_pool
from lepton_rl.graph import from_edges

N, T = 7, 9


def member(seed):
    rng = np.random.default_rng(seed)
    edges = np.array(nx.gnp_random_graph(N, 0.6, seed=seed).edges)
    weights = rng.normal(size=(N, N, 1))
    return from_edges(edges, N, capacity=9, edge_features=weights + weights.swapaxes(0, 1),
                      labels=rng.choice([-1.0, 1.0], N))  # fmt: skip


MEMBERS = [member(0), member(1)]
ENV = make_cut_search(make_pool(MEMBERS), T)
PLANS = np.random.default_rng(2).integers(N, size=(2, T))


def recount(graph, plan):
    """Cut values, labels after each flip, from networkx-like sums over the edges."""
    rows = np.asarray(graph.edge_features)[..., 0]
    dense = np.unpackbits(np.asarray(graph.rows).view(np.uint8), axis=-1, bitorder="little")[:, : len(rows)]
    labels, cuts, seen = np.asarray(graph.labels).copy(), [], []
    for flip in [None, *plan]:
        if flip is not None:
            labels[flip] *= -1
        cuts.append((dense * rows * (labels[:, None] != labels)).sum() / 2)
        seen.append(labels.copy())
    return np.array(cuts), np.array(seen)


def test_rewards_are_the_rises_of_the_best_cut_and_memory_follows():
    step, observe = jax.jit(ENV.step), jax.jit(ENV.observe)
    for start, plan in enumerate(PLANS):
        cuts, labels = recount(MEMBERS[start], plan)
        best = np.maximum.accumulate(cuts)
        state, seen = ENV.reset(jnp.int32(start), jax.random.key(0))
        for t, flip in enumerate(plan):
            state, outcome = step(state, jnp.int32(flip), jax.random.key(1))
            assert float(outcome.reward) == pytest.approx(best[t + 1] - best[t], abs=1e-4)
            seen = observe(state)
            assert bool(outcome.terminated) == (t == T - 1)
        np.testing.assert_array_equal(state.carry.best, labels[cuts.argmax()])
        gain, rest, _, moved, below = np.asarray(seen.graph.node_features).T
        assert seen.graph.node_features.shape == (9, MEMORY)
        since = np.array([next((k for k, v in enumerate(plan[::-1]) if v == u), 9 + T) for u in range(N)])
        np.testing.assert_allclose(rest[:N], np.minimum(since / N, 1), atol=1e-5)
        np.testing.assert_array_equal(moved[:N] > 0, labels[-1, :N] != labels[cuts.argmax(), :N])
        assert (below[:N] > 0).all() == (cuts[-1] < cuts.max() - 1e-6)
        assert not np.asarray(seen.graph.node_features)[N:].any()
        flipped = [recount(MEMBERS[start], [*plan, u])[0][-1] - cuts[-1] for u in range(N)]
        np.testing.assert_allclose(np.asarray(gains_of_flips(state.graph))[:N], flipped, atol=1e-4)
        assert np.corrcoef(gain[:N], flipped)[0, 1] > 0.999


def test_rebuilding_equals_stepping():
    step = jax.jit(ENV.step)
    key = jax.random.key(3)
    state, _ = ENV.reset(jnp.int32(1), key)
    for t in range(4):
        state, _ = step(state, jnp.int32(PLANS[1, t]), key)
    again = ENV.rebuild(jnp.int32(1), key, jnp.asarray(PLANS[1], jnp.int32), jnp.int32(4))
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(one, other)


def test_objective_is_the_cut_of_graphs_with_labels():
    with pytest.raises(ValueError, match="at least 1"):
        make_cut_search(make_pool(MEMBERS), 0)
    assert ENV.rule == "CutSearch" and ENV.horizon == T
