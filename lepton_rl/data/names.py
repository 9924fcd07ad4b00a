"""Node names as the user wrote them, in a tenth of the memory of Python strings, and edges as slots into them.

Ids are numbers or words. Numbers as a program writes them ("17", not "017" or "+17") are kept as int64 and remapped
by sorting or by a table no longer than a few times the number of ends, so neither time nor memory depends on how large
an id is. As soon as one end is anything else, all of them are words.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import SupportsIndex, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Ends", "Names"]

_SPREAD = 4  # a table may have so many places for each end before sorting takes less memory
_POWERS = 10 ** np.arange(1, 19, dtype=np.int64)


class Names(Sequence[str]):
    """Unique node names by slot; numbers are spelt when they are asked for.

    Args:
        values: int64[n] or an arrow array of n strings, each once.
    """

    __slots__ = ("_values",)

    def __init__(self, values: np.ndarray | pa.Array) -> None:
        self._values = values if isinstance(values, np.ndarray) else values.cast(pa.large_string())

    @classmethod
    def of(cls, names: Iterable[str]) -> "Names":
        """Names given one by one."""
        return cls(pa.array(list(names), pa.large_string()))

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Names": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "str | Names":
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        value = self._values[range(len(self))[index]]
        return str(value) if isinstance(self._values, np.ndarray) else value.as_py()

    def __iter__(self) -> Iterator[str]:
        values = self._values
        return map(str, values.tolist()) if isinstance(values, np.ndarray) else iter(values.to_pylist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]  # mutable sequences of names are never keys

    def __repr__(self) -> str:
        return f"Names({list(self[:3])}{' …' * (len(self) > 3)}, {len(self)} in all)"

    def take(self, slots: np.ndarray) -> "Names":
        """The names of ``slots`` i[k], in that order."""
        values = self._values
        return Names(values[slots] if isinstance(values, np.ndarray) else values.take(pa.array(slots)))

    def arrow(self, numbers: bool = False) -> pa.Array:
        """All names as an arrow array of strings; with ``numbers`` of int64 where all of them are numbers."""
        values = self._values
        if not isinstance(values, np.ndarray):
            return values
        return pa.array(values) if numbers else _spelt(values)


class Ends:
    """The two ends of edges as they are read, batch by batch; :meth:`finish` turns them into slots."""

    def __init__(self) -> None:
        self._numbers: list[np.ndarray] = []  # int64[2, k] a batch: sources, targets
        self._words: list[pa.Array] = []  # the same as strings, sources and targets in turns

    def add(self, sources: pa.Array, targets: pa.Array) -> None:
        """Take k edges, arrow arrays of strings or whole numbers, without nulls."""
        if not self._words:
            found, aimed = _canonical(sources), _canonical(targets)
            if found is not None and aimed is not None:
                self._numbers.append(np.stack([found, aimed]))
                return
            self._words = [_spelt(ends) for block in self._numbers for ends in block]
            self._numbers = []
        self._words += [pc.cast(ends, pa.large_string()) for ends in (sources, targets)]

    def finish(self) -> tuple[np.ndarray, Names]:
        """``(int32[m, 2] slots, names by slot)``; slots follow the order of first appearance, row by row."""
        if self._words:
            sizes = [len(words) for words in self._words[::2]]
            encoded = pa.chunked_array(self._words).dictionary_encode()
            self._words = []
            codes = np.concatenate([np.asarray(chunk.indices) for chunk in encoded.chunks])
            ends = np.split(codes, 2 * np.cumsum(sizes)[:-1])
            flat = np.concatenate([block.reshape(2, -1).T.reshape(-1) for block in ends])
            dictionary = encoded.chunk(encoded.num_chunks - 1).dictionary
            slots, order = _by_appearance(flat, len(dictionary))
            return slots.reshape(-1, 2), Names(dictionary).take(order)
        blocks, self._numbers = self._numbers, []
        flat = np.concatenate([block.T.reshape(-1) for block in blocks] or [np.zeros(0, np.int64)])
        del blocks
        slots, values = _remapped(flat)
        return slots.reshape(-1, 2), Names(values)


def _spelt(numbers: np.ndarray) -> pa.Array:
    return pc.cast(pa.array(numbers), pa.large_string())


def _canonical(ends: pa.Array) -> np.ndarray | None:
    """The numbers that ``ends`` spell, int64[k]; None where one is spelt as ``str(int)`` would not."""
    try:
        numbers = np.asarray(ends.cast(pa.int64()))
    except pa.ArrowInvalid:
        return None
    if pa.types.is_integer(ends.type):
        return numbers
    magnitude = np.abs(numbers)
    digits = 1 + np.searchsorted(_POWERS, magnitude, side="right") + (numbers < 0)
    lengths = np.asarray(pc.binary_length(ends))
    smallest = numbers == np.iinfo(np.int64).min  # has no positive counterpart
    return numbers if bool(((digits == lengths) & ~smallest).all()) else None


def _remapped(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(int32 slots, int64 ids by slot)`` of ids int64[2m]."""
    if not len(flat):
        return np.zeros(0, np.int32), flat
    low, high = int(flat.min()), int(flat.max())
    if high - low < _SPREAD * len(flat):
        slots, order = _by_appearance(flat - low, high - low + 1)
        return slots, order + low
    ids, place = np.unique(flat, return_inverse=True)
    slots, order = _by_appearance(place, len(ids))
    return slots, ids[order]


def _by_appearance(codes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """``(int32 slots, the code of each slot)``: codes in 0 … size - 1 numbered in the order of first appearance."""
    first = np.full(size, len(codes), np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)  # the last write, the first appearance, stays
    found = np.flatnonzero(first < len(codes))
    order = found[np.argsort(first[found])]
    slot = np.empty(size, np.int32)
    slot[order] = np.arange(len(order), dtype=np.int32)
    return slot[codes], order
