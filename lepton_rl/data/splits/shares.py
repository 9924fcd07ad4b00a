"""What every split has in common: sizes from shares, and a fingerprint of each part."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.source import DataError

__all__ = ["assigned", "fingerprint", "sizes"]


def sizes(total: int, shares: Sequence[float]) -> np.ndarray:
    """How many of ``total`` the parts get, int64[3]: rounded shares, the first part takes what is over.

    Raises:
        DataError: shares that are no shares, or so few items that a part with a share would be empty.
    """
    if len(shares) != 3 or not all(0 <= s <= 1 for s in shares) or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise DataError(f"shares {tuple(shares)}: give three of train, valid and test that sum to 1.")
    if not shares[0]:
        raise DataError("a share of 0 for train: give it more than that.")
    rest = [round(total * share) for share in shares[1:]]
    found = np.array([total - sum(rest), *rest])
    for name, share, size in zip(("train", "valid", "test"), shares, found, strict=True):
        if size <= 0 < share:
            raise DataError(f"a {name} part of share {share} of {total} would be empty: give more, or other shares.")
    return found


def assigned(weights: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part of each group, int8[g]; groups int64[g] of several items stay whole.

    Groups are put in random order and cut where the parts are full, so a part may miss its size by less than a group.

    Args:
        weights: items of each group. ``wanted``: int64[3] sizes. ``rng``: the order.

    Raises:
        DataError: a part that should have items got none.
    """
    order = rng.permutation(len(weights))
    middle = np.cumsum(weights[order]) - weights[order] / 2
    part = np.empty(len(weights), np.int8)
    part[order] = np.searchsorted(np.cumsum(wanted)[:2], middle)
    for i, name in enumerate(("train", "valid", "test")):
        if wanted[i] and not (part == i).any():
            raise DataError(f"what must stay together leaves nothing for {name}: give more, or other shares.")
    return part


def fingerprint(columns: Sequence[pa.Array | pa.ChunkedArray]) -> str:
    """SHA-256 of rows of names in any order: that of the lines, names between tabs, after ``LC_ALL=C sort -u``."""
    words = (column.cast(pa.large_binary()) for column in columns)
    rows = pc.binary_join_element_wise(*words, pa.scalar(b"\t", pa.large_binary())).unique()
    digest = hashlib.sha256()
    for row in rows.take(pc.sort_indices(rows)).to_pylist():
        digest.update(row + b"\n")
    return digest.hexdigest()
