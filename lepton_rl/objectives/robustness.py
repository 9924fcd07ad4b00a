"""Largest-component curves: how much of a network stays together while its nodes are removed one after the other.

The removals are played backwards: nodes are inserted, the last one removed first. Every node carries the component it
belongs to as a bitset row; inserting v joins the components that hold a neighbour of v, and all members of the union
get its row. There are no pointers to chase, every step is the same fused loop over nodes × orders.
Letters: N node slots, W words of a row, O removal orders.
"""

from functools import cache, reduce
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Integer, PRNGKeyArray, UInt32

from lepton_rl.batching import once
from lepton_rl.graph import WORD, BitGraph, num_nodes
from lepton_rl.objectives.base import Edit, Objective, Value
from lepton_rl.objectives.critical_fraction import draw_ranks, fold, removal_times

__all__ = ["largest_component", "largest_component_areas", "largest_component_random", "largest_component_targeted"]

Times = Integer[Array, "N O"]


def _bits(size: int) -> UInt32[Array, "N W"]:
    """The bitset of each node alone."""
    word = jnp.arange(size) // WORD
    bit = jnp.uint32(1) << (jnp.arange(size, dtype=jnp.uint32) % WORD)
    return jnp.where(word[:, None] == jnp.arange(-(-size // WORD)), bit[:, None], 0).astype(jnp.uint32)


def largest_component_areas(graph: BitGraph, times: Times) -> Int[Array, "O"]:
    """The nodes in the largest component of what is left after q removals, summed over q = 1 … n, per order.

    ``times`` are the removal times 1 … n of the nodes present and 0 at absent ones.
    """
    N, orders = times.shape
    words = -(-N // WORD)
    bits = _bits(N)
    marks = jnp.concatenate([graph.rows, bits], 1)

    def inserted(time: Array) -> UInt32[Array, "V O"]:
        """The neighbours of the node with this time, and the node itself; nothing where no node has it."""

        def pick(acc: Array, times: Array, marks: Array) -> Array:
            return acc | jnp.where(times == time, marks[:, None], 0)

        return once(lambda: fold(pick, jnp.zeros((2 * words, orders), jnp.uint32), times, marks))

    def insert(i: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        rows, largest, area = state
        near, own = jnp.split(inserted((N - i).astype(times.dtype)), 2)

        def join(acc: Array, row: Array) -> Array:
            touched = reduce(jnp.bitwise_or, [row[w] & near[w] for w in range(words)])
            return acc | jnp.where(touched != 0, row, 0)

        union = once(lambda: fold(join, own, rows))
        inside = (union[jnp.arange(N) // WORD] & bits.max(1, keepdims=True)) != 0
        rows = jnp.where(inside[:, None], union, rows)
        largest = jnp.maximum(largest, jax.lax.population_count(union).sum(0).astype(jnp.int32))
        return rows, largest, area + largest

    nobody = jnp.zeros((N, words, orders), jnp.uint32), jnp.zeros(orders, jnp.int32), jnp.zeros(orders, jnp.int32)
    # The node removed first (time 1) is never inserted: the whole network is no point of the curve.
    return jax.lax.fori_loop(0, N - 1, insert, nobody)[2]


@cache
def largest_component(removal: Literal["random", "targeted"], num_orders: int | None = None) -> Objective:
    """The robustness R = 1/n Σ_{q=1..n} s(q), s(q) the share of all nodes in the largest component after q removals.

    Averaged over removal orders; between 0 and (n - 1) / (2n), reached by the complete graph.

    Args:
        removal: "random": uniform orders. "targeted": degrees of the scored graph descending, ties random. Degrees are
            those before the attack, where the reference counts them anew after each removal.
        num_orders: default 2·N.

    Reference: Schneider, Moreira, Andrade, Havlin & Herrmann, "Mitigation of malicious attacks on networks", PNAS 2011.
    """

    def draw(graph: BitGraph, key: PRNGKeyArray) -> Times:
        return draw_ranks(graph, key, num_orders or 2 * graph.capacity)

    def init(graph: BitGraph, ranks: Times) -> Value:
        areas = largest_component_areas(graph, removal_times(graph, ranks, removal))[: ranks.shape[1]]
        n = jnp.maximum(num_nodes(graph), 1).astype(jnp.float32)
        return Value(value=areas.astype(jnp.float32).mean() / n**2)

    def update(carry: Value, edit: Edit, graph_after: BitGraph, ranks: Times) -> Value:
        return init(graph_after, ranks)

    return Objective(draw, init, update)


largest_component_random = largest_component("random")
"""Share of nodes in the largest component, averaged over random failures of one node after the other."""
largest_component_targeted = largest_component("targeted")
"""Share of nodes in the largest component, averaged over an attack on the largest degrees (Schneider et al. 2011)."""
