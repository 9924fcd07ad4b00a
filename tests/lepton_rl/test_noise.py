"""Wrong facts: that they are wrong, of the kind asked for, and as many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_rl.noise import KINDS, corrupt, facts_in

N, R = 12, 3


def graph(seed=0, count=60):
    rng = np.random.default_rng(seed)
    drawn = rng.integers((N, R, N), size=(3 * count, 3))
    return np.unique(drawn, axis=0)[rng.permutation(count)]


FACTS, OTHERS = graph(), graph(1, 40)
GRID = np.argwhere(np.ones((N, R, N), bool))
NEGATIVES = GRID[facts_in(GRID, np.concatenate([FACTS, OTHERS]), N, R) == len(FACTS) + len(OTHERS)]
GIVEN = np.arange(N) % 4


def as_set(facts):
    return set(map(tuple, np.asarray(facts).tolist()))


@given(st.sampled_from(KINDS), st.sampled_from([0.05, 0.1, 0.3]), st.booleans(), st.integers(0, 50))
def test_wrong_facts_are_in_no_list_of_true_ones_and_as_many_as_asked_for(kind, share, typed, seed):
    noisy = corrupt(FACTS, N, R, share, kind, np.random.default_rng(seed), known=OTHERS,
                    types=GIVEN if typed else None, negatives=NEGATIVES[:40])  # fmt: skip
    wrong = as_set(noisy.facts[noisy.wrong])
    assert (noisy.facts[~noisy.wrong] == FACTS).all() and len(noisy.facts) == len(noisy.wrong)
    assert len(wrong) == noisy.wrong.sum() == round(share * len(FACTS))
    assert not wrong & (as_set(FACTS) | as_set(OTHERS))
    ends = [{(h, r) for h, r, t in FACTS.tolist()}, {(r, t) for h, r, t in FACTS.tolist()}]
    for h, r, t in wrong:
        sources = [[place for place in range(3) if (h, r, t)[place] != fact[place]] for fact in FACTS.tolist()]
        if kind == "relation":
            assert [1] in sources
        if kind == "types" and not typed:
            assert (h, r) in ends[0] and (r, t) in ends[1] and ([0] in sources or [2] in sources)
        if kind == "types" and typed:
            assert any(((h, r) == (a, q) and GIVEN[t] == GIVEN[b]) or ((r, t) == (q, b) and GIVEN[h] == GIVEN[a])
                       for a, q, b in FACTS.tolist())  # fmt: skip
        if kind == "uniform":
            assert any(len(places) == 1 for places in sources)
        if kind == "verified":
            assert (h, r, t) in as_set(NEGATIVES[:40])


def test_uniform_noise_changes_every_place():
    noisy = corrupt(FACTS, N, R, 0.9, "uniform", np.random.default_rng(0))
    changed = [[place for place in range(3) if wrong[place] != fact[place]]
               for wrong in noisy.facts[noisy.wrong] for fact in FACTS]  # fmt: skip
    assert all(changed.count([place]) > 10 for place in range(3))


def test_mixed_noise_has_every_kind_or_the_others_where_there_is_no_room_for_one():
    noisy = corrupt(FACTS, N, R, 0.9, "mixed", np.random.default_rng(0))
    ends = {(h, t) for h, _, t in FACTS.tolist()}
    assert sum((h, t) in ends for h, _, t in noisy.facts[noisy.wrong].tolist()) >= 54 // 3
    alone = np.unique(FACTS * (1, 0, 1), axis=0)
    for share in (0.02, 0.3):
        noisy = corrupt(alone, N, 1, share, "mixed", np.random.default_rng(0))
        assert noisy.wrong.sum() == round(share * len(alone)) and not as_set(noisy.facts[noisy.wrong]) & as_set(alone)


def test_the_same_generator_gives_the_same_noise_and_another_other():
    drawn = [corrupt(FACTS, N, R, 0.2, "uniform", np.random.default_rng(seed)).facts for seed in (3, 3, 4)]
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize(("changes", "message"), [
    ({"kind": "unifrm"}, "Did you mean 'uniform'"), ({"share": 0.0}, "a share of 0.0 of 60 facts: give facts"),
    ({"share": 1.0}, "between 0 and 1"), ({"facts": FACTS[:0]}, "of 0 facts: give facts"),
    ({"kind": "verified"}, "takes negatives"),
    ({"kind": "verified", "negatives": FACTS}, "30 wrong facts are asked for and 0 are verified: lower the share"),
    ({"facts": np.array([(0, R, 0)])}, r"facts: entities must lie in \[0, 12\), relations in \[0, 3\)"),
    ({"known": np.array([(N, 0, 0)])}, "known: entities must lie"),
    ({"kind": "types", "types": np.zeros(3, int)}, r"types must be int\[12\].* got shape \(3,\)"),
    ({"kind": "relation", "known": GRID}, "found 0 wrong facts of 30. The graph is too small or too dense"),
])  # fmt: skip
def test_what_cannot_be_made_is_refused(changes, message):
    given = {"facts": FACTS, "num_entities": N, "num_relations": R, "share": 0.5, "kind": "uniform",
             "rng": np.random.default_rng(0)}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        corrupt(**given | changes)


def test_places_of_facts():
    assert facts_in(np.array([FACTS[3], (0, 0, 0), FACTS[59]]), FACTS[1:], N, R).tolist()[::2] == [2, 58]
    assert facts_in(FACTS[:2], FACTS[2:], N, R).tolist() == [58, 58]
    assert facts_in(FACTS[:1], np.zeros((0, 3)), N, R).tolist() == [0]
