"""Damage whose repair is known: what is put in, and the best repair against every plan there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_rl.damage import Damage, damage, most_repaired, touching
from lepton_rl.data import load
from lepton_rl.data.knowledge.types import types_of

N, R = 12, 3
GRID = list(itertools.product(range(3), range(2), range(3)))  # all facts of three entities and two relations
AT_FOCUS = [fact for fact in GRID if 0 in (fact[0], fact[2])]
TYPES = 3


@pytest.fixture(scope="module")
def facts():
    rng = np.random.default_rng(0)
    return np.unique(rng.integers((N, R, N), size=(140, 3)), axis=0)


def rows(facts):
    return {tuple(fact) for fact in np.asarray(facts).tolist()}


@pytest.mark.parametrize("seed", range(3))
def test_shares_are_kept_and_nothing_put_in_is_true_or_twice(facts, seed):
    how, types = Damage(0.1, 0.2, 0.15, 0.25), np.arange(N) % 4 - 1
    found = damage(facts, types, N, R, how, np.random.default_rng(seed))
    E, true, there = len(facts), rows(facts), rows(found.facts)
    assert len(there) == len(found.facts)
    gone, bent = round(0.1 * E), round(0.15 * E)
    assert len(true - there) == gone + bent and len(there - true) == bent + round(0.2 * E)
    pairs = [(w, m) for w in there - true for m in true - there if sum(a == b for a, b in zip(w, m, strict=True)) == 2
             and w[1] == m[1]]  # fmt: skip
    assert len({m for _, m in pairs}) >= bent, "each rewired fact has a wrong one that differs at one end"
    changed = found.types != types
    assert changed.sum() == round(0.25 * (types >= 0).sum()) and (types[changed] >= 0).all()
    assert found.types.min() >= -1 and found.types.max() <= types.max()


def test_the_same_draw_twice_and_others(facts):
    draws = [damage(facts, np.full(N, -1), N, R, Damage(), np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert (draws[0].facts == draws[1].facts).all() and rows(draws[0].facts) != rows(draws[2].facts)
    nothing = damage(facts, np.zeros(N, int), N, R, Damage(0.0, 0.0, 0.0, 0.5), np.random.default_rng(0))
    assert (nothing.facts == facts).all() and (nothing.types == 0).all(), "one type alone cannot be wrong"


def plans(there, type_, edits):
    """All (facts at entity 0, its type) that so many edits lead to, one set of states after the other."""
    states = {(frozenset(there), type_)}
    for _ in range(edits):
        new = set(states)
        for facts, kind in states:
            absent = [fact for fact in AT_FOCUS if fact not in facts]
            new |= {(facts - {fact}, kind) for fact in facts} | {(facts | {fact}, kind) for fact in absent}
            new |= {(facts, other) for other in range(TYPES)}
            new |= {(facts - {old} | {fact}, kind) for old in facts for fact in absent
                    if sum(a == b for a, b in zip(old, fact, strict=True)) == 2}  # fmt: skip
        states = new
    return states


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(AT_FOCUS), max_size=4), st.sets(st.sampled_from(AT_FOCUS), max_size=4), st.booleans(),
    st.integers(1, 3),
)
def test_the_best_repair_is_that_of_all_plans(true, there, mistyped, edits):
    def difference(facts, kind):
        return len(set(facts) ^ true) + 2 * (kind != 0)

    before = difference(there, int(mistyped))
    best = max(before - difference(*state) for state in plans(there, int(mistyped), edits))
    missing, wrong = (np.array(sorted(some), int).reshape(-1, 3) for some in (true - there, there - true))
    assert most_repaired(missing, wrong, int(mistyped), edits) == best


def test_a_rewired_fact_is_one_edit_and_two_need_two():
    wrong, missing = np.array([(0, 0, 1), (0, 0, 2)]), np.array([(0, 0, 3)])
    assert most_repaired(missing, wrong, 0, 1) == 2 and most_repaired(missing, wrong, 0, 5) == 3
    assert most_repaired(missing, wrong[:0], 2, 2) == 4 and most_repaired(missing, wrong[:0], 2, 9) == 5
    assert touching(np.array([(0, 0, 1), (2, 0, 3), (4, 0, 2)]), np.array([2, 5])).tolist() == [False, True, True]


@pytest.mark.parametrize(("how", "message"), [
    (Damage(removed=-0.1), "removed -0.1"), (Damage(injected=1.0), "below 1"),
    (Damage(removed=0.6, rewired=0.5), "leave no fact"),
])  # fmt: skip
def test_shares_out_of_range_are_refused(facts, how, message):
    with pytest.raises(ValueError, match=message):
        damage(facts, np.full(N, -1), N, R, how, np.random.default_rng(0))


def test_a_graph_without_room_for_a_wrong_fact_is_refused():
    full = np.array(list(itertools.product(range(2), range(1), range(2))))
    with pytest.raises(ValueError, match="no room for 1 wrong facts"):
        damage(full, np.full(2, -1), 2, 1, Damage(0.0, 0.0, 0.3, 0.0), np.random.default_rng(0))


def test_types_of_data_sets():
    world = load("world")
    types, names = types_of(world)
    kinds = world.entity_data["kind"].to_pylist()
    assert [names[number] for number in types] == kinds and "country" in names


def test_of_several_types_the_commonest_counts():
    import pyarrow as pa

    from lepton_rl.data.knowledge import KnowledgeGraph
    from lepton_rl.data.names import Names

    data = pa.table({"types": pa.array([["x", "y"], ["y"], None, ["z", "y"], []], pa.list_(pa.string()))})
    facts, names = np.zeros((0, 3), np.int32), Names.of(list("abcde"))
    types, labels = types_of(KnowledgeGraph("g", facts, names, Names.of(["r"]), data))
    assert [labels[number] if number >= 0 else None for number in types] == ["y", "y", None, "y", None]
    assert types_of(KnowledgeGraph("g", facts, names, Names.of(["r"])))[0].tolist() == [-1] * 5
