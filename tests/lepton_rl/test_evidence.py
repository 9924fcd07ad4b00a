"""Evidence against slow versions by loops over sets of facts, and that no fact speaks for itself."""

import itertools
import math

import numpy as np
import pytest

from lepton_rl import evidence
from lepton_rl.evidence import columns, gather, trained
from lepton_rl.evidence.base import Case
from lepton_rl.metrics import Known
from lepton_rl.noise import facts_in
from lepton_rl.ranking import RankerConfig

N, R = 9, 3
COUNTED = ("frequency", "types", "rules")
RNG = np.random.default_rng(0)
GRID = np.argwhere(np.ones((N, R, N), bool))
FACTS = GRID[RNG.choice(len(GRID), 40, replace=False)]
LOOPS = np.array([(3, 1, 3), (4, 0, 4)])
FACTS = np.unique(np.concatenate([FACTS, LOOPS]), axis=0)
ASKED = np.concatenate([FACTS, GRID[::5]])
TYPES = np.arange(N) % 3


def mean(values):
    return sum(values) / len(values) if values else 0.0


def frequency(facts, asked):
    """With the asked triple taken out of the set of facts first."""
    rest = facts - {asked}
    h, r, t = asked
    same = [fact for fact in rest if fact[1] == r]

    def ratio(count, usual):
        return math.log((count + 0.5) / (usual + 0.5))

    def end(place, entity):
        there = {fact[place] for fact in same}
        return ratio(sum(fact[place] == entity for fact in same), len(same) / max(len(there), 1))

    degrees = [sum((fact[0] == e) + (fact[2] == e) for fact in rest) for e in (h, t)]
    ends = end(0, h), end(2, t)
    return [sum(ends), *ends, ratio(len(same), len(rest) / R), *(ratio(d, 2 * len(rest) / N) for d in degrees)]


def types(facts, asked, labels):
    """Every entity's roles, those of the asked triple's ends by other facts."""
    rest = facts - {asked}
    h, r, t = asked

    def roles(entity, facts):
        found = {("head", q) for a, q, _ in facts if a == entity} | {("tail", q) for _, q, b in facts if b == entity}
        return found | ({("type", labels[entity])} if labels is not None else set())

    def end(entity, role):
        others = [roles(e, facts) for e in range(N) if e != entity]
        usual = (sum(role in one for one in others) + 0.5) / N
        logs = []
        for other in sorted(roles(entity, rest) - {role}):
            with_it = [one for one in others if other in one]
            logs.append(math.log((sum(role in one for one in with_it) + usual) / (len(with_it) + 1) / usual))
        return mean(logs)

    ends = end(h, ("head", r)), end(t, ("tail", r))
    return [sum(ends), min(ends), max(ends)]


def rules(facts, asked):
    """Every body by loops; the asked pair is left out of what bodies join and of what they support."""
    steps = [(h, r, t) for h, r, t in facts if h != t]
    steps += [(t, r + R, h) for h, r, t in steps]
    joined = {}
    for a, q, b in steps:
        joined.setdefault((q,), set()).add((a, b))
    for (a, q, b), (c, p, d) in itertools.product(steps, steps):
        if b == c:
            joined.setdefault((q, p), set()).add((a, d))
    h, r, t = asked
    held, confidences, lifts = facts - {asked}, [], []
    usual = (sum(fact[1] == r for fact in held) + 0.5) / N**2
    for body, pairs in joined.items():
        if (h, t) in pairs and body != (r,):
            others = pairs - {(h, t)}
            hits = sum((x, r, y) in held for x, y in others)
            confidences.append(hits / (len(others) + 5))
            lifts.append(math.log((hits + 5 * usual) / (len(others) + 5) / usual))
    spoken, best = -sum(math.log(1 - c) for c in confidences), max(confidences, default=0)
    return [mean(lifts), math.log((best + 1e-3) / (1 - best + 1e-3)), math.log(spoken + 1e-3)]


@pytest.mark.parametrize("labels", [None, TYPES])
def test_counted_evidence_is_that_of_the_graph_without_the_triple(labels):
    facts = set(map(tuple, FACTS.tolist()))
    found = gather(FACTS, ASKED, N, R, names=COUNTED, types=labels)
    expected = [[*frequency(facts, fact), *types(facts, fact, labels), *rules(facts, fact)]
                for fact in map(tuple, ASKED.tolist())]  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert (np.ptp(found, axis=0) > 0.1).all()


def test_chunks_change_nothing(monkeypatch):
    whole = gather(FACTS, ASKED, N, R, names=COUNTED)
    monkeypatch.setattr("lepton_rl.bodies._PAIRS", 7)
    monkeypatch.setattr("lepton_rl.evidence.rules._PAIRS", 7)
    monkeypatch.setattr("lepton_rl.evidence.signatures._CHUNK", 40)
    np.testing.assert_allclose(gather(FACTS, ASKED, N, R, names=COUNTED), whole, atol=1e-12)


def test_answers_are_ranked_among_what_is_not_known():
    table = np.random.default_rng(1).integers(-3, 4, (N, 2 * R, N)).astype(float)
    found = trained.answered(lambda h, r: table[h, r], ASKED, Known(FACTS, N, R))
    facts = set(map(tuple, FACTS.tolist()))
    for (h, r, t), row in zip(ASKED.tolist(), found, strict=True):
        lifts, ranks = [], []
        for scores, own, true in (
            (table[h, r], t, [(h, r, x) in facts for x in range(N)]),
            (table[t, r + R], h, [(x, r, t) in facts for x in range(N)]),
        ):
            among = [scores[x] for x in range(N) if x != own and not true[x]]
            lifts.append(scores[own] - math.log(mean([math.exp(x) for x in among])))
            better = sum((x > scores[own]) + (x == scores[own]) / 2 for x in among)
            ranks.append(math.log((len(among) - better + 0.5) / (better + 0.5)))
        np.testing.assert_allclose(row, [mean(lifts), *lifts, *ranks], atol=1e-9)


def test_a_fact_is_scored_by_the_fold_that_does_not_know_it_and_others_by_all():
    own = facts_in(ASKED, FACTS, N, R)
    case, tables = Case(FACTS, ASKED, own, N, R, None, 3), np.random.default_rng(2).normal(size=(4, N, 2 * R, N))
    folds = trained.folds_of(case, 4)
    assert sorted(np.bincount(folds)) == [10, 10, 11, 11] or np.ptp(np.bincount(folds)) <= 1
    found = trained.over_folds(case, folds, lambda fold: lambda h, r: tables[fold, h, r])
    alone = np.stack([trained.answered(lambda h, r, k=k: tables[k, h, r], ASKED, Known(FACTS, N, R)) for k in range(4)])
    for i, number in enumerate(own):
        np.testing.assert_allclose(found[i], alone[folds[number], i] if number < len(FACTS) else alone[:, i].mean(0))


@pytest.fixture
def ring():
    """Relation 1 goes two steps along a ring of relation 0; one fact of it goes astray."""
    ring = [(i, 0, (i + 1) % 12) for i in range(12)]
    two = [(i, 1, (i + 2) % 12) for i in range(12)]
    return np.array([*ring, *two, (3, 1, 9)])


@pytest.mark.parametrize("name", ["rules", "propagation"])
def test_what_reads_paths_finds_the_fact_that_goes_astray(ring, name, monkeypatch):
    from lepton_rl.ranking import RankerConfig

    tiny = RankerConfig(width=8, rounds=2, epochs=8, batch_size=4)
    monkeypatch.setattr("lepton_rl.evidence.propagation._CONFIG", tiny)
    found = gather(ring, ring, 12, 2, names=(name,))[:, 0]
    assert found.argmin() == 24


def test_embeddings_speak_for_what_follows_from_other_facts(monkeypatch):
    """Two groups, each with objects of its own: a held-out fact within is likelier than one across."""
    inside = [(a, 0, 8 + b) for a in range(8) for b in range(16) if a // 4 == b // 8]
    facts = np.array([*inside, (0, 0, 17), (6, 0, 10)])
    tiny = RankerConfig(width=16, epochs=40, batch_size=8, learning_rate=1e-2, weight_decay=0.3)
    monkeypatch.setattr("lepton_rl.evidence.embedding._WIDER", tiny)
    found = gather(facts, facts, 24, 1, names=("embedding",))
    assert np.isfinite(found).all() and found[-2:, 0].max() < np.quantile(found[:-2, 0], 0.2)
    again = gather(facts, facts[::-1], 24, 1, names=("embedding",))
    np.testing.assert_allclose(again[::-1], found, atol=1e-5)


def test_columns_are_those_that_were_asked_for():
    names = columns(("types", "frequency"))
    assert names[0] == "types" and "frequency" in names and len(set(names)) == len(names) == 9
    assert gather(FACTS, ASKED[:2], N, R, names=("types", "frequency")).shape == (2, 9)
    said = []
    gather(FACTS, ASKED[:2], N, R, names=("types",), note=said.append)
    assert said[0].startswith("types: ") and said[0].endswith("s for 2 triples")
    for name in evidence.EVIDENCE:
        assert columns((name,))[0] == name


@pytest.mark.parametrize(("changes", "message"), [
    ({"names": ("rulse",)}, "Did you mean 'rules'"), ({"facts": FACTS[[0, 0, 1]]}, "each given once"),
    ({"asked": np.array([(0, R, 0)])}, r"asked: entities must lie in \[0, 9\), relations in \[0, 3\)"),
    ({"types": np.array([0, 1])}, r"types must be int\[9\]"), ({"facts": FACTS[:1]}, "at least two facts"),
    ({"num_relations": 101, "names": ("rules",)}, "over 101 relations are too many"),
])  # fmt: skip
def test_what_cannot_be_judged_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        gather(**{"facts": FACTS, "asked": ASKED, "num_entities": N, "num_relations": R} | changes)
