"""What every environment in the table keeps to, whatever its rule."""

import warnings
from collections import Counter
from dataclasses import replace

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import lepton_rl
from envs import DEFAULTS, ENVIRONMENTS, KNOWLEDGE, get_environment
from envs.base import GraphEnv, reset_batch, step_batch, step_keys
from lepton_rl.objectives import OBJECTIVES
from tests.envs import toys
from tests.trees import member

STARTS = jnp.array([0, 1, 2, 3])
BATCH = len(STARTS)
TRACES = Counter()
reset = jax.jit(reset_batch)


@jax.jit  # one for all tests, which share its programs
def step(env, *inputs):
    TRACES[env.rule, env.num_actions] += 1
    return step_batch(env, *inputs)


@pytest.fixture(params=sorted(ENVIRONMENTS))
def name(request):
    return request.param


@pytest.fixture
def env(name):
    return toys.env_for(name)


def wild_actions(env, seed):
    """Legal and illegal picks, in range and out of it, for a whole episode and two steps more."""
    rng = np.random.default_rng(seed)
    return rng.integers(-2, env.num_actions + 2, (env.horizon + 2, BATCH)).astype(np.int32)


def legal_picks(observation, offset):
    """A legal action of every member, other ones for other offsets; 0 where the episode is over."""
    rows = np.asarray(observation.legal)
    picks = [np.flatnonzero(row)[(offset + i) % row.sum()] if row.any() else 0 for i, row in enumerate(rows)]
    return np.array(picks, np.int32)


def test_it_speaks_the_protocol(env):
    assert isinstance(env, GraphEnv)
    assert env.horizon % env.steps_per_edit == 0
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(env))


def test_no_two_rules_have_one_structure(env, name):
    """Equal structures share compiled programs; jax compares fields and not classes."""
    assert env.rule == name
    others = [toys.env_for(other) for other in ENVIRONMENTS]
    structures = [jax.tree.structure(other) for other in others if other.rule != name]
    assert jax.tree.structure(env) not in structures


def test_traced_once_and_total_under_wild_actions(env):
    keys = toys.keys_of(0, BATCH)
    state, observation = reset(env, STARTS, keys)
    for t, action in enumerate(wild_actions(env, 0)):
        was_legal = np.asarray(observation.legal)
        before = state  # of which an illegal action may change the step alone
        state, outcome = step(env, state, action, step_keys(keys, t))
        observation = outcome.observation
        assert np.isfinite(outcome.reward).all() and np.isfinite(observation.marks).all()
        assert (outcome.terminated == ~observation.legal.any(-1)).all()
        assert outcome.terminated.all() or t + 1 < env.horizon
        for i in range(BATCH):
            if not (0 <= action[i] < env.num_actions and was_legal[i, action[i]]):
                toys.assert_trees_match(member(replace(state, t=before.t), i), member(before, i))
    assert not observation.legal.any()
    assert TRACES[env.rule, env.num_actions] == 1


def test_some_action_is_legal_until_the_end_and_batch_equals_loop(env):
    keys = toys.keys_of(1, BATCH)
    state, observation = reset(env, STARTS, keys)
    single = jax.jit(type(env).step)
    alone = [env.reset(jnp.int32(i), toys.key_of(1, i))[0] for i in range(BATCH)]
    over = np.zeros(BATCH, bool)
    for t in range(env.horizon):
        assert (np.asarray(observation.legal).any(axis=1) == ~over).all()
        actions = legal_picks(observation, 5 * t)
        state, outcome = step(env, state, actions, step_keys(keys, t))
        observation, over = outcome.observation, np.asarray(outcome.terminated)
        for i in range(BATCH):
            key = jax.random.fold_in(toys.key_of(1, i), t)
            alone[i], one = single(env, alone[i], jnp.asarray(actions[i]), key)
            toys.assert_trees_match(member(outcome, i), one, rtol=1e-6)


def test_rebuild_is_bit_equal_to_stepping(env):
    keys = toys.keys_of(2, BATCH)
    actions = wild_actions(env, 2)[: env.horizon]
    state, _ = reset(env, STARTS, keys)
    rebuild = jax.jit(jax.vmap(type(env).rebuild, in_axes=(None, 0, 0, 0, None)))
    for t in range(env.horizon + 1):
        toys.assert_trees_match(rebuild(env, STARTS, keys, actions.T, t), state)
        if t < env.horizon:
            state, _ = step(env, state, actions[t], step_keys(keys, t))


@pytest.mark.parametrize("name", sorted(set(ENVIRONMENTS) - set(KNOWLEDGE)))
def test_padding_changes_neither_rewards_nor_legal_actions(name):
    """With an objective blind to padding; actions are node slots, so they keep their meaning.

    Knowledge graphs have no free slots: every one is an entity.
    """
    results = []
    for capacity in (10, 40):
        env = toys.env_for(name).replace(pool=toys.pool_for(name, capacity=capacity))
        keys = toys.keys_of(3, BATCH)
        state, observation = reset(env, STARTS, keys)
        seen = []
        for t in range(env.horizon):
            legal, actions = np.asarray(observation.legal), legal_picks(observation, 7 * t)
            state, outcome = step(env, state, actions, step_keys(keys, t))
            observation = outcome.observation
            seen.append((legal[:, :10], np.asarray(outcome.reward), np.asarray(observation.marks[:, :10])))
            assert not legal[:, 10:].any()
        results.append(seen)
    toys.assert_trees_match(*results, rtol=1e-6)
    assert any(reward.any() for _, reward, _ in results[0])


def registered(name, monkeypatch, folder):
    """A small environment of every Gymnasium id of the rule."""
    monkeypatch.setattr(toys, "TOY", toys.objective_for(name, plain=True), raising=False)
    monkeypatch.setitem(OBJECTIVES, "toy", "tests.envs.toys:TOY")
    ids = [env_id for env_id, rule in lepton_rl._GYMNASIUM_IDS.items() if rule == name]
    assert ids, f"{name} has no Gymnasium id in lepton_rl/__init__.py"
    settings = toys.settings_for(name, folder)
    return [gym.make(env_id, **settings).unwrapped for env_id in ids]


def test_registered_with_gymnasium_and_clean(name, monkeypatch, tmp_path):
    for face in registered(name, monkeypatch, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(face)


def test_stable_baselines_finds_nothing_to_warn_of(name, monkeypatch, tmp_path):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    for face in registered(name, monkeypatch, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            checker.check_env(face)


def test_made_without_settings_it_plays_its_own_objective(name):
    made = gym.make(f"lepton/{name}-v0", **({} if name in KNOWLEDGE else {"num_graphs": 4}))
    _, info = made.reset(seed=0)
    made.action_space.seed(0)
    gains, over = 0.0, False
    while not over:
        _, reward, over, _, info = made.step(made.action_space.sample(info["action_mask"]))
        gains += reward
    assert np.isfinite(gains)
    assert set(DEFAULTS) == set(ENVIRONMENTS)


def test_gymnasium_ids_name_environments_of_the_table():
    assert set(lepton_rl._GYMNASIUM_IDS.values()) == set(ENVIRONMENTS)
    with pytest.raises(ValueError, match="Did you mean 'EdgeAddition'"):
        get_environment("lepton/EdgeAdditon-v0")
