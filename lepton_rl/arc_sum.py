"""Sums of weighted messages along the arcs of a graph, for one query or for a batch of queries that share the arcs.

On a CPU the gather and the scatter of many short rows are most of what a round of message passing costs. Queries with
the same arcs share them here: an entity's embeddings for all queries lie side by side, and a loop over the arcs moves
long rows (``python -m experiments.benchmarks propagation``). On other devices, and where every query has arcs or
weights of its own, it is a gather and a segment sum.
Letters: N entities, E arcs, W rows of weights, B queries, D width.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Float, Int

__all__ = ["arc_sum"]

Arcs = tuple[Int[Array, "E"], Int[Array, "E"], Int[Array, "E"]]


@jax.custom_vjp
def arc_sum(
    h: Float[Array, "N D"], weights: Float[Array, "W D"], present: Bool[Array, "E"], arcs: Arcs
) -> Float[Array, "N D"]:
    """Σ h_s ∘ w_r over the arcs (s, r, t) into every entity t that are present; differentiable by h and weights.

    Args:
        arcs: sources in [0, N), rows of ``weights``, targets in [0, N), each i32[E].
    """
    return _sum(h, weights, present, arcs)


def _forward(h: Array, weights: Array, present: Array, arcs: Arcs) -> tuple[Array, tuple[Any, ...]]:
    return _sum(h, weights, present, arcs), (h, weights, present, arcs)


def _backward(kept: tuple[Any, ...], received: Array) -> tuple[Any, ...]:
    return *_derivatives(received, *kept), None, None  # nothing by presence and arcs


arc_sum.defvjp(_forward, _backward)


def _sum_of_rows(h: Array, weights: Array, present: Array, arcs: Arcs) -> Array:
    s, r, t = arcs
    return jax.ops.segment_sum(jnp.where(present[:, None], h[s] * weights[r], 0.0), t, len(h))


def _derivatives_of_rows(
    received: Array, h: Array, weights: Array, present: Array, arcs: Arcs
) -> tuple[Float[Array, "N D"], Float[Array, "W D"]]:
    """Of the sum by h and by the weights, where its own derivative is ``received``."""
    s, r, t = arcs
    sent = jnp.where(present[:, None], received[t], 0.0)
    return jax.ops.segment_sum(weights[r] * sent, s, len(h)), jax.ops.segment_sum(h[s] * sent, r, len(weights))


_sum, _derivatives = custom_vmap(_sum_of_rows), custom_vmap(_derivatives_of_rows)


@_sum.def_vmap
def _sum_of_batch(
    size: int, batched: list[Any], h: Array, weights: Array, present: Array, arcs: tuple[Array, Array, Array]
) -> tuple[Float[Array, "B N D"], bool]:
    def looped(h: Array, weights: Array, present: Array, arcs: Arcs) -> Array:
        side = _beside(h, batched[0], size)
        return jnp.moveaxis(_sum_loop(side, weights, _shares(present, batched[2], h.dtype), arcs), 1, 0)

    return _by_device(looped, _sum_of_rows, batched, batched[1], batched[3], h, weights, present, arcs), True


@_derivatives.def_vmap
def _derivatives_of_batch(
    size: int, batched: list[Any], received: Array, h: Array, weights: Array, present: Array,
    arcs: tuple[Array, Array, Array],
) -> tuple[tuple[Float[Array, "B N D"], Float[Array, "B W D"]], tuple[bool, bool]]:
    def looped(received: Array, h: Array, weights: Array, present: Array, arcs: Arcs) -> tuple[Array, Array]:
        sides = _beside(received, batched[0], size), _beside(h, batched[1], size)
        both = _derivative_loop(*sides, weights, _shares(present, batched[3], h.dtype), arcs)
        return jnp.moveaxis(both[0], 1, 0), jnp.moveaxis(both[1], 1, 0)

    given = received, h, weights, present, arcs
    return _by_device(looped, _derivatives_of_rows, batched, batched[2], batched[4], *given), (True, True)


def _by_device(
    looped: Any, of_rows: Any, batched: list[Any], weights: bool, arcs: tuple[bool, ...], *given: Any
) -> Any:
    """``looped`` on a CPU where the batch shares weights and arcs, otherwise ``of_rows`` query by query."""
    axes = jax.tree.map(lambda one: 0 if one else None, batched)
    by_query = jax.vmap(of_rows, tuple(axes))
    if weights or any(arcs):
        return by_query(*given)
    return lax.platform_dependent(*given, cpu=looped, default=by_query)


def _beside(x: Array, batched: bool, size: int) -> Float[Array, "N B D"]:
    """The batch as the second axis."""
    return jnp.moveaxis(x, 0, 1) if batched else jnp.broadcast_to(x[:, None], (len(x), size, x.shape[1]))


def _shares(present: Array, batched: bool, dtype: Any) -> Float[Array, "E B 1"]:
    """1 for arcs that are there, 0 for others; B is 1 where all queries see the same."""
    return (present.T if batched else present[:, None])[..., None].astype(dtype)


def _sum_loop(h: Float[Array, "N B D"], weights: Array, shares: Array, arcs: Arcs) -> Float[Array, "N B D"]:
    s, r, t = arcs

    def along(e: Array, total: Array) -> Array:
        return _added(total, t[e], _row(shares, e) * _row(weights, r[e]) * _row(h, s[e]))

    return lax.fori_loop(0, len(s), along, jnp.zeros_like(h))


def _derivative_loop(
    received: Float[Array, "N B D"], h: Float[Array, "N B D"], weights: Array, shares: Array, arcs: Arcs
) -> tuple[Float[Array, "N B D"], Float[Array, "W B D"]]:
    s, r, t = arcs

    def along(e: Array, totals: tuple[Array, Array]) -> tuple[Array, Array]:
        sent = _row(shares, e) * _row(received, t[e])
        return _added(totals[0], s[e], _row(weights, r[e]) * sent), _added(totals[1], r[e], _row(h, s[e]) * sent)

    return lax.fori_loop(0, len(s), along, (jnp.zeros_like(h), jnp.zeros((len(weights), *h.shape[1:]), h.dtype)))


def _row(x: Array, i: Array) -> Array:
    return lax.dynamic_index_in_dim(x, i, keepdims=False)


def _added(x: Float[Array, "N B D"], i: Array, row: Float[Array, "B D"]) -> Float[Array, "N B D"]:
    """A slice put back where it lay, in place; ``x.at[i].add`` is a scatter, twice as slow."""
    return lax.dynamic_update_index_in_dim(x, _row(x, i) + row, i, 0)
