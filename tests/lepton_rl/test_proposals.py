"""Proposed edits: their scores by slow loops, and what they find on a graph whose errors are plain to see."""

import numpy as np
import pytest

from lepton_rl.proposals import ADD, DELETE, RELABEL, REPLACE, SCORES, count, fact_scores, propose

N, R = 9, 2


@pytest.fixture(scope="module")
def facts():
    return np.unique(np.random.default_rng(1).integers((N, R, N), size=(40, 3)), axis=0)


@pytest.fixture(scope="module")
def types():
    return np.array([0, 0, 1, 1, 2, 2, 0, 1, -1])


def arcs(facts):
    return {(h, r, t) for h, r, t in facts.tolist()} | {(t, r + R, h) for h, r, t in facts.tolist()}


def test_scores_are_those_of_loops(facts, types):
    counted, there = count(facts, types, N, R), arcs(facts)
    common = {pair: sum((e, *pair) in there for e in range(N)) for pair in {arc[1:] for arc in there}}
    rows = {e: {arc[1:]: (1 / np.log1p(common[arc[1:]])) ** 0.5 for arc in there if arc[0] == e} for e in range(N)}
    length = {e: sum(x * x for x in rows[e].values()) ** 0.5 for e in range(N)}
    alike = np.array([[0 if a == b else sum(rows[a][k] * rows[b].get(k, 0) for k in rows[a]) / length[a] / length[b]
                       for b in range(N)] for a in range(N)])  # fmt: skip
    near = alike / alike.sum(1, keepdims=True)
    np.testing.assert_allclose(counted.near.toarray(), near, atol=1e-12)
    pairs = {(h, t) for h, _, t in there}

    def rule(a, r):
        body = [pair for pair in pairs if (pair[0], a, pair[1]) in there]
        return 0 if a == r else sum((x, r, y) in there for x, y in body) / (len(body) + 5)

    focus = np.array([0, 4])
    found = fact_scores(counted, focus)
    for s, e in enumerate(focus.tolist()):
        for r in range(2 * R):
            for t in range(N):
                heads = sum(near[e, other] for other in range(N) if (other, r, t) in there)
                tails = sum(near[t, other] for other in range(N) if (e, r, other) in there)
                by_rule = max((rule(a, r) for a in range(2 * R) if (e, a, t) in there), default=0)
                often = common.get((r, t), 0) / sum(arc[1] == r for arc in there)
                whole = 1 - (1 - heads) * (1 - tails) * (1 - by_rule) * (1 - 1e-3 * often)
                np.testing.assert_allclose(found[:, s, r, t], [whole, heads, tails, by_rule, 0], atol=1e-12)


def test_types_are_those_of_naive_bayes_without_the_entity_itself(facts, types):
    likely, there = count(facts, types, N, R).likely, arcs(facts)
    has = np.array([[any((e, r, t) in there for t in range(N)) for r in range(2 * R)] for e in range(N)])
    for e in range(N):
        chances = []
        for c in range(3):
            # The prior counts an entity's own type without it, and so do the shares of that type.
            others = [x for x in range(N) if types[x] == c and x != e]
            share = (has[others].sum(0) + 0.5) / (len(others) + 1)
            chances.append((len(others) + 0.5) * np.where(has[e], share, 1 - share).prod())
        np.testing.assert_allclose(likely[e], np.array(chances) / sum(chances), atol=1e-12)


def test_plain_errors_are_found():
    """Two groups of entities with equal facts; one lacks a fact, one has a wrong one, one another's type."""
    facts = [(e, r, 10 + 2 * r + e // 5) for e in range(10) for r in range(4)]
    types = np.array([0] * 10 + [1] * 8)
    facts.remove((0, 1, 12))
    facts[facts.index((1, 0, 10))] = (1, 0, 11)
    types[2] = 1
    found = propose(count(np.array(facts), types, 18, 4), np.array([0, 1, 2]), 30)
    rows = found.rows.tolist()
    assert rows[0] == [ADD, 0, 1, 12, 0]
    first = {kind: next(row for row in rows if row[0] == kind) for kind in (DELETE, REPLACE[2], RELABEL)}
    assert first[DELETE] == [DELETE, 1, 0, 11, 0] and first[REPLACE[2]] == [REPLACE[2], 1, 0, 11, 10]
    relabels = [row for row in rows if row[0] == RELABEL]
    assert [row[1::3] for row in relabels] == [[0, 1], [1, 1], [2, 0]] and all(row[2] == 8 for row in relabels)
    sure = found.came[[rows.index(row) for row in relabels], SCORES.index("type")]
    assert sure.argmax() == 2 and sure[2] > 0.5
    assert len(rows) <= 30 and len({tuple(row) for row in rows}) == len(rows)
