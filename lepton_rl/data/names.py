"""Node names as the user wrote them, in a tenth of the memory of Python strings, and edges as slots into them.

Ids are numbers or words. Numbers as a program writes them ("17", not "017" or "+17") are kept as int64. As soon as one
end is anything else, all of them are words, and up to 15 bytes of each are kept as a key of fixed size; longer ones go
through arrow's dictionary. Neither time nor memory depends on how large an id is.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import SupportsIndex, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_rl.data.slots import is_long, pack, slots_of, spans, unpack

__all__ = ["Ends", "Names"]

_BATCH = 1 << 18
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
    """The two ends of edges as they are read, batch by batch; :meth:`finish` turns them into slots.

    Args:
        edges: how many to expect; memory is set aside for them, but taken only as they come.
    """

    def __init__(self, edges: int = 0) -> None:
        self._size = 0  # ends so far, source and target of an edge in turns
        self._keys: np.ndarray = np.empty(2 * edges, np.int64)  # numbers; uint64[·, 2] once there is a word
        self._long: list[pa.Array] = []  # words that are longer than a key holds

    def add(self, sources: pa.Array, targets: pa.Array) -> None:
        """Take k edges, arrow arrays of strings or whole numbers, without nulls."""
        size = self._size + 2 * len(sources)
        if size > len(self._keys):
            old, self._keys = self._keys, np.empty((2 * size, *self._keys.shape[1:]), self._keys.dtype)
            self._keys[: self._size] = old[: self._size]
        columns = (sources, targets)
        numbers = [_canonical(ends) for ends in columns] if self._keys.ndim == 1 else []
        if all(found is not None for found in numbers) and numbers:
            for i, found in enumerate(numbers):
                self._keys[self._size + i : size : 2] = found
        else:
            self._become_words()
            for i, ends in enumerate(columns):
                self._pack(ends, self._keys[self._size + i : size : 2])
        self._size = size

    def _become_words(self) -> None:
        """Spell the numbers so far."""
        if self._keys.ndim == 2:
            return
        numbers, self._keys = self._keys, np.empty((len(self._keys), 2), np.uint64)
        for start in range(0, self._size, _BATCH):
            stop = min(start + _BATCH, self._size)
            self._pack(pa.array(numbers[start:stop]), self._keys[start:stop])

    def _pack(self, ends: pa.Array, keys: np.ndarray) -> None:
        words = ends if pa.types.is_string(ends.type) else ends.cast(pa.large_string())
        rows = pack(words, keys)
        if len(rows):
            keys[rows, 0] = np.arange(len(rows)) + sum(map(len, self._long))
            self._long.append(words.take(pa.array(rows)).cast(pa.large_string()))

    def finish(self) -> tuple[np.ndarray, Names]:
        """``(int32[m, 2] slots, names by slot)``; slots follow the order of first appearance, row by row."""
        keys, self._keys = self._keys[: self._size], self._keys[:0]
        long, self._long = pa.chunked_array(self._long, pa.large_string()).combine_chunks().dictionary_encode(), []
        if len(long):
            rows = np.flatnonzero(is_long(keys))
            keys[rows, 0] = np.asarray(long.indices)[keys[rows, 0].astype(np.int64)]
        slots, ids = slots_of(keys)
        if ids.ndim == 1:
            return slots.reshape(-1, 2), Names(ids)
        names = unpack(ids)
        if len(long):
            longer = is_long(ids)
            spelt = long.dictionary.take(pa.array(ids[longer, 0]))
            names = pc.replace_with_mask(names, pa.array(longer), spelt)
        return slots.reshape(-1, 2), Names(names)


def _spelt(numbers: np.ndarray) -> pa.Array:
    return pc.cast(pa.array(numbers), pa.large_string())


def _canonical(ends: pa.Array) -> np.ndarray | None:
    """The numbers that ``ends`` spell, int64[k]; None where one is spelt as ``str(int)`` would not."""
    whole = pa.types.is_integer(ends.type)
    text = np.zeros(0, np.uint8) if whole else spans(ends)[1]
    if len(text) and text.max() > ord("9"):
        return None
    try:
        numbers = np.asarray(ends.cast(pa.int64()))
    except pa.ArrowInvalid:
        return None
    if whole:
        return numbers
    # Other spellings ("017", "-0") are longer, so one makes the sum so; the smallest int64 has no magnitude.
    magnitude, digits = np.abs(numbers), len(numbers) + np.count_nonzero(numbers < 0)
    for power in _POWERS:
        longer = np.count_nonzero(magnitude >= power)
        digits += longer
        if not longer:
            break
    return numbers if digits == len(text) else None
