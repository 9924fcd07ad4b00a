"""Critical fraction: the share of nodes to remove until the rest falls apart (Darvariu, Hailes & Musolesi 2021, §3).

Let t(v) be the time (1 … n) at which an order removes v, and c(v) the widest path from v to the node removed last: the
largest over paths of the smallest t on it. After k removals the survivors are those with t > k, and v is still joined
to the last node exactly when c(v) > k. The rest is therefore in several parts exactly when some v has c(v) <= k < t(v),
so the critical number of removals is the smallest c(v) < t(v), or n where there is none. c is the fixpoint of
``c(v) <- min(t(v), max over neighbours u of c(u))`` from c(last) = n. Any node that outlives the split does as well as
the last one.

Clipping. Let s(v) be the time at which v's last neighbour goes, and b the smallest s(v) < t(v) over v other than the
last node: the first time anybody is left alone. The critical number is at most b, and replacing t by min(t, b) changes
nothing below b. Long paths through the nearly removed graph, which decide c at late times, need not be found any more:
the fixpoint takes about as many rounds as the graph that is left at b has steps from the source, and fewest from a hub.

All times are bytes with the removal orders along the contiguous axis, padded to whole vectors; a round is one fused
loop of ``and`` and ``max``. What is reduced over nodes is folded in such loops too: XLA:CPU's own reductions over
bytes and booleans take longer than the rounds.
Letters: N node slots, O removal orders.
"""

from collections.abc import Callable
from functools import cache
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Integer, PRNGKeyArray

from lepton_rl.batching import anywhere, once
from lepton_rl.graph import BitGraph, adjacency, degree, num_nodes
from lepton_rl.objectives.base import Edit, Objective

__all__ = ["critical_fraction", "critical_fraction_random", "critical_fraction_targeted", "critical_removals"]

Times = Integer[Array, "N O"]
UNROLL = 32  # steps per fused loop; more only lengthens the compile
MOVED = 16  # orders in which every node is moved up; enough where only ties are random
LANES = 32  # bytes in a vector register; a ragged last vector costs as much as several whole ones


@struct.dataclass
class Carry:
    """``value`` f32[]: the mean critical fraction."""

    value: Float[Array, "*B"]


def _time_dtype(N: int) -> np.dtype:
    return np.dtype(np.uint8 if N < 255 else np.uint16)


def fold(step: Callable[..., Array], acc: Array, *arrays: Array) -> Array:
    """``acc = step(acc, *(a[i] for a in arrays))`` for every i along the leading axes, as few fused loops.

    Unrolled in blocks, XLA:CPU compiles the steps into one vectorised loop over ``acc``; a reduction over the same
    axis is several times slower.
    """
    size = arrays[0].shape[0]

    def run(acc: Array, *arrays: Array) -> Array:
        for i in range(arrays[0].shape[0]):
            acc = step(acc, *(a[i] for a in arrays))
        return acc

    def block(i: Array, acc: Array) -> Array:
        return run(acc, *(jax.lax.dynamic_slice_in_dim(a, i * UNROLL, UNROLL) for a in arrays))

    whole = size // UNROLL
    if whole:
        acc = jax.lax.fori_loop(0, whole, block, acc)
    return run(acc, *(a[whole * UNROLL :] for a in arrays))


def count_earlier(keys: Integer[Array, "N O"], present: Bool[Array, "N"]) -> Times:
    """How many present nodes have a smaller key, per column."""
    dtype = _time_dtype(keys.shape[0])

    def step(acc: Array, key: Array, there: Array) -> Array:
        return acc + ((key[None] < keys) & there).astype(dtype)

    return once(lambda: fold(step, jnp.zeros(keys.shape, dtype), keys, present))


def draw_ranks(graph: BitGraph, key: PRNGKeyArray, num_orders: int) -> Times:
    """A uniformly random order of the node slots per column, as ranks 0 … N - 1, u8[N, O] (u16 from N = 255).

    The slot's number replaces the lowest bits of its random key, so that no two keys of a column are equal.
    """
    N = graph.capacity
    low = jnp.uint32(2 ** (N - 1).bit_length() - 1)
    keys = jax.random.bits(key, (N, num_orders), jnp.uint32) & ~low | jnp.arange(N, dtype=jnp.uint32)[:, None]
    return count_earlier(keys, jnp.ones(N, bool))


def removal_times(
    graph: BitGraph, ranks: Times, removal: Literal["random", "targeted"], extra: Integer[Array, "N O"] | int = 0
) -> Integer[Array, "N P"]:
    """The time 1 … n at which each order removes each present node, 0 at absent ones.

    Ranks give the order among present nodes ("random"), or among those of equal degree while larger degrees go first
    ("targeted"; ``extra`` counts as degrees beside the graph's). The orders are padded to a multiple of LANES, P, by
    orders that remove nobody.
    """
    N, orders = ranks.shape
    padding = (0, 0), (0, -orders % LANES)
    keys = jnp.pad(ranks, padding)
    if removal == "targeted":
        dtype = jnp.uint16 if N < 255 else jnp.uint32
        degrees = degree(graph)[:, None] + jnp.pad(jnp.broadcast_to(extra, ranks.shape), padding)
        keys = keys.astype(dtype) + ((N - degrees) * N).astype(dtype)
    removed = graph.node_mask[:, None] & (jnp.arange(keys.shape[1]) < orders)
    return jnp.where(removed, count_earlier(keys, graph.node_mask) + 1, 0).astype(ranks.dtype)


def strongest_neighbour(masks: Integer[Array, "N N"], c: Times) -> Times:
    """max over neighbours u of c(u), [N, O]; ``masks[u, v]`` has all bits set where u – v is an edge."""
    return fold(lambda acc, mask, c: jnp.maximum(acc, mask[:, None] & c[None]), jnp.zeros_like(c), masks, c)


def edge_masks(graph: BitGraph, dtype: np.dtype) -> Integer[Array, "N N"]:
    """All bits set where the edge is present, none elsewhere."""
    return jnp.where(adjacency(graph), np.iinfo(dtype).max, 0).astype(dtype)


def least(values: Times) -> Integer[Array, "O"]:
    """min over nodes."""
    return fold(jnp.minimum, values[0], values)


def widest_paths(masks: Integer[Array, "N N"], times: Times, source: Array) -> Times:
    """c(v): the widest path from v to the node ``source`` (bool[N, O], one a column), by relaxation to the fixpoint."""
    start = jnp.where(source, times, 0)

    def relax(c: Times) -> Times:
        return jnp.maximum(jnp.minimum(times, strongest_neighbour(masks, c)), start)

    def relax_twice(state: tuple[Times, Array]) -> tuple[Times, Array]:
        c = relax(state[0])
        new = relax(c)
        changed = fold(lambda acc, new, c: acc | (new ^ c), jnp.zeros_like(c[0]), new, c)
        # One flag for the batch: finished members stay where they are, and no select is paid to hold them there.
        return new, anywhere((changed != 0).any())

    return jax.lax.while_loop(lambda state: state[1], relax_twice, (start, jnp.bool_(True)))[0]


def hubs(graph: BitGraph, alive: Bool[Array, "N O"]) -> Bool[Array, "N O"]:
    """The node of largest degree among those alive, one a column: few steps from the others."""
    N = graph.capacity
    keys = (degree(graph) * N + jnp.arange(N) + 1).astype(jnp.uint16 if N < 255 else jnp.uint32)
    keys = jnp.where(alive, keys[:, None], 0)
    return alive & (keys == fold(jnp.maximum, keys[0], keys))


def alone_times(masks: Integer[Array, "N N"], times: Times, last: Array, never: Array) -> Times:
    """When each node's last neighbour goes, where the node outlives it; ``never`` elsewhere and at the last node."""
    alone = strongest_neighbour(masks, times)
    return jnp.where((alone < times) & ~last, alone, never)


def critical_removals(graph: BitGraph, times: Times) -> Integer[Array, "O"]:
    """The number of removals after which the rest is first in several parts, per order; n where it never is."""
    n = num_nodes(graph).astype(times.dtype)
    masks = edge_masks(graph, times.dtype)
    last = (times == n) & graph.node_mask[:, None]
    bound = least(alone_times(masks, times, last, n))
    clipped = jnp.minimum(times, bound)
    c = widest_paths(masks, clipped, hubs(graph, times >= bound))
    return least(jnp.where(c < clipped, c, bound))


def edge_sensitivity(graph: BitGraph, times: Times, orders: int) -> Float[Array, "3 N N"]:
    """What adding each edge would bring, read off one evaluation: f32[3, N, N], symmetric, times n / 2.

    Let S be the part that splits off first, at k1, and k2 the second split (searched up to the second time that
    anybody is left alone). Channel 0: the share of orders in which the edge joins S to the rest. Channels 1 and 2: the
    mean gain of those repairs, from above, (k2 - k1) / n, and from below, (min(k2, c(v)) - k1) / n with v the end
    outside of S; under fixed orders and for S of one node the gain lies between the two. ``orders`` of ``times`` count,
    the others remove nobody.
    """
    n = num_nodes(graph).astype(times.dtype)
    masks = edge_masks(graph, times.dtype)
    last = (times == n) & graph.node_mask[:, None]
    alone = alone_times(masks, times, last, n)
    bound = least(jnp.where(alone > least(alone), alone, n))
    clipped = jnp.minimum(times, bound)
    c = widest_paths(masks, clipped, last)
    falls = c < clipped
    first = least(jnp.where(falls, c, bound))
    second = least(jnp.where(falls & (c > first), c, bound))
    split = (falls & (c == first)).astype(jnp.float32)
    rest = (c > first).astype(jnp.float32)
    until = jnp.minimum(c, second).astype(jnp.float32) - first
    above = (second - first).astype(jnp.float32) / n
    channels = jnp.stack([split @ x.T for x in (rest, rest * above, rest * until / n)])
    return (channels + channels.swapaxes(1, 2)) * (n / (2 * orders))


def order_sensitivity(graph: BitGraph, ranks: Times) -> Float[Array, "N"]:
    """What one more degree of each node would bring under attack by degree, edges as they are: f32[N], times n / 2.

    The node moves up to a random place among those of the next degree and is removed earlier: as a lure, which costs
    the attack a removal, or as a cut vertex lost sooner. One evaluation of N + 1 orders for each of ``ranks``.
    """
    N, orders = ranks.shape
    moved = jnp.repeat(jnp.eye(N, N + 1, dtype=jnp.int32), orders, axis=1)  # the last moves nobody
    times = removal_times(graph, jnp.tile(ranks, N + 1), "targeted", moved)
    removals = critical_removals(graph, times)[: (N + 1) * orders].reshape(N + 1, orders).astype(jnp.float32)
    return (removals[:N] - removals[N]).mean(-1) / 2


@cache
def critical_fraction(removal: Literal["random", "targeted"], num_orders: int | None = None) -> Objective:
    """The mean critical fraction over removal orders.

    Its sensitivity reads the first 2·N orders at most: :func:`edge_sensitivity`, and where degrees decide the order
    a last channel, :func:`order_sensitivity` of both ends, f32[4, N, N] in all.

    Args:
        removal: "random": uniform orders. "targeted": degrees of the scored graph descending, ties random.
        num_orders: default 2·N, RNet-DQN's choice.
    """

    @jax.jit
    def draw(graph: BitGraph, key: PRNGKeyArray) -> Times:
        return draw_ranks(graph, key, num_orders or 2 * graph.capacity)

    @jax.jit
    def init(graph: BitGraph, ranks: Times) -> Carry:
        removals = critical_removals(graph, removal_times(graph, ranks, removal))[: ranks.shape[1]]
        return Carry(value=removals.astype(jnp.float32).mean() / jnp.maximum(num_nodes(graph), 1))

    def update(carry: Carry, edit: Edit, graph_after: BitGraph, ranks: Times) -> Carry:
        return init(graph_after, ranks)

    @jax.jit
    def sensitivity(graph: BitGraph, ranks: Times) -> Float[Array, "P N N"]:
        ranks = ranks[:, : 2 * graph.capacity]
        edges = edge_sensitivity(graph, removal_times(graph, ranks, removal), ranks.shape[1])
        if removal == "random":
            return edges
        order = order_sensitivity(graph, ranks[:, :MOVED])
        return jnp.concatenate([edges, (order[:, None] + order[None, :])[None]])

    return Objective(draw, init, update, needs_connected=True, sensitivity=sensitivity)


critical_fraction_random = critical_fraction("random")
"""Share of nodes that fail, in random order, until the rest falls apart (Darvariu et al. 2021)."""
critical_fraction_targeted = critical_fraction("targeted")
"""Share of nodes to attack, largest degrees first, until the rest falls apart (Darvariu et al. 2021)."""
