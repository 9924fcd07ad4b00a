"""What a graph is worth: an objective is a record of pure functions, with a place for noise and incremental state."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lepton_rl.storage import Graph
from lepton_rl.weights import weight_of

__all__ = [
    "EDGE_ADDED", "EDGE_REMOVED", "EDGE_REWEIGHTED", "LABEL_SET", "NOTHING", "REBUILT", "Edit", "Noise", "Objective",
    "Value", "Weighted", "deterministic", "labels_of", "no_noise", "score", "weight_change",
]  # fmt: skip

Noise = Any  # a pytree the objective chose: removal orders, live-edge worlds; () when deterministic
Weighted = Literal["", "positive", "any"]

NOTHING, EDGE_ADDED, EDGE_REMOVED, LABEL_SET, REBUILT, EDGE_REWEIGHTED = range(6)


class Edit(NamedTuple):
    """One edit of a graph.

    Attributes:
        operation: i32[], NOTHING, EDGE_ADDED, EDGE_REMOVED or EDGE_REWEIGHTED (u – v), LABEL_SET (of u), or REBUILT:
            more than that, so that nothing which is kept from before holds.
        u, v: i32[] slots.
        change: f32[], by how much an edge that was reweighted weighs more than before; see :func:`weight_change`.
    """

    operation: Int[Array, ""]
    u: Int[Array, ""]
    v: Int[Array, ""]
    change: Float[Array, ""] | np.float32 = np.float32(0)


def weight_change(edit: Edit, graph_after: Any) -> Float[Array, ""]:
    """By how much the weight between u and v grew in an edit of an edge, f32[]; 0 after other edits.

    ±1 for an edge of a graph without edge features that came or went.
    """
    sign = (edit.operation == EDGE_ADDED).astype(jnp.float32) - (edit.operation == EDGE_REMOVED)
    if graph_after.edge_features is None:
        return sign
    reweighted = jnp.where(edit.operation == EDGE_REWEIGHTED, edit.change, 0.0)
    return sign * weight_of(graph_after, edit.u, edit.v) + reweighted


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
        needs_connected: the value says little on a graph that starts disconnected; environments refuse those.
        sensitivity: ``(graph, Noise) -> f32[P, N, N]``, symmetric: what adding each edge would bring, as far as one
            look at the graph tells (a first-order estimate, not a re-evaluation). Networks read it as pair features.
            None: the objective has none to offer.
        labels: what it reads from the graph's labels ("chosen", "spin", "community", "opinion", "side"), "" = nothing.
        directed: it is defined on directed graphs too; environments refuse those elsewhere.
        weighted: which weights of edges (``lepton_rl.weights``) it reads: "positive" ones, "any", "" = none.

    Noise is permuted along its node axes when a graph is relabelled; padding a graph pads them.
    """

    draw: Callable[[Any, PRNGKeyArray], Noise]
    init: Callable[[Any, Noise], Any]
    update: Callable[[Any, Edit, Any, Noise], Any]
    needs_connected: bool = False
    sensitivity: Callable[[Any, Noise], Float[Array, "P N N"]] | None = None
    labels: str = ""
    directed: bool = False
    weighted: Weighted = ""


@cache
def deterministic(
    function: Callable[[Any], Float[Array, ""]], needs_connected: bool = False, labels: str = "",
    directed: bool = False, weighted: Weighted = "",
) -> Objective:  # fmt: skip
    """Lift a plain ``F(graph) -> f32[]`` to an objective without noise; equal functions give the same objective."""

    def init(graph: Graph, noise: Noise) -> Value:
        return Value(value=jnp.asarray(function(graph), jnp.float32))

    def update(carry: Value, edit: Edit, graph_after: Graph, noise: Noise) -> Value:
        return init(graph_after, noise)

    return Objective(no_noise, init, update, needs_connected, labels=labels, directed=directed, weighted=weighted)


def no_noise(graph: Graph, key: PRNGKeyArray) -> tuple[()]:
    """What a deterministic objective draws."""
    return ()


def labels_of(graph: Graph, meaning: str) -> Float[Array, "N"]:
    """The labels f32[N] of the nodes, 0 at absent ones.

    Args:
        meaning: what they say, for the message ("1 = chosen, 0 = not").

    Raises:
        ValueError: a graph without labels.
    """
    if graph.labels is None:
        raise ValueError(f"this objective reads labels of the nodes ({meaning}): give the graph some, labels=….")
    return jnp.where(graph.node_mask, graph.labels, 0.0)


def score(objective: Objective, graph: Graph, key: PRNGKeyArray) -> Float[Array, ""]:
    """Value of ``graph`` with fresh noise drawn from ``key``, f32[]."""
    return objective.init(graph, objective.draw(graph, key)).value


