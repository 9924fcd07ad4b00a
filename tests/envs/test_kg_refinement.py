"""The environment of refinement against sets of facts in Python, and what it refuses."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.replay import empty_replay
from envs.base import whole
from envs.kg_refinement import build_kg_refinement, make_kg_refinement, refinement_on
from envs.noisy import make_noisy
from envs.queries import make_task
from lepton_rl.noise import Noisy
from lepton_rl.triple_graph import to_triples
from tests.envs import toys

N, R = 8, 2
RNG = np.random.default_rng(0)
GRID = RNG.permutation(np.argwhere(np.ones((N, R, N), bool)))
CLEAN, BAD = GRID[:20], GRID[20:]
# Instances of different size share wrong facts or do not.
INSTANCES = [Noisy(np.concatenate([CLEAN, BAD[a:b]]), np.arange(20 + b - a) >= 20) for a, b in ((0, 4), (2, 8), (6, 9))]
EVIDENCE = [RNG.normal(size=(len(noisy.facts), 2)) for noisy in INSTANCES]


@pytest.fixture(scope="module")
def pool():
    return make_noisy(INSTANCES, EVIDENCE, N, R)


def as_set(facts):
    return set(map(tuple, np.asarray(facts).tolist()))


def test_every_instance_is_its_own_facts_with_their_labels_and_evidence(pool):
    assert pool.size == 3 and pool.graphs.num_facts == 29
    base = np.asarray(pool.graphs.base.triples)
    for i, (noisy, told) in enumerate(zip(INSTANCES, EVIDENCE, strict=True)):
        assert as_set(to_triples(pool[i])) == as_set(noisy.facts)
        numbers = np.asarray(pool.numbers[i])[: int(pool.counts[i])]
        rows = {tuple(base[number].tolist()): j for j, number in enumerate(numbers)}
        assert len(rows) == len(noisy.facts) and (np.asarray(pool.numbers[i])[len(rows) :] == 29).all()
        for fact, wrong, seen in zip(noisy.facts.tolist(), noisy.wrong, told, strict=True):
            place = rows[tuple(fact)]
            assert bool(pool.wrong[i, place]) == wrong
            np.testing.assert_allclose(pool.evidence[i, place], seen, rtol=1e-6)
    assert not (np.diff(np.flatnonzero(np.asarray(pool.wrong[0]))) == 1).all(), "their order tells nothing"


@pytest.mark.parametrize("ask", [None, 0.25])
@pytest.mark.parametrize("window", [None, 7])
def test_refinement_is_that_of_sets(pool, window, ask):
    env, rng = refinement_on(pool, 9, penalty=0.5, window=window, ask=ask), np.random.default_rng(1)
    reset, step = jax.jit(type(env).reset), jax.jit(type(env).step)
    look, rewards, firsts = jax.jit(whole), set(), set()
    for episode in range(12):
        start, key = episode % 3, toys.key_of(5, episode)
        state, seen = reset(env, np.int32(start), key)
        seen, present, told = look(env, seen), as_set(INSTANCES[start].facts), {}
        wrong = as_set(INSTANCES[start].facts[INSTANCES[start].wrong])
        columns = {tuple(fact): row for fact, row in zip(INSTANCES[start].facts.tolist(), EVIDENCE[start], strict=True)}
        W, over, gained = env.window, False, 0.0
        firsts.add(int(seen.context[1]))
        facts = [tuple(row[1:]) for row in np.asarray(seen.candidates)[:W].tolist()]
        review = facts if window else facts[: len(present)]
        assert len(set(review)) == len(review) and set(review) <= present and (window or set(review) == present)
        for t in range(9):
            deletable = [fact in present and i < len(review) for i, fact in enumerate(facts)]
            bought = [free and fact not in told for free, fact in zip(deletable, facts, strict=True)]
            expected = [*deletable, True, *(bought if ask else [])]
            assert np.asarray(seen.legal).tolist() == [legal and not over for legal in expected]
            assert as_set(to_triples(env.graph(state))) == present
            told_row = [told.get(fact, 0.0) for fact in facts]
            np.testing.assert_allclose(seen.evidence[: len(review), :2], [columns[fact] for fact in review], rtol=1e-6)
            assert not ask or np.asarray(seen.evidence[:, 2]).tolist() == told_row
            operations = np.asarray(seen.candidates)[:, 0]
            assert operations.tolist() == [1] * W + [0] + ([2] * W if ask else [])
            action = W if t > 4 and rng.random() < 0.2 else int(rng.integers(-1, env.num_actions + 1))
            legal = 0 <= action < env.num_actions and bool(seen.legal[action])
            fact, reward = facts[(action if action < W else action - W - 1) % W], 0.0
            if legal and action < W:
                present -= {fact}
                reward = 1.0 if fact in wrong else -0.5
            if legal and action > W:
                told[fact], reward = (1.0 if fact in wrong else -1.0), -0.25
            over = over or (legal and action == W) or t == 8
            state, outcome = step(env, state, np.int32(action), key)
            gained += reward
            rewards.add(reward)
            assert float(outcome.reward) == reward and bool(outcome.terminated) == over
            assert float(env.value(state)) == pytest.approx(gained)
            seen = look(env, outcome.observation)
    assert rewards == {0.0, 1.0, -0.5} | ({-0.25} if ask else set())
    assert len(firsts) > 3 if window else firsts == {0}


def test_a_budget_may_end_before_all_is_deleted_and_rebuilding_needs_nothing_else(pool):
    env = refinement_on(pool, 3, ask=0.1)
    actions, key = jnp.array([0, env.window + 1 + 4, 2], jnp.int32), toys.key_of(1, 1)
    state, _ = env.reset(jnp.int32(1), key)
    for t, action in enumerate(actions):
        toys.assert_trees_match(env.rebuild(jnp.int32(1), toys.key_of(1, 1), actions, jnp.int32(t)), state)
        state, outcome = env.step(state, action, key)
    assert outcome.terminated and not outcome.observation.legal.any() and int(state.asks) == 1


def test_what_is_batched_does_not_grow_with_the_evidence(pool):
    wide = replace(pool, evidence=jnp.zeros((*pool.wrong.shape, 50)))
    sizes = []
    for one in (pool, wide):
        state, seen = jax.jit(jax.vmap(refinement_on(one, 9).reset))(jnp.arange(2), toys.keys_of(0, 2))
        sizes.append(sum(leaf.nbytes for leaf in jax.tree.leaves((state, seen))))
    assert sizes[0] == sizes[1]
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(empty_replay(8, 9, 27))) / 72 <= 300


def test_noise_of_parts_and_draws_differs_and_the_same_seed_gives_the_same():
    task = make_task(CLEAN, N, R, known=GRID[100:])
    made = {key: make_kg_refinement(task, share=0.2, draws=2, part=key[0], seed=key[1], evidence=("frequency",))
            for key in (("train", 0), ("valid", 0), ("train", 1))}  # fmt: skip
    base = {key: np.asarray(env.pool.graphs.base.triples) for key, env in made.items()}
    wrong = [as_set(facts[np.asarray(env.pool.numbers[i])[np.asarray(env.pool.wrong[i])]])
             for (key, env), facts in zip(made.items(), base.values(), strict=True) for i in range(2)]  # fmt: skip
    assert len(set(map(frozenset, wrong))) == 6 and all(len(one) == 4 for one in wrong)
    assert not set().union(*wrong) & (as_set(CLEAN) | as_set(GRID[100:]))
    again = make_kg_refinement(task, share=0.2, draws=2, evidence=("frequency",))
    toys.assert_trees_match(again, made["train", 0])
    assert again.horizon == 8


def test_what_is_missing_is_hidden_and_not_put_in_as_wrong():
    task = make_task(GRID[:100], N, R, known=GRID[:120])
    pool = make_kg_refinement(task, share=0.1, missing=0.2, draws=2, evidence=("frequency",)).pool
    right = []
    for i in range(2):
        facts, wrong = np.asarray(pool.graphs.base.triples)[np.asarray(pool.numbers[i])], np.asarray(pool.wrong[i])
        right.append(as_set(facts[~wrong]))
        assert len(right[i]) == 80 and right[i] < as_set(GRID[:100])
        assert wrong.sum() == 8 and not as_set(facts[wrong]) & as_set(GRID[:120])
    assert right[0] != right[1]


def test_verified_wrong_facts_come_from_the_folder(tmp_path):
    lines = ["\t".join(f"n{x}" for x in fact) for fact in GRID[:60].tolist()]
    ends = {"train": 40, "valid": 42, "test": 44, "valid_negatives": 52, "test_negatives": 60}
    for (name, end), first in zip(ends.items(), (0, *ends.values()), strict=False):
        rows = lines[first:end]
        (tmp_path / f"{name}.tsv").write_text("\n".join(rows) + "\n")
    named = {}
    for part in ("train", "test"):
        env = build_kg_refinement(data=str(tmp_path), part=part, kind="verified", share=0.1, draws=2, budget=2)
        named[part] = {fact for i in range(2) for fact in as_set(
            np.asarray(env.pool.graphs.base.triples)[np.asarray(env.pool.numbers[i])[np.asarray(env.pool.wrong[i])]]
        )}  # fmt: skip
        assert 4 <= len(named[part]) <= 8 and env.horizon == 2
    assert not named["train"] & named["test"]
    with pytest.raises(ValueError, match="verified: lower the share"):
        build_kg_refinement(data=str(tmp_path), kind="verified", share=0.5)
    with pytest.raises(ValueError, match=r"world has no file of facts verified .*valid_negatives"):
        build_kg_refinement(kind="verified")


@pytest.mark.parametrize(("settings", "message"), [
    ({"horizon": 0}, "a budget of 0 deletions"), ({"window": 99}, "a window of 99 of 21 facts"),
    ({"penalty": -1.0}, "a penalty of -1.0"), ({"ask": -1.0}, "a price of a label of -1.0"),
    ({"part": "tets"}, "Did you mean 'test'"), ({"draws": 0}, "0 draws of noise"),
    ({"missing": 1.0}, "1.0 of the facts missing"), ({"kind": "typs"}, "Did you mean"),
    ({"evidence": ("rulse",)}, "Did you mean 'rules'"),
])  # fmt: skip
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        make_kg_refinement(make_task(CLEAN, N, R), **{"evidence": ("frequency",), **settings})


def test_evidence_that_does_not_fit_is_refused():
    for told, message in (([], "evidence on each; got 1 and 0"), ([np.zeros((3, 1))], r"finite, f\[24, F\]")):
        with pytest.raises(ValueError, match=message):
            make_noisy(INSTANCES[:1], told, N, R)
