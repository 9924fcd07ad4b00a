"""Probabilities from evidence: against closed forms, and against what they were drawn from."""

import numpy as np
import pytest

from lepton_rl.calibration import calibrated, fit, logits, moved_prior, platt
from lepton_rl.detection import reliability


def drawn(rng, count, shift=-2.0):
    """Rows of two classes of normals a distance apart, for which the true log-odds are linear: 2 x + shift."""
    labels = rng.random(count) < 1 / (1 + np.exp(-shift))
    rows = np.stack([rng.normal(np.where(labels, 1.0, -1.0)), rng.normal(size=count)], 1)
    return rows, labels


def fitted(rows, labels, held, held_labels):
    """What a network fitted to some rows and calibrated on others says of rows."""
    model = fit(rows, labels)
    scale = platt(logits(model, held), held_labels)
    return lambda rows: calibrated(scale, logits(model, rows))


def test_probabilities_are_those_of_bayes():
    rng = np.random.default_rng(0)
    rows, labels = drawn(np.random.default_rng(1), 4000)
    said, true = fitted(*drawn(rng, 4000), *drawn(rng, 4000))(rows), 1 / (1 + np.exp(-(2 * rows[:, 0] - 2)))
    assert np.abs(said - true).mean() < 0.03
    assert reliability(said, labels).error < 0.03


def test_calibration_is_monotone_in_the_score():
    rng = np.random.default_rng(2)
    for sign in (1, -1):  # also where the score is worse than none
        scores, labels = rng.normal(size=200), rng.random(200) < 0.3
        scale = platt(scores + sign * labels, labels)
        assert scale.slope > 0 and (np.diff(calibrated(scale, np.sort(scores))) >= 0).all()


def test_calibration_undoes_a_shift_between_draws():
    """Held-out rows with other odds than those fitted to decide what probabilities mean."""
    rng = np.random.default_rng(3)
    says = fitted(*drawn(rng, 4000, shift=0.0), *drawn(rng, 4000, shift=-3.0))
    rows, labels = drawn(rng, 4000, shift=-3.0)
    assert abs(says(rows).mean() - labels.mean()) < 0.015


def test_rows_that_are_told_apart_perfectly_stay_probabilities():
    rows = np.linspace(-1, 1, 40)[:, None]
    said = fitted(rows, rows[:, 0] > 0, rows, rows[:, 0] > 0)(rows)
    assert ((said > 0.5) == (rows[:, 0] > 0)).all() and 0 < said.min() < said.max() < 1


def test_a_moved_prior_is_bayes_rule():
    said = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    odds = 3.0 * said[:-1] / (1 - said[:-1])
    np.testing.assert_allclose(moved_prior(said, 3.0), [*odds / (1 + odds), 1.0])
    np.testing.assert_allclose(moved_prior(said, 1.0), said)


def test_labels_of_one_kind_are_refused():
    rows = np.zeros((4, 2))
    both, one = np.array([True, False, True, False]), np.zeros(4, bool)
    with pytest.raises(ValueError, match="rows of both kinds"):
        fit(rows, one)
    for labels in (one, ~one):
        with pytest.raises(ValueError, match="rows of both kinds"):
            platt(rows[:, 0], labels)
    assert platt(rows[:, 0], both).slope > 0
