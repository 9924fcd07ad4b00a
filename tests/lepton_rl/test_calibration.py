"""Probabilities from evidence: against closed forms, and against what they were drawn from."""

import numpy as np
import pytest

from lepton_rl.calibration import fit_calibrated, logits, moved_prior, probabilities
from lepton_rl.detection import reliability


def drawn(rng, count, shift=-2.0):
    """Rows of two classes of normals a distance apart, for which the true log-odds are linear: 2 x + shift."""
    labels = rng.random(count) < 1 / (1 + np.exp(-shift))
    rows = np.stack([rng.normal(np.where(labels, 1.0, -1.0)), rng.normal(size=count)], 1)
    return rows, labels


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    return fit_calibrated(*drawn(rng, 4000), *drawn(rng, 4000))


def test_probabilities_are_those_of_bayes(model):
    rows, labels = drawn(np.random.default_rng(1), 4000)
    said, true = probabilities(model, rows), 1 / (1 + np.exp(-(2 * rows[:, 0] - 2)))
    assert np.abs(said - true).mean() < 0.03
    assert reliability(said, labels).error < 0.03


def test_calibration_is_monotone_in_the_score(model):
    rows, _ = drawn(np.random.default_rng(2), 4000)
    order = np.argsort(logits(model, rows))
    assert model.slope > 0 and (np.diff(probabilities(model, rows)[order]) >= 0).all()


def test_calibration_undoes_a_shift_between_draws():
    """Held-out rows with other odds than those fitted to decide what probabilities mean."""
    rng = np.random.default_rng(3)
    model = fit_calibrated(*drawn(rng, 4000, shift=0.0), *drawn(rng, 4000, shift=-3.0))
    rows, labels = drawn(rng, 4000, shift=-3.0)
    assert abs(probabilities(model, rows).mean() - labels.mean()) < 0.015


def test_rows_that_are_told_apart_perfectly_stay_probabilities():
    rows = np.linspace(-1, 1, 40)[:, None]
    model = fit_calibrated(rows, rows[:, 0] > 0, rows, rows[:, 0] > 0)
    said = probabilities(model, rows)
    assert ((said > 0.5) == (rows[:, 0] > 0)).all() and 0 < said.min() < said.max() < 1


def test_a_moved_prior_is_bayes_rule():
    said = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    odds = 3.0 * said[:-1] / (1 - said[:-1])
    np.testing.assert_allclose(moved_prior(said, 3.0), [*odds / (1 + odds), 1.0])
    np.testing.assert_allclose(moved_prior(said, 1.0), said)


def test_labels_of_one_kind_are_refused():
    rows = np.zeros((4, 2))
    both, one = np.array([True, False, True, False]), np.zeros(4, bool)
    for fit, held in ((one, both), (both, ~one)):
        with pytest.raises(ValueError, match="rows of both kinds"):
            fit_calibrated(rows, fit, rows, held)
