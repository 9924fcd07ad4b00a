"""The DQN learner: its pure pieces against hand-written ones, and the learner as a whole on graphs of six nodes."""

import dataclasses
import itertools
from functools import partial

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from agents import training
from agents.config import DQNConfig
from agents.dqn import epsilon_greedy, exploring, make_hyper, make_learner, make_policy
from agents.losses import _mean, episode_values, error_of, loss_on_episodes
from agents.replay import empty_replay, write
from agents.targets import (
    Episode,
    action_values,
    double_q_value,
    observed,
    returns_from,
    sample,
    td_target,
)
from agents.training import make_runs
from envs.base import Trajectory, rollout
from envs.edge_addition import make_edge_addition
from envs.pools import make_pool
from lepton_rl.graph import from_networkx
from lepton_rl.heads import build_network
from lepton_rl.objectives import get_objective

SMALL = DQNConfig(
    iterations=200, chunks=4, episodes=16, updates=2, batch_size=32, replay_capacity=256, width=16, rounds=1,
    learning_rate=5e-3, epsilon_fraction=0.8,
)  # fmt: skip


@pytest.fixture(scope="module")
def env():
    graphs = [from_networkx(nx.path_graph(6))[0], from_networkx(nx.star_graph(5))[0]]
    return make_edge_addition(make_pool(graphs), get_objective("efficiency"), 2)


@pytest.fixture(scope="module")
def network():
    return build_network(width=16, rounds=1)


@pytest.fixture(scope="module")
def trained(env, network):
    runs = make_runs(network, SMALL, 3)
    state = runs.init(env, [0, 1, 2])
    first = None
    for state, _ in runs.chunks(env, env, state):  # noqa: B020 - donated
        first = copied(state) if first is None else first
    return state, first


reset = jax.jit(lambda env, start, key: env.reset(start, key))
step = jax.jit(lambda env, state, action, key: env.step(state, action, key))
both = jax.jit(observed)
values_of = jax.jit(action_values, static_argnums=0)
copied = jax.jit(lambda state: jax.tree.map(jnp.copy, state))  # what is given to the next chunk is donated
first_params = jax.jit(lambda network, key, seen: network.init(key, seen), static_argnums=0)


@partial(jax.jit, static_argnums=0)
def explored(network, env, params, start, keys):
    """600 episodes of legal picks at random."""
    return rollout(env, make_policy(network, params, 1.0), jnp.broadcast_to(start, 600), *keys)


def same(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x),
                              np.asarray(jax.random.key_data(y) if jnp.issubdtype(y.dtype, jax.dtypes.prng_key) else y))
               for x, y in pairs)  # fmt: skip


@pytest.mark.parametrize("t", range(6))
@pytest.mark.parametrize("n_step", [1, 3, 6])
def test_returns_equal_a_loop(t, n_step):
    rewards = np.array([0.0, 1.0, 0.5, -2.0, 0.25, 3.0], np.float32)
    discount, k = 0.9, 2
    n_sum, full = 0.0, 0.0
    for i in range(t, 6):
        weighted = rewards[i] * discount ** (i // k - t // k)
        full += weighted
        n_sum += weighted if i < t + n_step else 0.0
    got = returns_from(jnp.asarray(rewards), jnp.int32(t), n_step, k, jnp.float32(discount))
    np.testing.assert_allclose(got, (n_sum, full, discount ** ((t + n_step) // k - t // k)), rtol=1e-6)


def test_double_q_takes_the_online_argmax_among_legal_actions_and_the_target_value():
    online, target = jnp.array([9.0, 1.0, 2.0]), jnp.array([5.0, 7.0, -3.0])
    assert double_q_value(online, target, jnp.array([False, True, True])) == -3.0
    assert double_q_value(online, target, jnp.array([False, False, False])) == 0.0


def test_no_legal_action_gives_finite_gradients():
    gradient = jax.grad(lambda q: double_q_value(q, q, jnp.zeros(3, bool)) + q.sum())(jnp.ones(3))
    assert np.isfinite(gradient).all()


def test_epsilon_greedy_is_legal_and_has_the_right_frequencies():
    legal, q = jnp.array([True, False, True, True]), jnp.array([0.0, 9.0, 1.0, 0.5])
    keys = jax.random.split(jax.random.key(0), 4000)
    picks = np.asarray(jax.vmap(lambda key: epsilon_greedy(key, q, legal, 0.6))(keys))
    counts = np.bincount(picks, minlength=4) / len(picks)
    assert counts[1] == 0
    np.testing.assert_allclose(counts[[0, 2, 3]], [0.2, 0.6, 0.2], atol=0.03)


@pytest.mark.parametrize(("exploration", "weights"), [
    ("values", np.exp(np.array([0.2, 0.8, 0.5]) / 0.5)), ("odds", np.array([0.25, 4.0, 1.0]) ** 2),
])  # fmt: skip
def test_exploration_by_values_or_odds_has_the_right_frequencies(exploration, weights):
    legal, q = jnp.array([True, False, True, True]), jnp.array([0.2, 0.9, 0.8, 0.5])
    explore = exploring(dataclasses.replace(SMALL, exploration=exploration, temperature=0.5))
    keys = jax.random.split(jax.random.key(0), 4000)
    picks = np.asarray(jax.vmap(lambda key: epsilon_greedy(key, q, legal, 1.0, explore))(keys))
    np.testing.assert_allclose(np.bincount(picks, minlength=4)[[0, 2, 3]] / 4000, weights / weights.sum(), atol=0.03)


def test_errors_are_those_of_their_names():
    values, targets = jnp.array([0.2, 0.9, 1.0]), jnp.array([0.0, 1.0, 1.0])

    def error(kind, values=values, legal=(1, 1, 1)):
        return error_of(kind, values, targets, jnp.array(legal, bool)[:, None] & jnp.ones(2, bool))

    np.testing.assert_allclose(error("squared"), (0.04 + 0.01) / 3, rtol=1e-5)
    np.testing.assert_allclose(error("squared", legal=(1, 0, 1)), 0.04 / 3, rtol=1e-5)  # nothing after the end
    np.testing.assert_allclose(error("huber"), (0.04 + 0.01) / 6, rtol=1e-5)
    expected = -(np.log(0.8) + np.log(0.9) + np.log(1 - 1e-6)) / 3
    np.testing.assert_allclose(error("logistic"), expected, rtol=1e-4)
    assert np.isfinite(jax.grad(lambda x: error("logistic", x))(jnp.array([1.0, 0.0, 0.5]))).all()


@pytest.mark.parametrize("settings", [
    {"n_step": 3, "return_mix": 0.25, "discount": 0.5}, {"discount": 0.0, "return_mix": 0.3},
])  # fmt: skip
def test_whole_episodes_have_the_targets_of_their_steps(env, network, settings):
    config = dataclasses.replace(SMALL, batch="episodes", batch_size=4, **settings)
    hyper = make_hyper(config)
    _, observation = reset(env, 0, jax.random.key(1))
    params, late = (
        jax.tree.map(lambda x: x + 0.1, first_params(network, jax.random.key(i), observation)) for i in (2, 3)
    )
    keys = jax.random.split(jax.random.key(5), (2, 600))
    with jax.debug_key_reuse(False):  # of many episodes played the first, whose key the replay stores
        played = jax.tree.map(lambda leaf: leaf[:1], explored(network, env, params, 0, keys)._replace(state=None))
        key, keys = keys[0, 0], keys[0, :1]
    replay = write(empty_replay(1, 4), jnp.zeros(1, jnp.int32), keys, played)
    episode = Episode(jnp.int32(0), key, played.actions[0], played.rewards[0], played.terminated[0])
    with jax.debug_key_reuse(False):  # the same episode key on purpose
        q, legal = jax.jit(lambda params: episode_values(network, env, params, episode))(params)
        errors = []

        @jax.jit
        def target_at(t, later):
            pair = observed(env, jax.tree.map(lambda leaf: leaf[None], episode), t[None], later[None])
            before, successor = jax.tree.map(lambda leaf: leaf[0], pair)
            return before, td_target(network, config, hyper, params, late, env.steps_per_edit, episode, t, successor)

        for t in range(4):
            before, target = target_at(jnp.int32(t), jnp.int32(min(t + config.n_step, 4)))
            np.testing.assert_allclose(q[t], values_of(network, params, before), rtol=1e-4, atol=1e-5)
            np.testing.assert_array_equal(legal[t], before.legal)
            if config.discount == 0:
                assert target == episode.rewards[t]
            errors.append(float(q[t][episode.actions[t]] - target) ** 2)
        loss = jax.jit(loss_on_episodes(network, config, env, hyper, late, replay, jax.random.key(0)))(params)
        np.testing.assert_allclose(loss, np.mean(errors), rtol=1e-3)


def test_the_mean_over_episodes_has_the_gradient_of_a_plain_mean():
    """Of several runs at once, each with settings of its own, as the learner has it."""
    rows = {"x": jnp.array([[1.0, 2.0], [0.5, 3.0], [1.5, 0.2]]), "n": jnp.array([1, 2, 3])}
    params = {"a": jnp.array([0.7, -1.2]), "b": jnp.array([1.3, 0.4])}  # of two runs

    def gradient(mean, share):
        def of_one(params, row):
            return share * (params["a"] * row["x"] ** params["b"]).sum() + params["a"] * row["n"]

        return jax.value_and_grad(lambda params: 2 * mean(of_one, params, rows))

    def plain(of_one, params, rows):
        return jax.vmap(lambda row: of_one(params, row))(rows).mean()

    shares = jnp.array([0.3, 0.9])
    ours, theirs = (
        jax.jit(jax.vmap(lambda share, params, mean=mean: gradient(mean, share)(params)))(shares, params)
        for mean in (_mean, plain)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), ours, theirs)


def test_replay_is_a_ring_of_slabs():
    replay = empty_replay(4, 2)
    for i in range(3):
        filled = jnp.full((2, 2), i)
        episodes = Trajectory(filled, filled.astype(jnp.float32), filled > 0, None)
        replay = write(replay, jnp.array([i, i]), jax.random.split(jax.random.key(i), 2), episodes)
    assert replay.size == 4
    assert replay.cursor == 2
    np.testing.assert_array_equal(replay.starts, [2, 2, 1, 1])
    np.testing.assert_array_equal(replay.keys[:2], jax.random.key_data(jax.random.split(jax.random.key(2), 2)))


def test_td_target_equals_its_definition_written_out(env, network):
    config = dataclasses.replace(SMALL, n_step=1, return_mix=0.25, discount=0.5)
    hyper = make_hyper(config)
    td = jax.jit(lambda *state: td_target(network, config, hyper, params, target, env.steps_per_edit, *state))
    _, observation = reset(env, 0, jax.random.key(1))
    params, target = (first_params(network, jax.random.key(i), observation) for i in (2, 3))
    params, target = (jax.tree.map(lambda x: x + 0.1, p) for p in (params, target))
    actions = jnp.array([0, 2, 0, 3])
    rewards = jnp.array([0.0, 0.5, 0.0, 2.0])
    episode = Episode(jnp.int32(0), jax.random.key(1), actions, rewards, jnp.array([False, False, False, True]))

    def values(p, t):
        state, observation = reset(env, 0, jax.random.key(1))
        for action in actions[:t]:
            state, outcome = step(env, state, action, jax.random.key(0))
            observation = outcome.observation
        return np.asarray(values_of(network, p, observation)), np.asarray(observation.legal)

    for t in range(4):
        full = sum(float(rewards[i]) * 0.5 ** (i // 2 - t // 2) for i in range(t, 4))
        bootstrap = 0.0
        if t < 3:
            online, legal = values(params, t + 1)
            best = max((a for a in range(6) if legal[a]), key=lambda a: online[a])
            bootstrap = values(target, t + 1)[0][best] * 0.5 ** ((t + 1) // 2 - t // 2)
        expected = 0.75 * (float(rewards[t]) + bootstrap) + 0.25 * full
        with jax.debug_key_reuse(False):  # the same episode key on purpose
            before, successor = jax.tree.map(
                lambda leaf: leaf[0],
                both(env, jax.tree.map(lambda leaf: leaf[None], episode), jnp.array([t]), jnp.array([t + 1])),
            )
        got = td(episode, jnp.int32(t), successor)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(values_of(network, params, before), values(params, t)[0], rtol=1e-5)


@pytest.mark.parametrize("picks", ["all", "last"])
def test_a_batch_holds_one_kind_of_pick(env, picks):
    config = dataclasses.replace(SMALL, picks=picks)
    replay = empty_replay(256, env.horizon).replace(size=jnp.int32(256))
    for update in range(4):
        _, t = sample(replay, config, env, jax.random.key(update), jnp.int32(update))
        assert set(np.asarray(t % 2)) == ({1} if picks == "last" else {update % 2})
        assert set(np.asarray(t // 2)) == {0, 1}


def test_seeds_differ_and_runs_repeat_bit_for_bit_without_another_compilation(env, network, trained):
    state, expected = trained
    before = training._chunk._cache_size(), training.play._cache_size()
    runs = make_runs(network, SMALL, 3)
    again, _ = next(runs.chunks(env, env, runs.init(env, [0, 1, 2])))
    assert same(expected, again), "after the first chunk"
    # A new learner is a new program by its functions' identity; equal settings give the same learner.
    assert (training._chunk._cache_size(), training.play._cache_size()) == before
    first, second = (jax.tree.leaves(jax.tree.map(lambda leaf, i=i: leaf[i], state.params)) for i in (0, 1))
    assert any(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_run_among_many_equals_the_run_alone(env):
    config = dataclasses.replace(
        SMALL, iterations=1, chunks=1, head="node", picks="all", loss="huber", target_period=SMALL.updates
    )
    network = build_network(head="node", width=16, rounds=1)
    runs = make_runs(network, config, 3)
    many, (many_loss, *_) = training._chunk(runs.learner, env, runs.hyper, runs.init(env, [0, 1, 2]))
    assert same(many.target_params, many.params), "the hard copy after the last update"
    learner, hyper = make_learner(network, config), make_hyper(config)
    alone = jax.jit(learner.init)(env, hyper, jax.random.key(1))
    alone, metrics = jax.jit(learner.chunk)(env, hyper, alone)
    np.testing.assert_array_equal(alone.replay.actions, many.replay.actions[1])
    np.testing.assert_allclose(metrics[0], many_loss[1], rtol=1e-5)
    for one, among in zip(jax.tree.leaves(alone.params), jax.tree.leaves(many.params), strict=True):
        # Adam divides by the gradient's own size, so rounding shows at the size of a step where it is near zero.
        np.testing.assert_allclose(one, among[1], atol=2 * config.learning_rate * config.updates)


@jax.jit
def value_after(env, start, actions, t):
    graph = env.graph(env.rebuild(start, jax.random.key(0), actions, t))
    return env.objective.init(graph, ()).value


def exhaustive_optimum(env, start):
    absent = [(u, v) for u, v in itertools.combinations(range(6), 2)]
    best = -np.inf
    for pair in itertools.combinations(absent, 2):
        best = max(best, float(value_after(env, start, np.array(pair, np.int32).reshape(-1), 4)))
    return best - float(value_after(env, start, np.zeros(4, np.int32), 0))


def test_the_agent_finds_the_optimum_on_six_nodes(env, network, trained):
    state, _ = trained
    optimum = [exhaustive_optimum(env, 0), exhaustive_optimum(env, 1)]
    episodes = training.play(network, env, state.best_params, jax.random.key(0))
    found = np.asarray(episodes.rewards.sum(-1))
    assert (found <= np.asarray(optimum) + 1e-5).all()
    assert np.isclose(found, optimum, atol=1e-5).mean() >= 0.8


def test_a_policy_with_epsilon_one_is_uniform_over_legal_first_picks(env, network):
    keys = jax.random.split(jax.random.key(3), (2, 600))
    params = first_params(network, jax.random.key(0), reset(env, 0, jax.random.key(1))[1])
    episodes = explored(network, env, params, 1, keys)
    first = np.bincount(np.asarray(episodes.actions[:, 0]), minlength=6) / 600
    assert first[0] == 0  # the star's centre lacks no edge
    np.testing.assert_allclose(first[1:], 0.2, atol=0.06)


def test_config_refuses_what_cannot_run():
    with pytest.raises(ValueError, match="multiple of chunks"):
        DQNConfig(iterations=10, chunks=3)
    with pytest.raises(ValueError, match="temperature"):
        DQNConfig(temperature=0.0)
    with pytest.raises(ValueError, match="multiple of episodes"):
        DQNConfig(episodes=60)
