"""What an episode has changed of a frozen base: a short list of edges, the same for pairs of nodes and for triples."""

from dataclasses import replace

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Int

__all__ = ["Delta", "empty", "look", "write"]


@struct.dataclass
class Delta:
    """Edges that an episode has set, whatever the base says of them.

    Attributes:
        edges: i32[L, K], K = 2 slots (the lower first where edges have no direction) or 3 (head, relation, tail);
            -1 = free.
        based: bool[L], the base has the edge. ``present``: bool[L], it is there now.
        count: i32[] entries in use. ``refused``: i32[] edits that were not made because all L were.
    """

    edges: Int[Array, "*B L K"]
    based: Bool[Array, "*B L"]
    present: Bool[Array, "*B L"]
    count: Int[Array, "*B"]
    refused: Int[Array, "*B"]


def empty(length: int, parts: int) -> Delta:
    """Nothing changed, room for L = ``length`` edges of K = ``parts`` numbers."""
    free, no = jnp.full((length, parts), -1, jnp.int32), jnp.zeros(length, bool)
    return Delta(free, no, no, jnp.int32(0), jnp.int32(0))


def look(delta: Delta, edge: Int[Array, "K"]) -> tuple[Bool[Array, ""], Bool[Array, ""], Int[Array, ""]]:
    """Whether the delta has an edge; if so, whether it is there now; and where it stands, or else would."""
    there = (delta.edges == edge).all(-1)
    known = there.any()
    place = jnp.where(known, (there * jnp.arange(there.shape[0])).sum(), delta.count)
    return known, (there & delta.present).any(), place.astype(jnp.int32)


def write(
    delta: Delta, edge: Int[Array, "K"], based: Bool[Array, ""], want: Bool[Array, ""], wished: Bool[Array, ""]
) -> tuple[Delta, Bool[Array, ""]]:
    """Set an edge where that is ``wished``; ``(delta, made)``. Refused and counted where the list is full.

    Args:
        edge: as the list has it. ``based``: the base has it. ``want``: it is to be there.
        wished: False = leave all as it is.
    """
    length = delta.edges.shape[-2]
    if not length:
        return replace(delta, refused=delta.refused + wished), jnp.zeros((), bool)
    known, _, place = look(delta, edge)
    made = wished & (known | (delta.count < length))
    place = jnp.where(made, place, length)  # beyond the last: written nowhere
    return Delta(
        delta.edges.at[place].set(edge, mode="drop"), delta.based.at[place].set(based, mode="drop"),
        delta.present.at[place].set(want, mode="drop"), delta.count + (made & ~known),
        delta.refused + (wished & ~made),
    ), made  # fmt: skip
