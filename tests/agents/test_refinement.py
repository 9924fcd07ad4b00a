"""Policies that clean a knowledge graph: what they see, what they learn, and that sets are what playing gives."""


import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.config import DQNConfig
from agents.dqn import greedy_episodes
from agents.refinement import (
    Supervised,
    deleted,
    fit_labels,
    halves_of,
    log_odds,
    odds_apart,
    other_half,
    refiner_on,
    started_from_labels,
)
from agents.training import make_runs
from envs.base import whole
from envs.kg_refinement import refinement_on
from envs.noisy import make_noisy, restricted
from lepton_rl.evidence_heads import relative
from lepton_rl.folds import folds
from lepton_rl.metrics import average_precision
from lepton_rl.noise import Noisy
from tests.envs import toys

N, R, E, BAD = 30, 2, 400, 60
QUICK = Supervised(steps=300, batch=4, window=128, looks=3, learning_rate=1e-2)
GRID = np.argwhere(np.ones((N, R, N), bool))


def pool(draws, seed):
    """Wrong facts have evidence that is lower by two, of three columns in all."""
    rng, instances, told = np.random.default_rng(seed), [], []
    clean = np.random.default_rng(0).permutation(len(GRID))
    for _ in range(draws):
        bad = rng.choice(clean[E:], BAD, replace=False)
        wrong = np.arange(E + BAD) >= E
        instances.append(Noisy(GRID[np.concatenate([clean[:E], bad])], wrong))
        told.append(rng.normal(size=(E + BAD, 3)) - 2 * wrong[:, None] * (1, 0.5, 0))
    return make_noisy(instances, told, N, R)


@pytest.fixture(scope="module")
def envs():
    return [refinement_on(pool(draws, seed), 80, penalty=0.5) for draws, seed in ((3, 1), (1, 2), (2, 3))]


@pytest.fixture(scope="module")
def labelled(envs):
    network = refiner_on(envs[0], width=8)
    return network, fit_labels(network, QUICK, envs[0], envs[1], jax.random.key(0))


def precision(network, params, env):
    z = np.asarray(log_odds(network, params, env))
    return np.mean([average_precision(row, wrong) for row, wrong in zip(z, np.asarray(env.pool.wrong), strict=True)])


def test_columns_are_compared_with_the_facts_that_are_there():
    values = np.random.default_rng(0).normal(size=(6, 2))
    there = np.array([True, True, False, True, True, False])
    found = np.asarray(relative(jnp.asarray(values), jnp.asarray(there)))
    kept = values[there]
    np.testing.assert_allclose(found[there], (kept - kept.mean(0)) / kept.std(0), rtol=1e-4)
    assert not found[~there].any()


def test_values_rise_with_the_probability_and_stopping_is_worth_nothing(envs, labelled):
    network, fitted = labelled
    seen = whole(envs[2], envs[2].reset(jnp.int32(0), toys.key_of(0, 0))[1])
    z = np.asarray(network.encode(fitted.params, seen))
    values = np.asarray(network.score(fitted.params, z, seen))
    np.testing.assert_allclose(values[:-1], 1.5 / (1 + np.exp(-z)) - 0.5, atol=1e-5)
    assert values[-1] == 0 and len(values) == E + BAD + 1
    asking = refinement_on(envs[2].pool, 5, ask=0.1)
    network = refiner_on(asking)
    seen = whole(asking, asking.reset(jnp.int32(0), toys.key_of(0, 0))[1])
    params = network.init(jax.random.key(0), seen)
    assert network.score(params, network.encode(params, seen), seen).shape == (2 * (E + BAD) + 1,)


def test_labels_teach_what_is_wrong_on_other_noise(envs, labelled):
    network, fitted = labelled
    best = max(average_precision(-np.asarray(envs[2].pool.evidence[0, :, i]), np.asarray(envs[2].pool.wrong[0]))
               for i in range(3))  # fmt: skip
    assert precision(network, fitted.params, envs[2]) > best
    assert fitted.validation[fitted.look] == min(fitted.validation) < 0.3 and len(fitted.validation) == 3


def test_the_set_is_what_the_greedy_policy_deletes(envs, labelled):
    network, fitted = labelled
    for horizon in (80, 9):
        env = refinement_on(envs[2].pool, horizon, penalty=0.5)
        state = jax.jit(greedy_episodes, static_argnums=0)(network, env, fitted.params, jax.random.key(0)).state
        gone = np.asarray(deleted(network, fitted.params, env))
        np.testing.assert_array_equal(gone, state.gone)
        assert (gone.sum(1) == 9).all() if horizon == 9 else ((gone.sum(1) > 9) & (gone.sum(1) < 80)).all()


@pytest.mark.long
def test_rewards_teach_it_too_and_runs_may_start_from_labels(envs, labelled):
    network, fitted = labelled
    config = DQNConfig(
        iterations=40, chunks=1, episodes=8, updates=8, batch_size=64, replay_capacity=320, picks="all",
        return_mix=0.0, discount=0.0, learning_rate=1e-2, epsilon_end=0.3,
    )  # fmt: skip
    train, valid = (refinement_on(env.pool, 16, penalty=0.5, window=128) for env in envs[:2])
    runs = make_runs(network, config, 1)
    fresh = runs.init(train, [0])
    started = started_from_labels(fresh, fitted.params)
    assert jax.tree.structure(started) == jax.tree.structure(fresh)
    for leaf, one in zip(jax.tree.leaves(started.best_params), jax.tree.leaves(fitted.params), strict=True):
        np.testing.assert_array_equal(leaf[0], one)
    before = precision(network, jax.tree.map(lambda leaf: leaf[0], fresh.params), envs[2])
    for state, _ in runs.chunks(train, valid, fresh):  # noqa: B007
        pass
    after = precision(network, jax.tree.map(lambda leaf: leaf[0], state.params), envs[2])
    assert before < 0.3 and after > 0.75 * precision(network, fitted.params, envs[2]) > 0.4


def test_a_restricted_pool_keeps_its_facts_with_what_is_said_of_them(envs):
    kept = np.random.default_rng(0).random(envs[0].pool.graphs.num_facts) < 0.5
    small = restricted(envs[0].pool, kept)
    for i in range(3):
        rows = [{int(n): (bool(w), tuple(x)) for n, w, x in zip(*map(np.asarray, columns), strict=True)
                 if n < len(kept)} for columns in ((p.numbers[i], p.wrong[i], p.evidence[i].tolist())
                                                   for p in (envs[0].pool, small))]  # fmt: skip
        assert rows[1] == {n: said for n, said in rows[0].items() if kept[n]} and len(rows[1]) == small.counts[i]
    assert not np.asarray(small.wrong)[np.asarray(small.numbers) == len(kept)].any()


def test_each_fact_is_judged_by_the_policy_that_learns_from_the_other_half(envs, labelled):
    network, fitted = labelled
    env, half = envs[2], folds(range(N), range(R))
    base = np.asarray(env.pool.graphs.base.triples)
    for which in (0, 1):
        shown = np.asarray(other_half(env, half, which).pool.numbers)
        shown = shown[shown < len(base)]
        assert len(shown) > E / 3 and (half(base[shown]) == 1 - which).all()
    params = [jax.tree.map(lambda leaf, k=k: leaf * k, fitted.params) for k in (1, 2)]
    both, mine = jax.tree.map(lambda *leaves: jnp.stack(leaves), *params), halves_of(env, half)
    z = odds_apart(network, both, np.asarray(env.pool.evidence), mine)
    for which, one in enumerate(params):
        alone = np.asarray(log_odds(network, one, env))
        np.testing.assert_allclose(z[mine == which], alone[mine == which], rtol=1e-4, atol=1e-5)
