"""Editors of knowledge graphs: what they are calibrated to, what the network sees, and that it learns."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.config import DQNConfig
from agents.repair import by_rank, gains, oracle, told
from agents.repair_editors import Editor, best_editor, by_all, by_column, played, random_episodes
from agents.training import make_runs, play
from envs.kg_repair import make_kg_repair
from envs.queries import make_task
from lepton_rl.candidate_heads import candidate_network
from lepton_rl.damage import Damage
from lepton_rl.proposals import ADD, RELABEL, STOP
from tests.envs import toys

N, R, L = 24, 2, 4
DQN = DQNConfig(
    iterations=30, chunks=1, episodes=16, updates=4, batch_size=32, replay_capacity=512, picks="all", n_step=L,
    return_mix=0.0, discount=0.0, learning_rate=1e-2, epsilon_end=0.2,
)  # fmt: skip


def make(seed):
    """Two groups with facts of their own: errors can be told."""
    facts = [(e, r, t) for e in range(N) for r in range(R) for t in range(N) if e // 12 == t // 12 and (e + t) % 4 == r]
    how = Damage(0.1, 0.1, 0.1, 0.2, 0.0)
    return make_kg_repair(make_task(np.array(facts), N, R), L, types=np.arange(N) // 12, how=how,
                          seeds=((seed, 0), (seed, 1)), entities=3, candidates=32)  # fmt: skip


@pytest.fixture(scope="module")
def train():
    return make(0)


@pytest.fixture(scope="module")
def valid():
    return make(1)


def test_what_editors_expect_is_what_edits_bring(train):
    """In the mean over each kind of edit, rising with the column; least squares too."""
    worth, operation = gains(train), np.asarray(train.pool.candidates)[..., 0]
    seen = np.asarray(train.pool.evidence)
    for values in (by_column(train, 0)(train), by_all(train)(train)):
        for kind in (ADD, RELABEL):
            assert values[operation == kind].mean() == pytest.approx(worth[operation == kind].mean(), abs=0.02)
    adds = operation == ADD
    order = np.argsort(seen[adds][:, seen.shape[-1] // 2])
    assert (np.diff(by_column(train, 0)(train)[adds][order]) >= 0).all()


def test_greedy_is_between_nothing_and_the_oracle_and_the_best_is_chosen(train, valid):
    best = oracle(valid).drops
    editors = [Editor(str(column), by_column(train, column)) for column in (0, 3)]
    chosen = best_editor(editors, valid)
    found = played(valid, chosen).rewards.sum()
    assert 0 < found <= best.sum() and float(random_episodes(valid).rewards.sum()) < found
    assert all(found >= played(valid, editor._replace(threshold=bar)).rewards.sum()
               for editor in editors for bar in (0.0, 0.5))  # fmt: skip
    perfect = played(valid, Editor("truth", gains)).rewards.sum()
    assert found < perfect <= best.sum()


def test_ranks_know_no_scale(train, valid):
    grown = [told(env, np.asarray(env.pool.evidence) ** 3 * 7) for env in (train, valid)]
    ranks = [np.asarray(by_rank(env, like).pool.evidence) for env, like in ((valid, train), grown[::-1])]
    same = np.abs(ranks[0] - ranks[1])
    assert np.abs(ranks[0]).max() == 1 and np.median(same) < 0.01
    nothing = np.asarray(valid.pool.comes) == valid.pool.facts.shape[1]
    half = ranks[0].shape[-1] // 2
    assert (ranks[0][nothing & (np.asarray(valid.pool.candidates)[..., 0] != RELABEL)][:, half:] == 0).all()


def test_values_move_with_the_candidates_and_stop_is_worth_nothing(train):
    network = candidate_network(train.pool.evidence.shape[-1], R, 8)
    _, seen = train.reset(jnp.int32(0), toys.key_of(0, 0))
    params = jax.tree.map(lambda leaf: leaf + 0.1, network.init(jax.random.key(0), seen))

    def values(seen):
        return np.asarray(network.score(params, network.encode(params, seen), seen))

    order = np.random.default_rng(0).permutation(train.num_actions)
    turned = replace(seen, **{name: getattr(seen, name)[order] for name in ("legal", "candidates", "evidence")})
    np.testing.assert_allclose(values(seen)[order], values(turned), rtol=1e-5)
    assert values(seen)[-1] == 0 and seen.candidates[-1, 0] == STOP and len(np.unique(values(seen))) > 10
    fewer = replace(seen, legal=seen.legal.at[0].set(False))
    assert (values(fewer)[1:-1] != values(seen)[1:-1]).all(), "the set of what may be done is its context"


@pytest.mark.long
def test_the_learner_repairs_draws_that_it_has_not_seen(train, valid):
    ranked = [by_rank(env, train) for env in (train, valid)]
    network = candidate_network(train.pool.evidence.shape[-1], R, 16)
    runs = make_runs(network, DQN, 1)
    state = runs.init(ranked[0], [0])
    for state, _ in runs.chunks(*ranked, state):  # noqa: B007, B020 - donated
        pass
    drops = play(network, ranked[1], state.best_params, jax.random.key(0)).rewards[0].sum(-1)
    assert float(drops.sum()) > 0.5 * np.asarray(valid.pool.best).sum()
