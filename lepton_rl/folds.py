"""Parts of all facts that can be, so that each fact is judged by what has learnt from the other parts alone.

Copies of one graph with noise put in share their right facts. A classifier with exact counts can know some of them
again, as right, whatever the noise; judged so, it looks better than it is, and what is wrong already looks right.
"""

from collections.abc import Callable, Iterable
from hashlib import blake2b

import numpy as np

__all__ = ["Fold", "folds"]

Fold = Callable[[np.ndarray], np.ndarray]
"""``facts int[m, 3] -> i64[m]``, the part that each belongs to, from 0 on."""

_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)


def folds(entities: Iterable[object], relations: Iterable[object], count: int = 2) -> Fold:
    """Which of ``count`` parts facts of slots belong to, by what their entities and relations are called.

    A fact is in the same part in every graph that has it, whatever its slots. Where there are no names, give ranges.
    """
    ends, links = _codes(entities), _codes(relations)

    def fold(facts: np.ndarray) -> np.ndarray:
        h, r, t = np.asarray(facts, np.int64).reshape(-1, 3).T
        codes = np.stack([ends[h], links[r], ends[t]], axis=1)
        mixed = (codes * _ODD).sum(1, dtype=np.uint64)  # modulo 2^64
        return np.asarray((mixed >> np.uint64(32)) * np.uint64(count) >> np.uint64(32), np.int64)

    return fold


def _codes(names: Iterable[object]) -> np.ndarray:
    digests = (blake2b(str(name).encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)
