import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from envs.base import noise_key, reset_batch, step_batch, step_keys
from envs.edge_addition import make_edge_addition
from envs.pools import make_pool
from lepton_rl.graph import from_networkx
from lepton_rl.objectives import deterministic, get_objective
from tests.envs import toys
from tests.oracles import PlainEdgeAddition
from tests.trees import member

BUDGET, STARTS = 3, jnp.array([0, 1, 2, 3, 1, 3, 0, 2])


@pytest.fixture(params=["end", "edit"])
def env(request):
    return make_edge_addition(toys.pool(), toys.WEIGHTED, BUDGET, request.param)


def play(env, actions, keys):
    """Every state and step of a batch of episodes."""
    step = jax.jit(step_batch)
    state, observation = jax.jit(reset_batch)(env, STARTS, keys)
    states, steps = [state], [observation]
    for t, action in enumerate(actions):
        state, outcome = step(env, state, action, step_keys(keys, t))
        states.append(state)
        steps.append(outcome)
    return states, steps


def test_dynamics_equal_a_plain_environment(env):
    keys = toys.keys_of(0, len(STARTS))
    actions = toys.random_actions(STARTS, env.horizon + 2, seed=0)
    states, steps = play(env, actions, keys)
    added = 0
    for i, start in enumerate(STARTS):
        weights = np.asarray(states[0].noise[i])
        plain = PlainEdgeAddition(toys.graphs()[start], 10, toys.weighted_networkx(weights), BUDGET, env.reward)
        assert np.asarray(steps[0].legal[i]).tolist() == plain.legal()
        for t, action in enumerate(actions[:, i]):
            reward, over = plain.step(int(action))
            outcome = member(steps[t + 1], i)
            np.testing.assert_allclose(outcome.reward, reward, atol=1e-5)
            assert bool(outcome.terminated) is over and not outcome.truncated
            assert outcome.observation.legal.tolist() == plain.legal()
            assert toys.edges(outcome.observation.graph) == {
                pair for u, v in plain.graph.edges for pair in [(min(u, v), max(u, v))]
            }
            selected = np.flatnonzero(outcome.observation.marks[:, 0]).tolist()
            assert selected == ([plain.selected] if plain.selected >= 0 else [])
            left = 1 - min(plain.t, env.horizon) // 2 / BUDGET
            np.testing.assert_allclose(outcome.observation.marks[:, 1], left, atol=1e-6)
        added += plain.graph.number_of_edges() - toys.graphs()[start].number_of_edges()
    assert added > len(STARTS)  # the random actions did edit


def test_rebuild_is_bit_equal_to_stepping(env):
    keys = toys.keys_of(1, len(STARTS))
    actions = toys.random_actions(STARTS, env.horizon, seed=1)
    states, _ = play(env, actions, keys)
    rebuild = jax.jit(jax.vmap(type(env).rebuild, in_axes=(None, 0, 0, 0, None)))
    for t, state in enumerate(states):
        again = rebuild(env, STARTS, keys, actions.T, t)
        toys.assert_trees_match(again, state)


def test_what_an_agent_sees_of_every_pair_is_the_sensitivity_of_the_graph_as_edited():
    objective = get_objective("critical_fraction_targeted")
    graphs = [from_networkx(nx.barabasi_albert_graph(9, 2, seed=seed), capacity=10)[0] for seed in range(4)]
    env = make_edge_addition(make_pool(graphs), objective, BUDGET, sensitivity=True)
    keys = toys.keys_of(6, len(STARTS))
    actions = toys.random_actions(STARTS, env.horizon, seed=6)
    states, steps = play(env, actions, keys)
    rebuild = jax.jit(jax.vmap(type(env).rebuild, in_axes=(None, 0, 0, 0, None)))
    look = jax.jit(jax.vmap(objective.sensitivity))
    for t, state in enumerate(states):
        toys.assert_trees_match(rebuild(env, STARTS, keys, actions.T, t), state)
        seen = (steps[t].observation if t else steps[t]).pairs
        expected = look(state.graph, state.look) if t < env.horizon else jnp.zeros_like(seen)
        np.testing.assert_array_equal(seen, expected)
    assert np.asarray(steps[0].pairs).any()
    assert not np.array_equal(states[0].noise, states[0].look)  # the rewards' noise stays unseen


def test_batch_equals_loop(env):
    keys = toys.keys_of(2, len(STARTS))
    actions = toys.random_actions(STARTS, env.horizon, seed=2)
    _, steps = play(env, actions, keys)
    step = jax.jit(type(env).step)
    for i in (0, 3):
        state, _ = env.reset(STARTS[i], toys.key_of(2, i))
        for t, action in enumerate(actions[:, i]):
            state, outcome = step(env, state, action, jax.random.fold_in(toys.key_of(2, i), t))
            batched = member(steps[t + 1], i)
            toys.assert_trees_match(outcome, batched, rtol=1e-6)


def test_rewards_per_edge_sum_to_the_reward_at_the_end():
    keys = toys.keys_of(3, len(STARTS))
    totals = []
    for reward in ("end", "edit"):
        env = make_edge_addition(toys.pool(), toys.WEIGHTED, BUDGET, reward)
        _, steps = play(env, toys.random_actions(STARTS, env.horizon, seed=3), keys)
        totals.append(np.sum([step.reward for step in steps[1:]], axis=0))
    np.testing.assert_allclose(*totals, atol=1e-5)
    assert (totals[0] > 0).any()


def test_value_uses_the_episodes_noise():
    env = make_edge_addition(toys.pool(), toys.WEIGHTED, BUDGET)
    key = jax.random.key(4)
    state, _ = env.reset(jnp.int32(1), key)
    expected = toys.weighted_networkx(np.asarray(state.noise))(toys.graphs()[1])
    np.testing.assert_allclose(env.value(state), expected, rtol=1e-5)


def test_noise_and_steps_have_keys_of_their_own():
    key = jax.random.key(5)
    words = {tuple(jax.random.key_data(jax.random.fold_in(key, t)).tolist()) for t in range(64)}
    assert tuple(jax.random.key_data(noise_key(key)).tolist()) not in words
    assert len(words) == 64


def test_bad_settings_are_refused_with_the_cure():
    pool = toys.pool()
    with pytest.raises(ValueError, match="give at least 1"):
        make_edge_addition(pool, toys.SQUARES, 0)
    with pytest.raises(ValueError, match="Did you mean 'edit'"):
        make_edge_addition(pool, toys.SQUARES, 1, "edits")
    with pytest.raises(ValueError, match="graph 0 lacks 7 edges, fewer than the budget of 8"):
        make_edge_addition(pool, toys.SQUARES, 8)
    split = make_pool([from_networkx(nx.Graph([(0, 1), (2, 3)]))[0]])
    with pytest.raises(ValueError, match="not connected"):
        make_edge_addition(split, deterministic(toys.squares, True), 1)
    with pytest.raises(ValueError, match="directed"):
        make_edge_addition(make_pool([from_networkx(nx.DiGraph([(0, 1), (1, 2)]))[0]]), toys.SQUARES, 1)
