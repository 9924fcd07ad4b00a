"""Ids as slots in the order of first appearance, by tables that numpy writes and reads in one go.

An id is a key of one or two 64-bit words: a number, or up to 15 bytes of a name and their count. The first row of each
key is found by writing row numbers, the last first, into a table: by the number itself where ids are dense, else under
a random hash, round after round for the keys that met another one there. Keys are always compared, so the hash decides
nothing but the time.
"""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

__all__ = ["is_long", "pack", "slots_of", "spans", "unpack"]

_SHORT = 15  # bytes of a name that fit into a key
_LONG = 0xFF  # instead of their count: the first word is the index of a longer name
_THREADS = 2  # more would wait for memory
_BLOCK = 1 << 15  # rows at a time: their temporaries stay in the cache
_SPREAD = 4  # a table may have so many places for each row
_TOP = np.uint64(56)
_KEEP = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)  # the first bytes of a word


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, size)) for start in range(0, size, _BLOCK))


def spans(words: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """``(i[k + 1] where each of k strings begins and ends, uint8[bytes] from the first beginning on)``."""
    _, offsets, data = words.buffers()
    kind = np.int64 if pa.types.is_large_string(words.type) else np.int32
    if not len(words):
        return np.zeros(1, kind), np.zeros(0, np.uint8)
    ends = np.frombuffer(offsets, kind)[words.offset : words.offset + len(words) + 1]
    return ends, np.frombuffer(data or b"", np.uint8)[ends[0] : ends[-1]]


def pack(words: pa.Array, keys: np.ndarray) -> np.ndarray:
    """Write the keys of k strings without nulls into ``keys`` uint64[k, 2]; returns the rows of longer ones, i[l].

    The first word of their keys is for the caller to fill in.
    """
    ends, text = spans(words)
    padded = np.zeros(len(text) + 16, np.uint8)  # a window may begin behind the last byte
    padded[: len(text)] = text
    windows = np.ndarray(len(text) + 9, "<u8", padded, strides=(1,))  # the 8 bytes that begin at each byte
    starts, lengths = ends[:-1] - ends[0], np.diff(ends)
    for rows in _blocks(len(words)):
        start, length = starts[rows], lengths[rows]
        keys[rows, 0] = windows[start] & _KEEP[np.minimum(length, 8)]
        rest = windows[start + 8] & _KEEP[np.clip(length - 8, 0, 7)]
        keys[rows, 1] = rest | np.minimum(length, _LONG).astype(np.uint64) << _TOP
    long = np.flatnonzero(lengths > _SHORT)
    keys[long] = np.array([0, _LONG << 56], np.uint64)
    return long


def is_long(keys: np.ndarray) -> np.ndarray:
    """Which of ``keys`` uint64[k, 2] stand for longer strings, bool[k]."""
    return keys[:, 1] == np.uint64(_LONG << 56)


def unpack(keys: np.ndarray) -> pa.Array:
    """The strings of ``keys`` uint64[k, 2]; longer ones are empty."""
    lengths = (keys[:, 1] >> _TOP).astype(np.int64) % _LONG
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    data = np.empty(int(offsets[-1]), np.uint8)
    places = np.arange(_SHORT)
    for rows in _blocks(len(keys)):
        spelt = keys[rows].astype("<u8").view(np.uint8)[:, :_SHORT]
        data[offsets[rows.start] : offsets[rows.stop]] = spelt[places < lengths[rows, None]]
    return pa.LargeStringArray.from_buffers(len(keys), pa.py_buffer(offsets), pa.py_buffer(data))


def slots_of(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(int32[N] slots, the n different keys by slot)`` of keys int64[N] or uint64[N, words]."""
    if keys.ndim == 1 and len(keys):
        low, high = int(keys.min()), int(keys.max())
        if high - low < _SPREAD * len(keys) + 1000:
            return _dense(keys, low, high - low + 1)
    rows = np.int32 if len(keys) < 2**31 else np.int64
    slots, first = _number(_hashed(keys if keys.ndim == 2 else keys.view(np.uint64)[:, None], rows))
    return slots, keys[first]


def _dense(keys: np.ndarray, low: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """:func:`slots_of` for numbers in low … low + size - 1."""
    first: np.ndarray = np.full(size, len(keys), np.int32 if len(keys) < 2**31 else np.int64)
    for rows in reversed(list(_blocks(len(keys)))):
        # Of equal places the last write stays, which is the first row.
        first[keys[rows][::-1] - low] = np.arange(rows.start, rows.stop, dtype=first.dtype)[::-1]
    found = np.flatnonzero(first < len(keys))
    order = found[np.argsort(first[found])]
    first[order] = np.arange(len(order))  # slots from here on
    slots = np.empty(len(keys), np.int32)
    for rows in _blocks(len(keys)):
        slots[rows] = first[keys[rows] - low]
    return slots, order + low


def _hashed(keys: np.ndarray, kind: type[np.signedinteger]) -> np.ndarray:
    """The first row that has the same key, i[N], for any keys uint64[N, words]."""
    found = np.empty(len(keys), kind)
    left = _round(keys, None, found)
    while len(left):
        left = _round(keys, left, found)
    return found


def _round(keys: np.ndarray, left: np.ndarray | None, found: np.ndarray) -> np.ndarray:
    """Look for the rows ``left`` (None: all), ascending; those whose place another key took are returned."""
    size = len(keys) if left is None else len(left)
    bits = max(10, (size // 4).bit_length())
    factors = [np.uint64(secrets.randbits(64) | 1) for _ in range(3)]  # drawn anew: nobody can prepare a file
    table = np.empty(1 << bits, found.dtype)

    def block(part: slice) -> tuple[np.ndarray, np.ndarray]:
        if left is None:
            return np.arange(part.start, part.stop, dtype=found.dtype), keys[part]
        return left[part], keys.take(left[part], axis=0)

    def look(part: slice) -> np.ndarray:
        rows, own = block(part)
        first = table[_places(own, factors, bits)]
        found[rows] = first
        differ = keys.take(first, axis=0) != own
        return rows[differ[:, 0] | differ[:, -1]]

    for part in reversed(list(_blocks(size))):
        rows, own = block(part)
        table[_places(own, factors, bits)[::-1]] = rows[::-1]  # of equal places the last write stays: the first row
    with ThreadPoolExecutor(_THREADS) as pool:
        return np.concatenate([found[:0], *pool.map(look, _blocks(size))])


def _places(keys: np.ndarray, factors: list[np.uint64], bits: int) -> np.ndarray:
    mixed = keys[:, 0] * factors[0]
    if keys.shape[1] == 2:
        mixed += keys[:, 1] * factors[1]
    mixed ^= mixed >> np.uint64(32)
    mixed *= factors[-1]
    return (mixed >> np.uint64(64 - bits)).view(np.int64)


def _number(first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(int32[N] slots, int64[n] first row of each)`` of :func:`_hashed`, which is overwritten."""
    appeared, count = [], 0
    for rows in _blocks(len(first)):
        block = first[rows]
        new = np.flatnonzero(block == np.arange(rows.start, rows.stop, dtype=first.dtype))
        known = block.copy()
        block[new] = np.arange(count, count + len(new))
        count += len(new)
        appeared.append(rows.start + new)
        block[:] = first[known]  # rows before this block are slots by now, new ones just became it
    return first.astype(np.int32, copy=False), np.concatenate(appeared or [np.zeros(0, np.int64)])
