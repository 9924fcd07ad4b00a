"""Ranges of places in sorted arrays, all at once."""

import numpy as np

__all__ = ["expand"]


def expand(starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and places of ranges of ``counts`` int[m] places from ``starts`` int[m], one range a row.

    >>> [part.tolist() for part in expand(np.array([5, 0, 2]), np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [5, 6, 2, 3, 4]]
    """
    rows = np.repeat(np.arange(len(starts)), counts)
    return rows, np.arange(len(rows)) + np.repeat(starts - np.cumsum(counts) + counts, counts)
