"""Objectives of diffusion: how far something that starts at some nodes spreads, over live-edge worlds.

A world says of every edge whether it passes on what reaches its tail; what is reached is what live edges lead to
(Kempe, Kleinberg & Tardos, "Maximizing the spread of influence through a social network", KDD 2003). An episode keeps
its R worlds, so that values before and after an edit differ by the edit alone.

The noise is not the worlds. Each node draws two words; those of two nodes, hashed together, seed a stream of words for
the pair, and the stream decides about the edge in every world, whether the edge is there yet or not. So the noise takes
O(N) memory and moves with its nodes; a carry keeps the decisions, N²·W words.
Letters: N node slots, R worlds, W = R / 32 words of one bit a world.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt32

from lepton_rl.batching import anywhere, once
from lepton_rl.graph import WORD, BitGraph, adjacency, num_nodes
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, LABEL_SET, NOTHING, REBUILT, Edit, Objective, labels_of
from lepton_rl.objectives.critical_fraction import fold

__all__ = [
    "CASCADE_PROBABILITY", "Spread", "independent_cascade", "independent_cascade_with", "linear_threshold",
    "linear_threshold_with", "outbreak", "outbreak_with", "reached",
]  # fmt: skip

Words = UInt32[Array, "N K"]
Stream = tuple[UInt32[Array, "..."], UInt32[Array, "..."]]  # where it starts, how it steps
Sources = Callable[[BitGraph, Words], UInt32[Array, "W N"]]

EVERY = np.uint32(0xFFFFFFFF)  # all worlds of a word
ODD = np.uint32(0x9E3779B9)  # sets heads apart from tails
CASCADE_PROBABILITY = 0.1  # of an edge passing on, where no other is asked for
PLANES = 16  # binary digits of a probability


@struct.dataclass
class Spread:
    """``value`` f32[]; ``reach`` uint32[W, N]: the worlds that reach each node; ``kept`` uint32[N, W, N]: what is
    known of the edge u -> v in each world, at [u, :, v]."""

    value: Float[Array, "*B"]
    reach: UInt32[Array, "*B W N"]
    kept: UInt32[Array, "*B N W N"]


class Worlds(NamedTuple):
    """Which edges are live.

    Attributes:
        decide: ``(graph, noise) -> kept``. ``follow``: ``(kept, edit, graph_after, noise) -> kept``, equal to deciding
            anew. ``live``: ``(kept, graph) -> uint32[N, W, N]``, the worlds in which u -> v is live at [u, :, v].
        monotone: edges that are live stay so when others are added.
    """

    decide: Callable[[BitGraph, Words], UInt32[Array, "N W N"]]
    follow: Callable[[UInt32[Array, "N W N"], Edit, BitGraph, Words], UInt32[Array, "N W N"]]
    live: Callable[[UInt32[Array, "N W N"], BitGraph], UInt32[Array, "N W N"]]
    monotone: bool


def _mix(x: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """A bijection of words that scatters them: the finaliser of MurmurHash3 (Appleby, 2011)."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
    return x ^ (x >> 16)


def _pair_streams(noise: Words, heads: Int[Array, "V"], symmetric: bool) -> Stream:
    """The streams of the pairs (u, v) of every node u and each of the ``heads`` v; of (v, u) too if ``symmetric``."""

    def seeds(column: int) -> UInt32[Array, "N V"]:
        head = noise[heads, column]
        return _mix(noise[:, column, None] + (head if symmetric else ODD * head))

    return seeds(0), seeds(1) | 1


def _coins(streams: Stream, words: int, threshold: int) -> UInt32[Array, "N W V"]:
    """Bits that are 1 with probability ``threshold`` / 2^PLANES, W words of them for each of N·V streams.

    A uniform number lies below the threshold if so says the first binary digit in which they differ; digits are read
    from the last to the first, in 32 worlds at once.
    """
    N, V = streams[0].shape
    if threshold == 2**PLANES:
        return jnp.full((N, words, V), EVERY)
    start, step = (x.reshape(1, -1) for x in streams)  # one long axis fills vector registers at every size

    def flips() -> UInt32[Array, "W NV"]:
        below = jnp.zeros((words, N * V), jnp.uint32)
        for plane in range(PLANES):
            if threshold % 2 ** (plane + 1):  # the digits after the last 1 decide nothing
                index = plane * words + jnp.arange(words, dtype=jnp.uint32)
                digit = _mix(start + index[:, None] * step)
                below = digit | below if threshold >> plane & 1 else digit & below
        return below

    return once(flips).reshape(words, N, V).swapaxes(0, 1)


def _largest(streams: Stream, there: Bool[Array, "N V"], words: int) -> UInt32[Array, "N W V"]:
    """In every world and for each of V, the one of the N nodes ``there`` whose stream has the largest word.

    The node's slot replaces the lowest bits of the word, so that there are no ties.
    """
    N, V = there.shape
    low = jnp.uint32(2 ** (N - 1).bit_length() - 1)
    slots, lanes = jnp.arange(N, dtype=jnp.uint32), jnp.arange(WORD, dtype=jnp.uint32)
    worlds = lanes[:, None] + WORD * jnp.repeat(jnp.arange(words, dtype=jnp.uint32), V)

    def larger(acc: Array, slot: Array, start: Array, step: Array, there: Array) -> Array:
        return jnp.maximum(acc, jnp.where(there, _mix(start + worlds * step) & ~low | slot, 0))

    def mark(acc: Array, best: Array, lane: Array) -> Array:
        return acc | jnp.where(best == slots[:, None], jnp.uint32(1) << lane, 0)

    each = [jnp.tile(x, (1, words)) for x in (*streams, there)]
    best = once(lambda: fold(larger, jnp.zeros(worlds.shape, jnp.uint32), slots, *each) & low)
    marked = once(lambda: fold(mark, jnp.zeros((N, words * V), jnp.uint32), best, lanes))
    return jnp.where(there[:, None], marked.reshape(N, words, V), 0)


def reached(live: UInt32[Array, "N W N"], start: UInt32[Array, "W N"]) -> UInt32[Array, "W N"]:
    """The worlds in which each node is reached from the worlds and nodes of ``start``, uint32[W, N]."""

    def spread(state: tuple[Array, Array]) -> tuple[Array, Array]:
        reach, _ = state
        new = fold(lambda acc, live, reach: acc | (live & reach[:, None]), reach, live, reach.T)
        return new, anywhere((new != reach).any())

    return jax.lax.while_loop(lambda state: state[1], spread, (start, jnp.bool_(True)))[0]


def _chosen(words: int) -> Sources:
    """Every world starts at the chosen nodes."""

    def sources(graph: BitGraph, noise: Words) -> UInt32[Array, "W N"]:
        chosen = labels_of(graph, "1 = chosen, 0 = not") > 0
        return jnp.broadcast_to(jnp.where(chosen, EVERY, 0), (words, graph.capacity)).astype(jnp.uint32)

    return sources


def _one_each(words: int) -> Sources:
    """Every world starts at one node, the one present that draws the largest word there."""

    def sources(graph: BitGraph, noise: Words) -> UInt32[Array, "W N"]:
        streams = noise[:, 2, None], noise[:, 3, None] | 1
        return _largest(streams, graph.node_mask[:, None], words)[:, :, 0].T

    return sources


def _percolating(probability: float, words: int) -> Worlds:
    """Edges live independently of each other; an undirected edge is live in both directions or in none.

    All pairs are decided once, edges or not: no edit changes that.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability lies between 0 and 1; got {probability}.")
    threshold = round(probability * 2**PLANES)

    def decide(graph: BitGraph, noise: Words) -> UInt32[Array, "N W N"]:
        streams = _pair_streams(noise, jnp.arange(graph.capacity), symmetric=not graph.directed)
        return _coins(streams, words, threshold)

    def live(kept: UInt32[Array, "N W N"], graph: BitGraph) -> UInt32[Array, "N W N"]:
        return jnp.where(adjacency(graph)[:, None], kept, 0).astype(jnp.uint32)

    return Worlds(decide, lambda kept, *_: kept, live, monotone=True)


def _picking(words: int) -> Worlds:
    """Every node picks one incoming edge: the one that draws the largest word. New edges win their share of worlds."""

    def incoming(graph: BitGraph, noise: Words, heads: Int[Array, "V"]) -> UInt32[Array, "N W V"]:
        return _largest(_pair_streams(noise, heads, symmetric=False), adjacency(graph)[:, heads], words)

    def decide(graph: BitGraph, noise: Words) -> UInt32[Array, "N W N"]:
        return incoming(graph, noise, jnp.arange(graph.capacity))

    def follow(kept: UInt32[Array, "N W N"], edit: Edit, graph: BitGraph, noise: Words) -> UInt32[Array, "N W N"]:
        """After the edit of an edge its ends pick anew."""
        ends = jnp.clip(jnp.stack([edit.u, edit.v]), 0, graph.capacity - 1)
        moved = (edit.operation == EDGE_ADDED) | (edit.operation == EDGE_REMOVED)
        return jax.lax.cond(
            anywhere(edit.operation == REBUILT), lambda: decide(graph, noise),
            lambda: jax.lax.cond(
                anywhere(moved), lambda: kept.at[:, :, ends].set(incoming(graph, noise, ends)), lambda: kept
            ),
        )  # fmt: skip

    return Worlds(decide, follow, lambda kept, graph: kept, monotone=False)


def _checked_words(worlds: int) -> int:
    if worlds < WORD or worlds % WORD:
        raise ValueError(f"worlds come {WORD} a word: give a multiple of {WORD}; got {worlds}.")
    return worlds // WORD


def _diffusion(worlds: Worlds, sources: Sources, noise_words: int, labels: str) -> Objective:
    """The expected share of the nodes present that are reached from ``sources``; each draws ``noise_words`` words."""

    def carry(graph: BitGraph, kept: UInt32[Array, "N W N"], start: UInt32[Array, "W N"]) -> Spread:
        reach = reached(worlds.live(kept, graph), start)
        total = jax.lax.population_count(reach).sum(dtype=jnp.uint32).astype(jnp.float32)
        return Spread(total / (reach.shape[0] * WORD * jnp.maximum(num_nodes(graph), 1)), reach, kept)

    def draw(graph: BitGraph, key: PRNGKeyArray) -> Words:
        return jax.random.bits(key, (graph.capacity, noise_words), jnp.uint32)

    def init(graph: BitGraph, noise: Words) -> Spread:
        return carry(graph, worlds.decide(graph, noise), sources(graph, noise))

    def update(state: Spread, edit: Edit, graph_after: BitGraph, noise: Words) -> Spread:
        """Where reach can only have grown, flooding goes on from it."""
        start = sources(graph_after, noise)
        reach = jnp.where(_grows(edit, start, worlds.monotone), state.reach, 0)
        return carry(graph_after, worlds.follow(state.kept, edit, graph_after, noise), start | reach)

    return Objective(draw, init, update, labels=labels, directed=True)


def _grows(edit: Edit, start: UInt32[Array, "W N"], monotone: bool) -> Bool[Array, ""]:
    """Whether what was reached before the edit surely still is."""
    chosen = (edit.operation == LABEL_SET) & (start[:, edit.u] == EVERY).all()
    return (edit.operation == NOTHING) | chosen | ((edit.operation == EDGE_ADDED) & monotone)


@cache
def independent_cascade_with(probability: float = CASCADE_PROBABILITY, worlds: int = 64) -> Objective:
    """The expected share of nodes reached from the chosen ones when every edge passes on with ``probability``.

    Args:
        probability: of an edge, the same for all; used to 16 binary digits. ``worlds``: R, a multiple of 32.

    Raises:
        ValueError: a probability out of [0, 1]; worlds that fill no words.

    Reference: Kempe, Kleinberg & Tardos, KDD 2003, §2.
    """
    words = _checked_words(worlds)
    return _diffusion(_percolating(probability, words), _chosen(words), 2, "chosen")


@cache
def linear_threshold_with(worlds: int = 64) -> Objective:
    """The expected share of nodes reached from the chosen ones in the linear threshold model of equal weights.

    A node follows when the share of its in-neighbours that are active passes a uniformly random threshold; that is
    reach over worlds in which every node picks one in-neighbour, each with probability 1 / in-degree.

    Args:
        worlds: R, a multiple of 32.

    Raises:
        ValueError: worlds that fill no words.

    Reference: Kempe, Kleinberg & Tardos, KDD 2003, §2.
    """
    words = _checked_words(worlds)
    return _diffusion(_picking(words), _chosen(words), 2, "chosen")


@cache
def outbreak_with(probability: float = 0.3, worlds: int = 128) -> Objective:
    """The expected share of nodes that an epidemic infects which starts at one uniformly random node.

    SIR with one step of infectiousness: whoever is infected infects each neighbour with ``probability``, once, which
    is bond percolation. A node that is removed (isolated) still counts, as itself.

    Args:
        probability: of an infection, used to 16 binary digits. ``worlds``: R, a multiple of 32.

    Raises:
        ValueError: a probability out of [0, 1]; worlds that fill no words.

    Reference: Newman, "Spread of epidemic disease on networks", Physical Review E 66, 2002.
    """
    words = _checked_words(worlds)
    return _diffusion(_percolating(probability, words), _one_each(words), 4, "")


independent_cascade = independent_cascade_with()
"""Expected share of nodes that a cascade from the chosen ones reaches (Kempe, Kleinberg & Tardos 2003)."""
linear_threshold = linear_threshold_with()
"""Expected share of nodes that follow the chosen ones under random thresholds (Kempe, Kleinberg & Tardos 2003)."""
outbreak = outbreak_with()
"""Expected share of nodes that an epidemic from one random node infects; lower it to immunise (Newman 2002)."""
