"""Candidates against rules counted by hand, and verdicts on a graph whose missing and wrong facts are known."""

import itertools

import numpy as np
import pytest

from lepton_rl.calibration import Platt
from lepton_rl.curation import Curation, judging
from lepton_rl.curation.judging import Check, judge
from lepton_rl.curation.proposals import propose
from lepton_rl.detection import auroc


def counted(facts, N, R):
    """The candidates of each relation by their score, by brute force over pairs and bodies."""
    arcs = {(h, r, t) for h, r, t in facts if h != t} | {(t, r + R, h) for h, r, t in facts if h != t}
    pairs = {(a,): {(x, y) for x, s, y in arcs if s == a} for a in range(2 * R)}
    for a, b in itertools.product(range(2 * R), repeat=2):
        pairs[a, b] = {(x, y) for x, z in pairs[a,] for w, y in pairs[b,] if z == w}
    found = {}
    for r in range(R):
        mine = {(h, t) for h, q, t in facts if q == r}
        sure = {body: len(held & mine) / (len(held) + 5) for body, held in pairs.items()}
        del sure[(r,)]
        kept = sorted((c for c in sure.values() if c >= 0.05), reverse=True)
        assert len(kept) <= 30  # else which ones count depends on the order of equal ones
        for (h, t), body in ((pair, one) for one in sure if sure[one] >= 0.05 for pair in pairs[one]):
            if h != t and (h, t) not in mine:
                found[h, r, t] = found.get((h, r, t), 0) - np.log1p(-sure[body])
    return found


@pytest.mark.parametrize("seed", range(4))
def test_candidates_are_what_rules_lead_to(seed):
    rng = np.random.default_rng(seed)
    N, R = 12, 2
    facts = np.unique(rng.integers((N, R, N), size=(30, 3)), axis=0)
    wanted, made = counted([tuple(row) for row in facts.tolist()], N, R), propose(facts, N, R)
    loops = [r for r in range(R) if (facts[facts[:, 1] == r, 0] == facts[facts[:, 1] == r, 2]).any()]
    for r in range(R):
        mine = [tuple(row) for row in made[made[:, 1] == r].tolist() if row[0] != row[2]]
        scores = sorted((score for (_, q, _), score in wanted.items() if q == r), reverse=True)
        most = max(int((facts[:, 1] == r).sum()), 10)
        if r not in loops:
            assert len(mine) == min(most, len(scores))
        got = [wanted[row] for row in mine]
        assert got == pytest.approx(sorted(got, reverse=True), abs=1e-5)
        assert got == pytest.approx(scores[: len(got)], abs=1e-5)


def test_many_relations_have_rules_of_one_step():
    """An inverse relation beside a hundred others: only what it leads to is proposed."""
    R, N = 103, 60
    there = [(i, 0, i + 30) for i in range(30)]
    back = [(i + 30, 1, i) for i in range(20)]
    others = [(i % 30, 2 + i, (i * 7 + 1) % 30) for i in range(100) if i % 30 != (i * 7 + 1) % 30]
    made = propose(np.array(there + back + others), N, R)
    assert {tuple(row) for row in made[made[:, 1] == 1].tolist()} == {(i + 30, 1, i) for i in range(20, 30)}


def town():
    """People in towns: who lives where, knows whom and works with whom, both ways; (facts, wrong, missing)."""
    rng = np.random.default_rng(0)
    people, towns = np.arange(60), 60 + np.arange(6)
    facts = {(int(p), 0, int(towns[p % 6])) for p in people}
    for p, q in itertools.combinations(people.tolist(), 2):
        if p % 6 == q % 6:
            facts |= {(p, 1, q), (q, 1, p)}
        if p % 10 == q % 10:
            facts |= {(p, 2, q), (q, 2, p)}
    facts = sorted(facts)
    missing = [facts[i] for i in rng.choice(np.flatnonzero([r for _, r, _ in facts]), 6, replace=False)]
    wrong = [(61, 1, 3), (2, 0, 3), (62, 2, 64), (5, 1, 63), (60, 0, 61)]
    return np.array([f for f in facts if f not in missing] + wrong), wrong, missing


@pytest.fixture(scope="module")
def judged():
    facts, _, _ = town()
    notes = []
    return judge(facts, 66, 3, Curation(draws=4), notes.append), notes


def test_wrong_and_missing_facts_are_found(judged):
    (verdicts, notes), (facts, wrong, missing) = judged, town()
    is_wrong = np.array([tuple(row) in wrong for row in facts.tolist()])
    assert auroc(verdicts.wrong.confidence, is_wrong) > 0.98
    found = [tuple(row) for row in verdicts.candidates.tolist()]
    assert set(missing) <= set(found)
    assert auroc(verdicts.missing.confidence, np.array([row in missing for row in found])) > 0.9
    assert len(notes) == 4 and notes[0].startswith("draw 1: ")
    assert verdicts.evidence.shape == (len(facts) + len(found), len(verdicts.columns))
    order = np.argsort(verdicts.wrong.score)
    assert (np.diff(verdicts.wrong.confidence[order]) >= 0).all()


def test_what_is_said_of_held_out_draws_is_so(judged):
    for check in (judged[0].wrong.check, judged[0].missing.check):
        assert abs(check.said.mean() - check.so.mean()) < 0.03
        assert check.between(0.0, 1.01) == (len(check.so), check.so.sum())
    assert Check(np.array([0.2, 0.9, 0.8]), np.array([True, True, False])).between(0.5, 1.01) == (2, 1)


def test_assuming_fewer_wrong_facts_makes_milder_verdicts_in_the_same_order(judged):
    facts, _, _ = town()
    rare = judge(facts, 66, 3, Curation(draws=4, wrong=0.005)).wrong
    np.testing.assert_allclose(rare.score, judged[0].wrong.score)  # drawn with as many
    assert (rare.confidence <= judged[0].wrong.confidence).all()


@pytest.mark.parametrize("fold", [None, lambda facts: facts[:, 2] % 4])
def test_no_fact_is_judged_by_what_has_seen_a_label_of_it(monkeypatch, fold):
    """The evidence is the fact itself, and what is fitted knows its facts again."""
    monkeypatch.setattr(judging, "gather", lambda facts, asked, *_, **__: asked.astype(float))
    monkeypatch.setattr(judging, "fit", lambda rows, labels, seed: set(map(tuple, rows.tolist())))
    monkeypatch.setattr(judging, "logits", lambda seen, rows: np.array([tuple(row) in seen for row in rows.tolist()]))
    monkeypatch.setattr(judging, "platt", lambda logits, labels: Platt(1.0, 0.0))
    verdicts = judge(town()[0], 66, 3, Curation(draws=4), fold=fold)
    for one in (verdicts.wrong, verdicts.missing):
        assert len(one.score) and not one.score.any() and (one.check.said == 0.5).all()


def test_a_policy_is_calibrated_and_not_fitted(judged):
    facts, wrong, _ = town()
    calls, notes = [], []

    def policy(asked, rows):
        calls.append(len(asked))
        return -rows.sum(1)

    verdicts = judge(facts, 66, 3, Curation(), notes.append, policy=policy)
    each = len(verdicts.wrong.check.so) // 2  # half of the draws calibrate, half report
    assert len(notes) == 4 and calls == [each, each, each, each, len(facts)]
    np.testing.assert_allclose(verdicts.wrong.score, -verdicts.evidence[: len(facts)].sum(1))
    is_wrong = np.array([tuple(row) in wrong for row in facts.tolist()])
    assert auroc(verdicts.wrong.confidence, is_wrong) > 0.9
    assert abs(verdicts.wrong.check.said.mean() - verdicts.wrong.check.so.mean()) < 0.03
    np.testing.assert_allclose(verdicts.missing.score, judged[0].missing.score)


def test_settings_and_graphs_that_cannot_be():
    for bad in ({"wrong": 0.0}, {"missing": 0.5}, {"draws": 3}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            Curation(**bad)
    with pytest.raises(ValueError, match="Did you mean 'rules'"):
        judge(town()[0], 66, 3, Curation(evidence=("ruls",)))
    with pytest.raises(ValueError, match="too small or too dense"):
        judge(np.array([(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1)]), 2, 1)
