"""Structural inputs of an encoder, computed under ``jit`` so that they follow the edits.

All are normalised by the nodes present, never by the slots, so that a network trained on small graphs reads large
ones. Letters: N node slots, F node features, K pair features.
"""

from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lepton_rl.edge_graph import EdgeGraph
from lepton_rl.graph import BitGraph, adjacency, degree, from_edges, num_nodes
from lepton_rl.message_passing import aggregate
from lepton_rl.storage import Graph
from lepton_rl.structure import get_structural
from lepton_rl.weights import strength, weights

__all__ = ["node_inputs", "num_inputs", "pair_inputs"]

_BUILT_IN = 7


def num_inputs(structural: tuple[str, ...] = ()) -> int:
    """Columns of :func:`node_inputs` of a graph without features, labels and weights of its own."""
    pair = from_edges([(0, 1)], 2)
    return _BUILT_IN + sum(jax.eval_shape(get_structural(name), pair).shape[-1] for name in structural)


def node_inputs(graph: Graph, structural: tuple[str, ...] = ()) -> Float[Array, "N F"]:
    """Structural features of every node beside the graph's own, f32[N, 7 + K + F + 1]; zero at absent nodes.

    Degree over n - 1, over the largest degree, its inverse (how near the node is to isolation); the shares of nodes
    with a larger and with an equal degree (its place in a degree attack); the mean and the smallest inverse degree of
    its neighbours. Then those of ``structural``, names in ``lepton_rl.structure.STRUCTURAL``, as sign(x) log(1 + |x|),
    and last the labels, where the graph has some, and the weight of the node's edges as a share of the largest there
    is, where they have any.
    """
    present = graph.node_mask.astype(jnp.float32)
    n = jnp.maximum(num_nodes(graph), 2).astype(jnp.float32)
    d = degree(graph).astype(jnp.float32)
    inverse = present / jnp.maximum(d, 1)
    larger, equal = (count / n for count in _ranks(graph, d, present))
    mean_neighbour, weakest = _around(graph, inverse)
    mean_neighbour *= inverse
    built_in = jnp.stack([d / (n - 1), d / jnp.maximum(d.max(), 1), inverse, larger, equal, mean_neighbour, weakest])
    named = [columns(graph) for columns in map(get_structural, structural)]
    squeezed = [jnp.sign(x) * jnp.log1p(jnp.abs(x)) for x in named]
    own = [] if graph.labels is None else [graph.labels[:, None]]
    if isinstance(graph, BitGraph) and graph.edge_features is not None:
        s = strength(graph)
        own.append((s / _nonzero(jnp.abs(s).max()))[:, None])
    return jnp.concatenate([built_in.T * present[:, None], *squeezed, graph.node_features, *own], axis=-1)


def _nonzero(size: Array) -> Array:
    """1 in place of 0."""
    return jnp.where(size > 0, size, 1.0)


@singledispatch
def _ranks(graph: Any, d: Float[Array, "N"], present: Float[Array, "N"]) -> tuple[Array, Array]:
    """How many nodes present have a larger degree than each, and how many an equal one, f32[N] each."""
    return ((d[None, :] > d[:, None]) * present).sum(-1), ((d[None, :] == d[:, None]) * present).sum(-1)


@_ranks.register(EdgeGraph)
def _large_ranks(graph: EdgeGraph, d: Float[Array, "N"], present: Float[Array, "N"]) -> tuple[Array, Array]:
    place = d.astype(jnp.int32)
    equal = jnp.zeros(graph.out.widest + graph.max_edits + 1).at[place].add(present)  # counts below 2^24 are exact
    larger = present.sum() - jnp.cumsum(equal)
    return larger[place], equal[place]


@singledispatch
def _around(graph: Any, inverse: Float[Array, "N"]) -> tuple[Array, Array]:
    """The sum and the largest of the neighbours' ``inverse``, f32[N] each."""
    dense = adjacency(graph).astype(jnp.float32)
    return dense @ inverse, (dense * inverse[None, :]).max(-1)


@_around.register(EdgeGraph)
def _large_around(graph: EdgeGraph, inverse: Float[Array, "N"]) -> tuple[Array, Array]:
    one = inverse[:, None]
    return aggregate(one, graph)[:, 0], aggregate(one, graph, "max")[:, 0]


def pair_inputs(graph: BitGraph, steps: int = 4) -> Float[Array, "K N N"]:
    """Symmetric random-walk features of every pair, f32[steps + 2, N, N]: S^(2^k), S = (I + D^-1/2 A D^-1/2) / 2.

    A is weighted, by sizes, where the graph is, and D its row sums.

    Powers of the lazy walk by repeated squaring see from common neighbours (k = 0, 1) to communities and bottlenecks
    (k = ``steps``), as relative random-walk encodings do (Ma et al., GRIT, ICML 2023). Scaled by √n, so that their
    size does not depend on it. The last feature is the pair's effective resistance as walks of fewer than
    2^(steps + 1) steps see it, exact where they have mixed: with Z = (I + S + S² + …)/2 it is
    Z_uu/d_u + Z_vv/d_v - 2 Z_uv/√(d_u d_v), in which the walk's stationary part cancels (Lovász 1993, §4).
    """
    plain = graph.edge_features is None
    dense = adjacency(graph) if plain else jnp.abs(weights(graph))
    d = degree(graph).astype(jnp.float32) if plain else dense.sum(-1)
    scale = 1 / jnp.sqrt(_nonzero(d))
    present = graph.node_mask.astype(jnp.float32)
    walk = (jnp.diag(present) + dense * scale[:, None] * scale[None, :]) / 2
    powers, visits = [walk], jnp.eye(graph.capacity) + walk
    for _ in range(steps):
        powers.append(powers[-1] @ powers[-1])
        visits += powers[-1] @ visits
    scaled = visits * scale[:, None] * scale[None, :] / 2
    own = jnp.diagonal(scaled)
    resistance = own[:, None] + own[None, :] - 2 * scaled
    root = jnp.sqrt(jnp.maximum(num_nodes(graph), 1).astype(jnp.float32))
    return jnp.stack([power * root for power in powers] + [resistance])
