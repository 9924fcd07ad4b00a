"""Networks: an encoder's node embeddings turned into one number an action.

A network is a record of three pure functions, so any module library fits; ours are flax.nnx modules, split once.
Letters: N node slots, D width, A actions, K pair features, H hidden units of a head.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

from lepton_rl.batching import anywhere, branch
from lepton_rl.encoders import get_encoder
from lepton_rl.encoders.linear import Linear, matmul_rows
from lepton_rl.features import node_inputs, num_inputs, pair_inputs
from lepton_rl.graph import BitGraph, absent_rows, unpack_bits
from lepton_rl.registry import resolve
from lepton_rl.storage import Graph

__all__ = ["HEADS", "Network", "NodeScore", "PairScore", "build_network", "network_from_module"]

Pairs = Callable[[BitGraph], UInt32[Array, "N W"]]

HEADS = {"node": "lepton_rl.heads:NodeScore", "pair": "lepton_rl.heads:PairScore"}


class Network(NamedTuple):
    """Three pure functions.

    Attributes:
        init: ``(key, Observation) -> params``; a learner shows the start of an episode.
        encode: ``(params, Observation) -> h``, any pytree; run once an edit; must not read marks or legal actions.
        score: ``(params, h, Observation) -> f32[A]``, finite also where illegal; run at every step.
        encode_shared: the same as ``encode``, faster where graphs of a batch are one but for their edits; or None.
    """

    init: Callable[[PRNGKeyArray, Any], Any]
    encode: Callable[[Any, Any], Any]
    score: Callable[[Any, Any, Any], Float[Array, "A"]]
    encode_shared: Callable[[Any, Any], Any] | None = None


def pooled(h: Float[Array, "N D"], graph: Graph) -> Float[Array, "D"]:
    """Mean embedding of the present nodes, f32[D]."""
    mask = graph.node_mask.astype(h.dtype)
    return (mask @ h) / jnp.maximum(mask.sum(), 1)


class NodeScore(nnx.Module):
    """One number a node from its embedding, the selected node's, the graph's mean, and the marks: A = N.

    Costs O(N·D·H) at any size; the choice for large graphs. Its first layer is a sum over its inputs, so what does
    not depend on the marks is computed once an edit, and products with the selected node's embedding only where a node
    is selected. The last layer starts at zero: a fresh network scores 0.
    """

    def __init__(
        self, width: int, marks: int, pairs: int = 0, partners: Pairs = absent_rows, *, rngs: nnx.Rngs
    ) -> None:
        hidden = 2 * width
        self.own = Linear(width, hidden, rngs=rngs)
        self.mean = nnx.Linear(width, hidden, use_bias=False, rngs=rngs)
        self.marks = nnx.Linear(marks, hidden, use_bias=False, rngs=rngs)
        self.selected = nnx.Linear(width + 1, hidden, use_bias=False, rngs=rngs)
        self.product = Linear(width, hidden, use_bias=False, rngs=rngs)
        self.last = nnx.Param(jnp.zeros(hidden))

    def prepare(self, h: Float[Array, "N D"], observation: Any) -> Any:
        """What is kept between the picks of an edit: embeddings and what the first layer makes of them alone."""
        return h, self.own(h) + self.mean(pooled(h, observation.graph))

    def __call__(self, prepared: Any, observation: Any) -> Float[Array, "A"]:
        """Score every node as the next pick."""
        h, base = prepared
        first = base + self.marks(observation.marks)
        chosen = observation.marks[:, 0].sum(keepdims=True)
        weights = self.selected.kernel[...], self.product.kernel[...]
        marks, due = (observation.marks[:, 0], chosen), anywhere(chosen[0] > 0)
        hidden = branch(_add_selected, _unchanged, due, marks, (first, h, weights))
        return nnx.relu(hidden) @ self.last[...]


def _add_selected(marks: tuple[Array, Array], operands: Any) -> Float[Array, "N H"]:
    """What the first layer of :class:`NodeScore` makes of the selected node, beside the rest."""
    selected, chosen = marks
    first, h, (selected_weights, product_weights) = operands
    mine = selected @ h  # zero where nothing is selected, and so is all that it feeds
    own = jnp.concatenate([mine, chosen]) @ selected_weights
    return first + own + matmul_rows(h * mine, product_weights)


def _unchanged(fixed: Any, operands: Any) -> Array:
    """The first operand, where a dear branch that adds to it or takes its place is not due."""
    return operands[0]


class PairScore(nnx.Module):
    """One number an unordered pair, Q(u, v); a first pick is worth its best second: Q(u) = max over legal v of Q(u, v).

    With no discount inside an edit that identity is exact, so both picks share one function and nothing is learned
    twice. Beside the embeddings it reads random-walk features of the pair, of which the classical heuristics
    (degree product, effective resistance, Fiedler difference) are functions. Costs O(N²·H): for N up to ~200.
    ``partners`` gives the bitset rows of the pairs that the two picks may name: by default the absent edges.
    """

    def __init__(
        self, width: int, marks: int, pairs: int = 0, partners: Pairs = absent_rows, *, hidden: int = 64,
        steps: int = 4, rngs: nnx.Rngs,
    ) -> None:  # fmt: skip
        self.steps = steps
        self.partners = partners
        self.ends = Linear(width, 2 * hidden, use_bias=False, rngs=rngs)
        self.shared = nnx.Linear(width + 1, hidden, rngs=rngs)
        self.state = nnx.Linear(width + 1, hidden, rngs=rngs)
        self.value = nnx.Param(jnp.zeros(hidden))
        self.pair = nnx.Linear(steps + 2 + pairs, hidden, use_bias=False, rngs=rngs)
        self.last = nnx.Param(jnp.zeros(hidden))

    def prepare(self, h: Float[Array, "N D"], observation: Any) -> Any:
        """What is kept between the picks of an edit: per-node and per-pair terms."""
        add, mul = jnp.split(self.ends(h), 2, axis=-1)
        graph = observation.graph
        pairs = jnp.concatenate([pair_inputs(graph, self.steps), observation.pairs])
        return add, mul, pairs, pooled(h, graph)

    def __call__(self, prepared: Any, observation: Any) -> Float[Array, "A"]:
        """Score every node as the next pick."""
        add, mul, inputs, mean = prepared
        left = observation.marks[:1, 1]
        whole = jnp.concatenate([mean, left])
        shared, value = self.shared(whole), nnx.relu(self.state(whole)) @ self.value[...]
        selected, graph = observation.marks[:, 0], observation.graph
        picking = selected.any()
        weights = self.pair.kernel[...], self.last[...]
        terms = add, mul, shared, weights
        row = _row_scores(selected, inputs, terms)
        fixed = picking, inputs, self.partners(graph), graph.node_mask
        return value + branch(_first_picks, _unchanged, anywhere(~picking), fixed, (row, *terms))


def _row_scores(selected: Float[Array, "N"], inputs: Float[Array, "K N N"], operands: Any) -> Float[Array, "N"]:
    """Scores of the pairs of the selected node."""
    add, mul, shared, (weights, last) = operands
    row = inputs[:, jnp.argmax(selected)]  # symmetric: its row is its column
    return nnx.relu(add + selected @ add + mul * (selected @ mul) + row.T @ weights + shared) @ last


def _first_picks(fixed: Any, operands: Any) -> Float[Array, "N"]:
    """Every node's best pair where nothing is selected; the given scores where something is."""
    (picking, inputs, rows, present), (row, add, mul, shared, (weights, last)) = fixed, operands
    N = add.shape[0]
    units = (add.T, mul.T, shared, weights.T, last)

    def unit(pairs: Array, one: tuple[Array, ...]) -> tuple[Array, None]:
        add, mul, shared, weights, last = one
        hidden = add[:, None] + add + mul[:, None] * mul + shared
        for k in range(inputs.shape[0]):  # a product would copy its transposed operand for every unit
            hidden += weights[k] * inputs[k]
        return pairs + nnx.relu(hidden) * last, None

    # A scan over hidden units: nothing of size N·N·H is ever written, and the program stays short. Eight
    # of them make one fused loop that XLA CPU vectorises: five times faster than one by one.
    pairs = jax.lax.scan(unit, jnp.zeros((N, N)), units, unroll=8)[0]
    named = unpack_bits(rows, N) & present[None, :] & ~jnp.eye(N, dtype=bool)
    best = jnp.where(named, pairs, -jnp.inf).max(-1)
    return jnp.where(picking, row, jnp.where(named.any(-1), best, 0.0))


class StopScore(nnx.Module):
    """A head of node scores, and last the score of STOP, from the graph's mean and the budget left: A = N + 1."""

    def __init__(self, head: Any, width: int, *, rngs: nnx.Rngs) -> None:
        self.head = head
        self.state = nnx.Linear(width + 1, 2 * width, rngs=rngs)
        self.last = nnx.Param(jnp.zeros(2 * width))

    def prepare(self, h: Float[Array, "N D"], observation: Any) -> Any:
        """What is kept between the picks of an edit."""
        return self.head.prepare(h, observation), pooled(h, observation.graph)

    def __call__(self, prepared: Any, observation: Any) -> Float[Array, "A"]:
        """Score every node as the next pick, and STOP."""
        inner, mean = prepared
        state = jnp.concatenate([mean, observation.marks[:1, 1]])
        return jnp.append(self.head(inner, observation), nnx.relu(self.state(state)) @ self.last[...])


class GraphNetwork(nnx.Module):
    """Structural inputs, an encoder, a head."""

    def __init__(self, encoder: Callable[..., Any], head: Any, structural: tuple[str, ...] = ()) -> None:
        self.encoder = encoder
        self.head = head
        self.structural = structural

    def encode(self, observation: Any) -> Any:
        """Everything that does not change inside an edit."""
        graph = observation.graph
        return self.head.prepare(self.encoder(node_inputs(graph, self.structural), graph), observation)


def network_from_module(build: Callable[[nnx.Rngs], Any]) -> Network:
    """A network from ``build(rngs)``, an nnx module with ``encode(observation) -> h`` and ``head(h, observation)``.

    Its method ``encode_shared`` is taken too, if it has one.
    """
    shapes = nnx.eval_shape(lambda: build(nnx.Rngs(0)))
    graphdef, _ = nnx.split(shapes)

    # Jitted apart from its caller: under a trace, nnx asks every variable for messages that print what came before.
    @jax.jit
    def init(key: PRNGKeyArray, observation: Any) -> Any:
        return nnx.split(build(nnx.Rngs(key)))[1]

    @jax.jit
    def encode(params: Any, observation: Any) -> Any:
        return nnx.merge(graphdef, params).encode(observation)

    @jax.jit
    def encode_shared(params: Any, observation: Any) -> Any:
        return nnx.merge(graphdef, params).encode_shared(observation)

    @jax.jit
    def score(params: Any, h: Any, observation: Any) -> Float[Array, "A"]:
        return nnx.merge(graphdef, params).head(h, observation)

    return Network(init, encode, score, encode_shared if hasattr(shapes, "encode_shared") else None)


@cache
def build_network(
    encoder: str = "gin", head: str = "pair", *, features: int = 0, marks: int = 2, pairs: int = 0,
    width: int = 64, rounds: int = 3, structural: tuple[str, ...] = (), partners: Pairs = absent_rows,
    stop: bool = False,
) -> Network:  # fmt: skip
    """A network from names; equal arguments give the same object, so that nothing is compiled twice.

    Args:
        encoder: a name in ``lepton_rl.encoders.ENCODERS``. ``head``: a name in ``HEADS``.
        features: F of the graphs' own node features, labels and weights included. ``marks``, ``pairs``: M and P of the
            environment's observations.
        width: D. ``rounds``: of message passing. ``structural``: further inputs, by name; see
            :data:`lepton_rl.structure.STRUCTURAL`. ``partners``: the pairs that two picks may name, for the head
            "pair". ``stop``: the environment offers STOP.

    Raises:
        ValueError: an unknown name; the message names a near match.
    """
    encoder_type, head_type = get_encoder(encoder), resolve(HEADS, head, "head")

    def build(rngs: nnx.Rngs) -> GraphNetwork:
        body = encoder_type(num_inputs(structural) + features, width, rounds, rngs=rngs)
        head = head_type(width, marks, pairs, partners, rngs=rngs)
        return GraphNetwork(body, StopScore(head, width, rngs=rngs) if stop else head, structural)

    return network_from_module(build)
