import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.base import Policy, reset_batch, rollout, step_batch, step_keys
from envs.edge_addition import make_edge_addition
from lepton_rl.batching import RUN_AXIS
from lepton_rl.objectives import Objective, Value
from tests.envs import toys
from tests.envs.toys import key_of
from tests.trees import member

BATCH, BUDGET = 4, 3


@pytest.fixture
def counted():
    """An objective that counts on the host how often it is really evaluated."""
    calls = {"init": 0, "update": 0}

    def count(name):
        calls[name] += 1

    def init(graph, noise):
        jax.debug.callback(lambda: count("init"))
        return Value(value=jnp.asarray(toys.squares(graph), jnp.float32))

    def update(carry, edit, graph_after, noise):
        jax.debug.callback(lambda: count("update"))
        return Value(value=jnp.asarray(toys.squares(graph_after), jnp.float32))

    return Objective(lambda graph, key: (), init, update), calls


def keys_of(seed, count=BATCH):
    return toys.keys_of(seed, count)


def legal_policy():
    def act(key, h, observation):
        return jax.random.categorical(key, jnp.where(observation.legal, 0.0, -jnp.inf)).astype(jnp.int32)

    return Policy(lambda observation: (), act)


STARTS = jnp.array([0, 1, 2, 3])


@pytest.mark.parametrize(("reward", "scores"), [("end", {"init": 1, "update": 0}), ("edit", {"init": 0, "update": 3})])
def test_scores_run_only_when_due(counted, reward, scores):
    objective, calls = counted
    env = make_edge_addition(toys.pool(), objective, BUDGET, reward)
    jax.block_until_ready(jax.jit(rollout, static_argnums=1)(env, legal_policy(), STARTS, keys_of(0), keys_of(1)))
    jax.effects_barrier()
    # One evaluation of the whole batch at the reset; after that only where a score is due.
    assert calls == {"init": 1 + scores["init"], "update": scores["update"]}


def test_scores_run_only_when_due_under_nested_batches(counted):
    objective, calls = counted
    env = make_edge_addition(toys.pool(), objective, BUDGET)
    runs = 2

    def run(keys, act_keys):
        return rollout(env, legal_policy(), STARTS, keys, act_keys).rewards

    many = jax.jit(jax.vmap(run, axis_name=RUN_AXIS))
    shape = (runs, BATCH)
    jax.block_until_ready(many(keys_of(2, runs * BATCH).reshape(shape), keys_of(3, runs * BATCH).reshape(shape)))
    jax.effects_barrier()
    assert calls == {"init": 2, "update": 0}


def test_a_batch_out_of_step_stays_exact():
    env = make_edge_addition(toys.pool(), toys.WEIGHTED, BUDGET)
    keys = keys_of(4)
    state, _ = reset_batch(env, STARTS, keys)
    _, head = env.reset(STARTS[0], key_of(4, 0))
    ahead, _ = env.step(jax.tree.map(lambda leaf: leaf[0], state), head.legal.argmax(), key_of(4, 0))
    state = jax.tree.map(lambda one, all_: all_.at[0].set(one), ahead, state)
    step = jax.jit(step_batch)
    alone = ahead
    for t in range(1, env.horizon):
        actions = jnp.array([(3 * t + i) % 10 for i in range(BATCH)], jnp.int32)
        state, batched = step(env, state, actions, step_keys(keys, t))
        alone, single = env.step(alone, actions[0], key_of(4, 0))
        assert bool(batched.terminated[0]) == bool(single.terminated) == (t == env.horizon - 1)
        assert not batched.terminated[1:].any()
        np.testing.assert_allclose(batched.reward[0], single.reward, rtol=1e-6)
        np.testing.assert_array_equal(batched.reward[1:], 0)


def test_rollout_equals_stepping_by_hand():
    env = make_edge_addition(toys.pool(), toys.WEIGHTED, BUDGET, "edit")
    policy, keys, act_keys = legal_policy(), keys_of(5), keys_of(6)
    trajectory = jax.jit(rollout, static_argnums=1)(env, policy, STARTS, keys, act_keys)
    assert trajectory.actions.shape == trajectory.rewards.shape == trajectory.terminated.shape == (BATCH, env.horizon)
    for i in range(BATCH):
        state, observation = env.reset(STARTS[i], key_of(5, i))
        for t in range(env.horizon):
            action = policy(jax.random.fold_in(key_of(6, i), t), observation)
            state, step = env.step(state, action, jax.random.fold_in(key_of(5, i), t))
            observation = step.observation
            assert int(action) == int(trajectory.actions[i, t])
            np.testing.assert_allclose(step.reward, trajectory.rewards[i, t], rtol=1e-5)
            assert bool(step.terminated) == bool(trajectory.terminated[i, t])
        toys.assert_trees_match(member(trajectory.state, i), state, rtol=1e-5)


def test_only_legal_actions_add_the_whole_budget():
    env = make_edge_addition(toys.pool(), toys.SQUARES, BUDGET)
    trajectory = jax.jit(rollout, static_argnums=1)(env, legal_policy(), STARTS, keys_of(7), keys_of(8))
    for i, start in enumerate(np.asarray(STARTS)):
        before = {tuple(sorted(edge)) for edge in toys.graphs()[start].edges}
        after = toys.edges(member(trajectory.state.graph, i))
        assert before < after and len(after) == len(before) + BUDGET
