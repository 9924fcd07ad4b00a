"""What a graph is worth: an objective is a record of pure functions, with a place for noise and incremental state."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lepton_rl.graph import BitGraph

__all__ = ["Edit", "Noise", "Objective", "Value", "deterministic", "score"]

Noise = Any  # a pytree the objective chose: removal orders, live-edge worlds; () when deterministic


class Edit(NamedTuple):
    """One edit of a graph: ``operation`` i32[] (0 nothing, 1 edge added, 2 edge removed), slots ``u``, ``v`` i32[]."""

    operation: Int[Array, ""]
    u: Int[Array, ""]
    v: Int[Array, ""]


@struct.dataclass
class Value:
    """The least an objective carries: its value."""

    value: Float[Array, "*B"]


class Objective(NamedTuple):
    """F(graph, noise), larger is better, split so that an episode draws its noise once and may update incrementally.

    Attributes:
        draw: ``(graph, key) -> Noise``, once an episode; of the same shape for every graph of equal capacity.
        init: ``(graph, Noise) -> Carry``; a Carry is a pytree with a field ``value`` f32[].
        update: ``(Carry, Edit, graph_after, Noise) -> Carry``; equals ``init(graph_after, noise)`` in value.
        sensitivity: ``(graph, Noise) -> f32[P, N, N]``, symmetric: what adding each edge would bring, as far as one
            look at the graph tells (a first-order estimate, not a re-evaluation). Networks read it as pair features.
            None: the objective has none to offer.
        needs_connected: the value says little on a graph that starts disconnected; environments refuse those.

    Noise is permuted along its node axes when a graph is relabelled; padding a graph pads them.
    """

    draw: Callable[[BitGraph, PRNGKeyArray], Noise]
    init: Callable[[BitGraph, Noise], Any]
    update: Callable[[Any, Edit, BitGraph, Noise], Any]
    needs_connected: bool = False
    sensitivity: Callable[[BitGraph, Noise], Float[Array, "P N N"]] | None = None


@cache
def deterministic(function: Callable[[BitGraph], Float[Array, ""]], needs_connected: bool = False) -> Objective:
    """Lift a plain ``F(graph) -> f32[]`` to an objective without noise; equal functions give the same objective."""

    def init(graph: BitGraph, noise: Noise) -> Value:
        return Value(value=jnp.asarray(function(graph), jnp.float32))

    def update(carry: Value, edit: Edit, graph_after: BitGraph, noise: Noise) -> Value:
        return init(graph_after, noise)

    return Objective(lambda graph, key: (), init, update, needs_connected)


def score(objective: Objective, graph: BitGraph, key: PRNGKeyArray) -> Float[Array, ""]:
    """Value of ``graph`` with fresh noise drawn from ``key``, f32[]."""
    return objective.init(graph, objective.draw(graph, key)).value


