"""Which pair of people to join or part against polarisation, without an inverse: two linear solves an edit.

What flipping a pair brings is known in closed form (:func:`agents.baselines.opinions.gains_of_pairs`) from the inverse
of I + L. The expressed opinions z and their slope y = (I + L)^-1 C z, C taking the mean from each, follow by conjugate
gradients in a few sums over neighbours; of the rest only diagonals are needed, which are estimated from degrees and
learned. One end of a pair is among the people of the most extreme opinions, so that an edit costs O(m + N·Q). Works on
any storage.
Letters: N node slots, Q candidates of extreme opinions, K columns.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lepton_rl.graph import degree, toggle_edge
from lepton_rl.heads import Network
from lepton_rl.message_passing import aggregate
from lepton_rl.storage import Graph

__all__ = ["opinion_network", "solved", "toggles"]

SOLVES = 30  # iterations of conjugate gradients
COLUMNS = 4


class Outlook(NamedTuple):
    """``z``, ``y`` f32[N]: opinions and slopes. ``own``, ``power`` f32[N]: estimates of the diagonals of (I + L)^-1 and
    of its Gram matrix. ``extreme`` i32[Q]. ``joined`` f32[N, Q]: who has an edge to them."""

    z: Float[Array, "N"]
    y: Float[Array, "N"]
    own: Float[Array, "N"]
    power: Float[Array, "N"]
    extreme: Int[Array, "Q"]
    joined: Float[Array, "N Q"]


def solved(graph: Graph, right: Float[Array, "N"], iterations: int = SOLVES) -> Float[Array, "N"]:
    """(I + L)^-1 ``right``, f32[N], by conjugate gradients preconditioned with the diagonal, from 0."""
    d = 1 + degree(graph).astype(jnp.float32)

    def step(_: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        x, residual, way, size = state
        image = d * way - aggregate(way[:, None], graph)[:, 0]
        length = size / jnp.maximum(way @ image, 1e-30)
        residual = residual - length * image
        new = residual @ (residual / d)
        return x + length * way, residual, residual / d + new / jnp.maximum(size, 1e-30) * way, new

    start = jnp.zeros_like(right), right, right / d, right @ (right / d)
    return jax.lax.fori_loop(0, iterations, step, start)[0]


def _gain(sign: Array, dz: Array, dy: Array, resistance: Array, power: Array) -> Array:
    """By how much an edge that comes (``sign`` 1) or goes (-1) lowers the polarisation."""
    c = sign * dz / (1 + sign * jnp.minimum(resistance, jnp.where(sign < 0, 0.95, jnp.inf)))
    return 2 * c * dy - c**2 * power


def _outlook(params: dict[str, Array], graph: Graph, extremes: int) -> Outlook:
    present = graph.node_mask.astype(jnp.float32)
    n = jnp.maximum(present.sum(), 1)
    z = solved(graph, jnp.asarray(graph.labels) * present)
    apart = (z - (z @ present) / n) * present
    y = solved(graph, apart)
    d = 1 + degree(graph).astype(jnp.float32)
    around = aggregate(jnp.stack([1 / d, jnp.log(d)], -1), graph)
    own = 1 / d + around[:, 0] / d**2
    near = around[:, 1] / jnp.maximum(d - 1, 1)
    columns = jnp.stack([jnp.ones_like(d), jnp.log(d), near, around[:, 0]], -1)
    own, power = own * jnp.exp(columns @ params["own"]), own**2 * jnp.exp(columns @ params["power"])
    height = jnp.where(present > 0, apart, 0.0)
    extreme = jnp.concatenate([jax.lax.top_k(side, extremes // 2)[1] for side in (height, -height)])
    at = (jnp.arange(graph.capacity)[:, None] == extreme).astype(jnp.float32)
    return Outlook(z, y, own, power, extreme, aggregate(at, graph))


def _first(seen: Outlook, present: Array) -> Float[Array, "N"]:
    """Every node's best pair with one of the extreme."""
    z, y, own, power, extreme, joined = seen
    gain = _gain(
        1 - 2 * joined, z[:, None] - z[extreme], y[:, None] - y[extreme], own[:, None] + own[extreme],
        power[:, None] + power[extreme],
    )  # fmt: skip
    allowed = (jnp.arange(len(z))[:, None] != extreme) & present[extreme]
    return jnp.where(allowed, gain, -jnp.inf).max(-1)


def _second(seen: Outlook, graph: Graph, selected: Float[Array, "N"]) -> Float[Array, "N"]:
    """What each pair with the selected node brings."""
    z, y, own, power, _, _ = seen
    u = jnp.argmax(selected)
    joined = aggregate(selected[:, None], graph)[:, 0]
    return _gain(1 - 2 * joined, z[u] - z, y[u] - y, own[u] + own, power[u] + power)


@cache
def opinion_network(extremes: int = 16) -> Network:
    """Scores of both picks of a flipped pair; fresh, by the estimate alone, trained, with its diagonals corrected.

    Args:
        extremes: Q, half of them of either side; at most as many as nodes.
    """

    def init(key: PRNGKeyArray, observation: Any) -> dict[str, Array]:
        return {"own": jnp.zeros(COLUMNS), "power": jnp.zeros(COLUMNS)}

    def score(params: dict[str, Array], seen: Outlook, observation: Any) -> Float[Array, "A"]:
        selected, graph = observation.marks[:, 0], observation.graph
        picking = selected.max() > 0
        return jnp.where(picking, _second(seen, graph, selected), _first(seen, graph.node_mask))

    return Network(init, partial(_encoded, extremes), score)


def _encoded(extremes: int, params: dict[str, Array], observation: Any) -> Outlook:
    return _outlook(params, observation.graph, min(extremes, observation.graph.capacity))


def toggles(graph: Graph, params: dict[str, Array], *, budget: int, extremes: int = 16) -> Int[Array, "L 2"]:
    """The ``budget`` pairs that the criterion flips one after the other, i32[budget, 2], on any storage.

    An :class:`~lepton_rl.edge_graph.EdgeGraph` needs room for as many edits.
    """

    def edit(graph: Any, _: None) -> tuple[Any, Array]:
        seen = _outlook(params, graph, min(extremes, graph.capacity))
        u = jnp.argmax(_first(seen, graph.node_mask))
        slots = jnp.arange(graph.capacity)
        second = _second(seen, graph, (slots == u).astype(jnp.float32))
        v = jnp.argmax(jnp.where(graph.node_mask & (slots != u), second, -jnp.inf))
        return toggle_edge(graph, u, v), jnp.stack([u, v]).astype(jnp.int32)

    return jax.lax.scan(edit, graph, None, length=budget)[1]
