"""Measures of detection against their definitions by loops."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_rl.detection import auroc, best_threshold, f1, precision_at, precision_recall, reliability

CASES = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=7)


@given(CASES, st.integers(1, 7))
def test_precision_among_the_first_is_the_mean_over_all_orders_of_equals(cases, count):
    scores, labels = np.array(cases).T
    count = min(count, len(cases))
    orders = [order for order in itertools.permutations(range(len(cases)))
              if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))]  # fmt: skip
    expected = np.mean([labels[list(order[:count])].mean() for order in orders])
    assert precision_at(scores, labels, count) == pytest.approx(expected)
    if labels.any():
        assert precision_at(scores, labels) == pytest.approx(precision_at(scores, labels, int(labels.sum())))


@given(CASES)
def test_precision_and_recall_are_those_of_the_sets_above_each_score(cases):
    scores, labels = np.array(cases).T
    if not labels.any():
        with pytest.raises(ValueError, match="a true label"):
            precision_recall(scores, labels)
        return
    sets = [labels[scores >= bar] for bar in sorted(set(scores.tolist()), reverse=True)]
    recall, precision = precision_recall(scores, labels)
    assert recall == pytest.approx([part.sum() / labels.sum() for part in sets])
    assert precision == pytest.approx([part.mean() for part in sets])


@given(CASES)
def test_the_area_is_the_share_of_pairs_in_the_right_order(cases):
    scores, labels = np.array(cases).T
    pairs = list(itertools.product(scores[labels == 1], scores[labels == 0]))
    if not pairs:
        with pytest.raises(ValueError, match="labels of both kinds"):
            auroc(scores, labels)
    else:
        assert auroc(scores, labels) == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a, b in pairs]))


@given(CASES)
def test_no_threshold_is_better_than_the_best(cases):
    scores, labels = np.array(cases).T

    def of(threshold):
        chosen = {i for i, score in enumerate(scores) if score >= threshold}
        true = {i for i, label in enumerate(labels) if label}
        hits = len(chosen & true)
        precision, recall = hits / max(len(chosen), 1), hits / max(len(true), 1)
        expected = 2 * precision * recall / (precision + recall) if hits else float(not (chosen or true))
        assert f1(scores >= threshold, labels) == pytest.approx(expected)
        return expected

    best = best_threshold(scores, labels)
    assert best in scores and of(best) == pytest.approx(max(of(score) for score in scores))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(1, 12))
def test_bins_say_what_is_in_them(cases, bins):
    said, so = np.array([case[0] for case in cases]), np.array([case[1] for case in cases])
    found, error = reliability(said, so, bins), 0.0
    for i in range(bins):
        inside = [(p, y) for p, y in cases if min(int(p * bins), bins - 1) == i]
        assert found.counts[i] == len(inside)
        if inside:
            p, y = np.mean(inside, axis=0)
            assert found.said[i] == pytest.approx(p) and found.so[i] == pytest.approx(y)
            error += len(inside) / len(cases) * abs(p - y)
        else:
            assert np.isnan(found.said[i]) and np.isnan(found.so[i])
    assert found.error == pytest.approx(error)


@pytest.mark.parametrize(("measure", "scores", "labels", "message"), [
    (auroc, [1.0, 2.0], [True], "got 2 and 1"), (auroc, [1.0, 2.0], [True, True], "labels of both kinds"),
    (best_threshold, [], [], "at least one"), (reliability, [1.5], [True], r"must lie in \[0, 1\]"),
    (precision_at, [1.0], [False], "precision at 0 of 1 facts"),
])  # fmt: skip
def test_what_cannot_be_measured_is_refused(measure, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        measure(np.array(scores), np.array(labels))
