"""How well scores tell wrong facts from right ones: precision among the first, areas, F1 of a set, calibration.

Beside :func:`lepton_rl.metrics.average_precision`. Letters: m facts.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Reliability", "auroc", "best_threshold", "f1", "precision_at", "precision_recall", "reliability"]


class Reliability(NamedTuple):
    """What is said and what is so, in bins of equal width from 0 to 1 (Naeini, Cooper & Hauskrecht, AAAI 2015).

    Attributes:
        counts: i64[bins]. ``said``: f64[bins], mean probability. ``so``: f64[bins], share that is true; both NaN in
            empty bins.
        error: expected calibration error, the mean of |said - so| over facts.
    """

    counts: np.ndarray
    said: np.ndarray
    so: np.ndarray
    error: float


def _pair(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = np.asarray(scores, np.float64).ravel(), np.asarray(labels, bool).ravel()
    if scores.shape != labels.shape or not len(scores):
        raise ValueError(f"give a score and a label for each fact, at least one; got {len(scores)} and {len(labels)}.")
    return scores, labels


def _tied(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From the highest score on, groups of equal ones: the score, how many, and how many of them are true."""
    values, group = np.unique(-scores, return_inverse=True)
    return -values, np.bincount(group), np.bincount(group, labels)


def precision_at(scores: np.ndarray, labels: np.ndarray, count: int | None = None) -> float:
    """Share of true labels among the ``count`` highest scores, expected where equal scores come in random order.

    Args:
        scores: f[m]. ``labels``: bool[m]. ``count``: by default as many as are true, where precision equals recall.

    Raises:
        ValueError: shapes that do not match, or a count out of range.
    """
    scores, labels = _pair(scores, labels)
    count = int(labels.sum()) if count is None else count
    if not 1 <= count <= len(scores):
        raise ValueError(f"precision at {count} of {len(scores)} facts: give at least 1 and not more than there are.")
    _, sizes, hits = _tied(scores, labels)
    taken = np.clip(count - (np.cumsum(sizes) - sizes), 0, sizes)
    return float((hits * taken / sizes).sum() / count)


def precision_recall(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision f64[k] of the sets of scores above each of k thresholds, the highest first.

    Args:
        scores: f[m]. ``labels``: bool[m].

    Raises:
        ValueError: shapes that do not match, or no true label.
    """
    scores, labels = _pair(scores, labels)
    if not labels.any():
        raise ValueError("precision and recall need a true label.")
    _, sizes, hits = _tied(scores, labels)
    return np.cumsum(hits) / labels.sum(), np.cumsum(hits) / np.cumsum(sizes)


def auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Probability that a true label has a higher score than a false one, equal scores counted half (Mann–Whitney).

    Args:
        scores: f[m]. ``labels``: bool[m].

    Raises:
        ValueError: shapes that do not match, or labels of one kind only.
    """
    scores, labels = _pair(scores, labels)
    if labels.all() or not labels.any():
        raise ValueError("the area under the ROC curve needs labels of both kinds.")
    _, sizes, hits = _tied(scores, labels)
    misses = sizes - hits
    below = misses.sum() - np.cumsum(misses)
    return float((hits * (below + misses / 2)).sum() / (hits.sum() * misses.sum()))


def f1(chosen: np.ndarray, labels: np.ndarray) -> float:
    """2 · hits / (chosen + true) of a set bool[m]; 0 where nothing is chosen and something is true."""
    chosen, labels = np.asarray(chosen, bool).ravel(), np.asarray(labels, bool).ravel()
    total = chosen.sum() + labels.sum()
    return float(2 * (chosen & labels).sum() / total) if total else 1.0


def best_threshold(scores: np.ndarray, labels: np.ndarray) -> float:
    """The threshold t for which the set of scores >= t has the largest F1; the highest of equals.

    Args:
        scores: f[m]. ``labels``: bool[m].

    Raises:
        ValueError: shapes that do not match.
    """
    scores, labels = _pair(scores, labels)
    values, sizes, hits = _tied(scores, labels)
    return float(values[np.argmax(2 * np.cumsum(hits) / (np.cumsum(sizes) + labels.sum()))])


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> Reliability:
    """Compare probabilities f[m] with labels bool[m], bin by bin.

    Raises:
        ValueError: shapes that do not match, or numbers outside [0, 1].
    """
    said, so = _pair(probabilities, labels)
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("probabilities must lie in [0, 1].")
    which = np.minimum((said * bins).astype(int), bins - 1)
    counts = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean, share = (np.bincount(which, part, minlength=bins) / counts for part in (said, so))
    error = np.nansum(counts * np.abs(mean - share)) / len(said)
    return Reliability(counts, mean, share, float(error))
