"""Neighbour lists of a large graph, laid out so that a reduction over neighbours only gathers.

Two views of the same arcs. *Rows*: ``targets[starts[u] : starts[u + 1]]``, ascending, for questions about one node.
*Tables*: the nodes by degree, those of at most 4, 8, 16 neighbours in a table of that width each, the others in several
lines of 16 that a sum over sorted segments joins. A table is reduced column by column, unrolled: one fused loop in
several threads, where a segment sum over all arcs runs in one (measured in ``docs/large.md``).
Letters: N node slots, A arcs, D width of a table, R lines of a table, H nodes of more than 16 neighbours.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int

__all__ = ["Lists", "contains", "fold_lists", "fold_rows", "make_lists"]

WIDTHS = (4, 8, 16)
CHUNK = 64  # neighbours of a row that are read at a time
FOLDS: dict[str, Any] = {"add": jnp.sum, "maximum": jnp.max, "minimum": jnp.min}


@struct.dataclass
class Lists:
    """The arcs of a graph by the node they belong to; frozen.

    Attributes:
        starts: i32[N + 1]. ``targets``: i32[A].
        tables: i32[D, R] each: column r holds the neighbours of one node, N where there are fewer than D.
        hubs: i32[D, R] the same for the lines of nodes of more. ``owners``: i32[R] which of the H each belongs to.
        place: i32[N] where a node's result is among those of the tables, then of the H, then nothing.
        widest: the largest number of neighbours, static. ``num_hubs``: H, static.
    """

    starts: Int[Array, "N1"]
    targets: Int[Array, "A"]
    tables: tuple[Int[Array, "_ _"], ...]
    hubs: Int[Array, "_ R"]
    owners: Int[Array, "R"]
    place: Int[Array, "N"]
    widest: int = struct.field(pytree_node=False)
    num_hubs: int = struct.field(pytree_node=False)


def _lines(starts: np.ndarray, targets: np.ndarray, ends: np.ndarray, width: int, nobody: int) -> Array:
    """i32[width, R]: ``targets`` from each of ``starts`` to before ``ends``, at most ``width``, then ``nobody``."""
    lines = np.full((width, len(starts)), nobody, np.int32)
    for column in range(width):
        inside = np.flatnonzero(starts + column < ends)
        lines[column, inside] = targets[starts[inside] + column]
    return jnp.asarray(lines)


def make_lists(sources: np.ndarray, targets: np.ndarray, capacity: int) -> Lists:
    """Lists of the arcs ``sources`` int[A] -> ``targets`` int[A], in any order, each once."""
    code = sources.astype(np.int64) * capacity + targets
    code.sort()
    sources, ordered = (part.astype(np.int32) for part in np.divmod(code, capacity))
    del code
    degrees = np.bincount(sources, minlength=capacity)
    starts = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int64)
    tables, place, count, low = [], np.zeros(capacity, np.int32), 0, 0
    for width in WIDTHS:
        nodes = np.flatnonzero((degrees > low) & (degrees <= width))
        low = width
        if len(nodes):
            tables.append(_lines(starts[nodes], ordered, starts[nodes + 1], width, capacity))
            place[nodes] = count + np.arange(len(nodes))
            count += len(nodes)
    nodes = np.flatnonzero(degrees > low)
    lines = -(-degrees[nodes] // low)
    owners = np.repeat(np.arange(len(nodes)), lines)
    first = starts[nodes][owners] + low * (np.arange(len(owners)) - (np.cumsum(lines) - lines)[owners])
    place[nodes] = count + np.arange(len(nodes))
    place[degrees == 0] = count + len(nodes)
    return Lists(
        jnp.asarray(starts, jnp.int32), jnp.asarray(ordered), tuple(tables),
        _lines(first, ordered, starts[nodes + 1][owners], low, capacity), jnp.asarray(owners, jnp.int32),
        jnp.asarray(place), int(degrees.max(initial=0)), len(nodes),
    )  # fmt: skip


def fold_lists(values: Array, lists: Lists, combine: str, nothing: Any) -> Array:
    """Reduce ``values`` [N] or [N, D] over every node's list, of the same shape and type; ``nothing`` for empty ones.

    Args:
        combine: "add", "maximum" or "minimum". ``nothing``: what it leaves unchanged.
    """
    one = jnp.full((1, *values.shape[1:]), nothing, values.dtype)
    padded = jnp.concatenate([values, one])
    operation = getattr(jnp, combine)

    def reduce(table: Array) -> Array:
        def column(total: Array, index: Array) -> tuple[Array, None]:
            return operation(total, padded.at[index].get(mode="promise_in_bounds")), None

        start = jnp.full((table.shape[1], *values.shape[1:]), nothing, values.dtype)
        return jax.lax.scan(column, start, table, unroll=table.shape[0])[0]

    parts = [reduce(table) for table in lists.tables]
    if lists.num_hubs:
        segment = {"add": jax.ops.segment_sum, "maximum": jax.ops.segment_max, "minimum": jax.ops.segment_min}
        parts.append(segment[combine](reduce(lists.hubs), lists.owners, lists.num_hubs, indices_are_sorted=True))
    return jnp.concatenate([*parts, one])[lists.place]


def fold_rows(
    values: Array, lists: Lists, combine: str, nothing: Any, nodes: Int[Array, "P"], others: Int[Array, "P"],
    dead: Bool[Array, "N"],
) -> Array:  # fmt: skip
    """:func:`fold_lists` for some ``nodes`` alone, without arcs (``nodes``, ``others``) and those of ``dead`` nodes.

    Reads the rows of all P side by side, in as many steps as the longest list of the graph takes.
    """

    def part(total: Array, first: Int[Array, ""]) -> tuple[Array, None]:
        places = lists.starts[nodes][:, None] + first + jnp.arange(CHUNK)
        neighbours = lists.targets[jnp.minimum(places, lists.targets.shape[0] - 1)]
        named = (nodes[:, None] == nodes)[:, None, :] & (neighbours[:, :, None] == others)
        inside = (places < lists.starts[nodes + 1][:, None]) & ~named.any(-1) & ~dead[neighbours]
        inside = inside.reshape(*inside.shape, *[1] * (values.ndim - 1))
        kept = jnp.where(inside, values[neighbours], nothing).astype(values.dtype)
        return getattr(jnp, combine)(total, FOLDS[combine](kept, axis=1)), None

    start = jnp.full((nodes.shape[0], *values.shape[1:]), nothing, values.dtype)
    total = jax.lax.scan(part, start, jnp.arange(0, lists.widest, CHUNK))[0]
    dead_row = dead[nodes].reshape(-1, *[1] * (values.ndim - 1))
    return jnp.where(dead_row, nothing, total).astype(values.dtype)


def contains(lists: Lists, u: Int[Array, ""], v: Int[Array, ""]) -> Bool[Array, ""]:
    """Whether v is in the list of u (both in range), by halving: O(log widest)."""

    def halve(_: Int[Array, ""], span: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = span  # the first target not below v lies in [low, high]
        middle = (low + high) // 2
        below = (lists.targets[middle] < v) & (middle < high)
        return jnp.where(below, middle + 1, low), jnp.where(below, high, middle)

    if not lists.widest:
        return jnp.zeros((), bool)
    span = lists.starts[u], lists.starts[u + 1]
    found = jax.lax.fori_loop(0, lists.widest.bit_length(), halve, span)[0]
    return (found < lists.starts[u + 1]) & (lists.targets[found] == v)
