"""Repairs against plain ones on sets of facts, the best of all plans, and what is refused."""

import copy
import itertools

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.repair import gains, oracle
from envs.base import step_batch
from envs.kg_repair import build_kg_repair, make_kg_repair
from envs.queries import make_task
from lepton_rl.damage import Damage
from lepton_rl.proposals import ADD, DELETE, NONE, OPERATIONS, RELABEL, REPLACE, STOP
from lepton_rl.triple_graph import refused, to_triples
from tests.envs import toys

N, R, L = 14, 3, 4
TYPES = np.arange(N) % 3 - (np.arange(N) % 7 == 6)


@pytest.fixture(scope="module")
def env():
    """Three damaged copies with many errors, so that candidates often meet."""
    facts = np.unique(np.random.default_rng(0).integers((N, R, N), size=(90, 3)), axis=0)
    how = Damage(0.15, 0.15, 0.15, 0.3)
    return make_kg_repair(make_task(facts, N, R), L, types=TYPES, how=how, seeds=((1,), (2,), (3,)), entities=3,
                          candidates=40)  # fmt: skip


class Plain:
    """The same episode on sets."""

    def __init__(self, env, p):
        pool, k = env.pool, int(env.pool.copy[p])
        self.facts = rows(np.asarray(pool.graphs.base.triples)[np.asarray(pool.shown[k])])
        self.types = dict(enumerate(np.asarray(pool.types[k]).tolist()))
        self.focus = np.asarray(pool.asked[p]).tolist()
        self.candidates = np.asarray(pool.candidates[p]).tolist()
        self.left, self.over = env.horizon, False

    def moves(self, action):
        """The facts that go and come, and the (entity, type) that changes; None where it is illegal."""
        if self.over or not 0 <= action < len(self.candidates):
            return None
        operation, h, r, t, other = self.candidates[action]
        goes, comes, typed = set(), set(), None
        if operation == ADD:
            comes = {(h, r, t)}
        elif operation == DELETE:
            goes = {(h, r, t)}
        elif operation in REPLACE:
            new = [h, r, t]
            new[REPLACE.index(operation)] = other
            goes, comes = {(h, r, t)}, {tuple(new)}
        elif operation == RELABEL:
            typed = (h, other)
        legal = operation != NONE and goes <= self.facts and not comes & self.facts
        return (goes, comes, typed) if legal and (typed is None or self.types[typed[0]] != typed[1]) else None

    def step(self, action):
        found = self.moves(action)
        if found:
            goes, comes, typed = found
            self.facts = self.facts - goes | comes
            self.types = self.types | dict([typed] if typed else [])
            self.over |= self.candidates[action][0] == STOP
        self.left -= 1
        self.over |= self.left == 0

    def difference(self, true, types):
        return len(self.facts ^ true) + 2 * sum(self.types[e] != types[e] for e in self.types)


def rows(facts):
    return {tuple(fact) for fact in np.asarray(facts).tolist()}


@pytest.fixture(scope="module")
def truth():
    return rows(np.random.default_rng(0).integers((N, R, N), size=(90, 3))), TYPES.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_repairs_are_those_of_sets(env, truth, seed):
    """Masks, rewards, facts, types and what is shown, over legal and wild actions."""
    rng, P = np.random.default_rng(seed), env.pool.size
    plain, keys = [Plain(env, p) for p in range(P)], toys.keys_of(0, P)
    begun = [one.difference(*truth) for one in plain]
    state, seen = jax.jit(jax.vmap(env.reset))(jnp.arange(P), keys)
    step, made = jax.jit(step_batch), set()
    for _ in range(L):
        legal = np.asarray(seen.legal)
        assert legal.tolist() == [[one.moves(a) is not None for a in range(env.num_actions)] for one in plain]
        picks = [rng.choice(np.flatnonzero(row)) if row.any() and rng.random() < 0.9 else rng.integers(-2, 45)
                 for row in legal]  # fmt: skip
        before = [one.difference(*truth) for one in plain]
        for one, pick in zip(plain, picks, strict=True):
            made |= {one.candidates[pick][0]} if one.moves(pick) else set()
            one.step(int(pick))
        state, outcome = step(env, state, np.array(picks, np.int32), keys)
        seen = outcome.observation
        drops = [was - one.difference(*truth) for was, one in zip(before, plain, strict=True)]
        assert np.asarray(outcome.reward).tolist() == drops
        assert np.asarray(outcome.terminated).tolist() == [one.over for one in plain]
    for p, one in enumerate(plain):
        graph = env.pool.whole(jax.tree.map(lambda leaf, p=p: leaf[p], seen.graph))
        assert rows(to_triples(graph)) == one.facts and refused(graph) == 0
        assert seen.context[p].tolist() == one.focus and not seen.legal[p].any()
        marks = np.asarray(seen.marks[p])
        assert np.flatnonzero(marks[:, 0]).tolist() == one.focus and (marks[:, 1] == 0).all()
        assert marks[:, 2].tolist() == [one.types[e] for e in range(N)]
        assert float(env.value(jax.tree.map(lambda leaf, p=p: leaf[p], state))) == begun[p] - one.difference(*truth)
        assert begun[p] - one.difference(*truth) <= int(env.pool.best[p])
    assert made >= {ADD, DELETE, RELABEL, STOP} and made & set(REPLACE)


def test_an_edit_that_another_has_made_is_not_legal_again(env):
    """Two candidates that take one fact away, or put it in: after the one, the other is illegal, and counts nothing."""
    found = 0
    for p in range(env.pool.size):
        plain = Plain(env, p)
        for a, b in itertools.combinations(range(env.num_actions), 2):
            first, second = plain.moves(a), plain.moves(b)
            if first and second and (first[0] & second[0] or first[1] & second[1]):
                state, _ = env.reset(jnp.int32(p), toys.key_of(0, 0))
                state, outcome = env.step(state, jnp.int32(a), toys.key_of(0, 1))
                assert not outcome.observation.legal[b]
                again, outcome = env.step(state, jnp.int32(b), toys.key_of(0, 2))
                assert outcome.reward == 0 and (again.held == state.held).all()
                found += 1
                break
    assert found > 3


def test_candidates_are_about_the_focus_and_begin_legal(env):
    legal = np.asarray(jax.jit(jax.vmap(env.reset))(jnp.arange(env.pool.size), toys.keys_of(0, env.pool.size))[1].legal)
    candidates = np.asarray(env.pool.candidates)
    assert (legal == (candidates[..., 0] != NONE)).all() and (candidates[:, -1, 0] == STOP).all()
    for p in range(env.pool.size):
        plain = Plain(env, p)
        for a, (operation, *_) in enumerate(plain.candidates):
            goes, comes, typed = plain.moves(a) or (set(), set(), None)
            assert all({fact[0], fact[2]} & set(plain.focus) for fact in goes | comes)
            assert typed is None or typed[0] in plain.focus
            assert (operation in REPLACE) == (len(goes) == len(comes) == 1)
            if operation in REPLACE:
                assert sum(x != y for x, y in zip(*goes, *comes, strict=True)) == 1
    assert set(np.unique(candidates[..., 0])) >= set(range(1, len(OPERATIONS)))
    dealt = np.asarray(env.pool.asked).reshape(3, -1)
    assert all(set(copy) == set(range(N)) for copy in dealt.tolist())


def test_the_oracle_finds_the_best_plan_of_its_candidates_and_it_can_be_played(env):
    """On a few candidates, against all sequences of them."""
    facts = np.unique(np.random.default_rng(0).integers((N, R, N), size=(90, 3)), axis=0)
    how = Damage(0.15, 0.15, 0.15, 0.3)
    small = make_kg_repair(make_task(facts, N, R), 3, types=TYPES, how=how, seeds=((4,),), entities=3, candidates=14)
    true = rows(facts), TYPES.tolist()
    found, worth = oracle(small), gains(small)
    for p in range(small.pool.size):
        begun = Plain(small, p)
        useful = [a for a in range(13) if begun.moves(a)]
        drops = {plan: drop_of(begun, plan, true) for k in (1, 2, 3) for plan in itertools.permutations(useful, k)}
        assert found.drops[p] == max(0, *drops.values()) <= int(small.pool.best[p])
        assert [worth[p, a] for a in useful] == [drops[a,] for a in useful]
    for tried in (small, env):
        plans = oracle(tried)
        state, _ = jax.jit(jax.vmap(tried.reset))(jnp.arange(tried.pool.size), toys.keys_of(0, tried.pool.size))
        for t in range(tried.horizon):
            state, _ = jax.jit(step_batch)(tried, state, plans.actions[:, t], toys.keys_of(0, tried.pool.size))
        assert np.asarray(state.gained).tolist() == plans.drops.tolist()


def drop_of(begun, plan, true):
    """What a plan brings; what is illegal in it brings nothing."""
    one = copy.copy(begun)
    for action in plan:
        one.step(action)
    return begun.difference(*true) - one.difference(*true)


def test_draws_of_the_parts_differ_and_the_truth_is_one():
    settings = {"entities": 4, "focuses": 2, "candidates": 16, "draws": 1}
    train, valid, again = (build_kg_repair(part=part, **settings) for part in ("train", "valid", "train"))
    assert (np.asarray(train.pool.true_types) == np.asarray(valid.pool.true_types)).all()
    assert train.pool.size == 2 and not np.array_equal(train.pool.asked, valid.pool.asked)
    for one, other in zip(jax.tree.leaves(train), jax.tree.leaves(again), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(("settings", "message"), [
    ({"horizon": 0}, "a budget of 0 edits"), ({"entities": 99}, r"99 entities a focus.* 1 \(of 8\)"),
    ({"candidates": 1}, "1 candidates"), ({"focuses": 0}, "0 focuses a copy: give at least 1"),
    ({"seeds": ()}, "0 copies"),
    ({"how": Damage(removed=2.0)}, "removed 2.0"), ({"evidence": ("rulse",)}, "Did you mean 'rules'"),
])  # fmt: skip
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_kg_repair(toys.task(), **settings)
    with pytest.raises(ValueError, match="unknown part 'tets'"):
        build_kg_repair(part="tets")


def test_an_episode_is_drawn_with_its_focus_and_its_edits():
    face = gym.make("lepton/KGRepair-v0", entities=2, focuses=4, candidates=24, draws=1, render_mode="ansi").unwrapped
    seen, _ = face.reset(seed=0)
    picks = {kind: np.flatnonzero(seen["operations"] == kind)[0] for kind in (ADD, DELETE)}
    for pick in picks.values():
        face.step(pick)
    text = face.render()
    h, r, t = ([int(seen[name][picks[kind]]) for kind in picks] for name in ("heads", "relations", "targets"))
    assert f"focus {' '.join(map(str, seen['focus']))}" in text and "step 2/8" in text
    assert f"inserted {h[0]} -{r[0]}-> {t[0]} | removed {h[1]} -{r[1]}-> {t[1]}" in text
    face.render_mode = "rgb_array"
    assert face.render().shape == (500, 500, 3)
