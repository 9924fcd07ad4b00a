"""Objectives of opinions in the Friedkin–Johnsen model: what people come to say who weigh their own view and others'.

Labels are innate opinions s; the expressed ones are z = (I + L)^-1 s with L the Laplacian (Friedkin & Johnsen, "Social
influence and opinions", Journal of Mathematical Sociology 15, 1990; Bindel, Kleinberg & Oren 2011). In a directed graph
an edge u -> v says that u listens to v, and L is the out-degrees minus the adjacency. Weights, where the graph has
some, are how much an end of an edge is listened to.

An edge changes I + L by a matrix of rank one, so that the inverse is carried and follows in O(N²) (Sherman & Morrison
1950). I + L is well conditioned and so is every such step: its denominator is 1/(1 + w) or more for an edge of weight w
in a directed graph and 1/(1 + 2w) or more in others. Opinions from a carried inverse are refined once, which leaves
them no rounding but their own.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, num_nodes
from lepton_rl.linear import inverse
from lepton_rl.objectives.base import REBUILT, Edit, Objective, labels_of, no_noise, weight_change
from lepton_rl.objectives.spectral import laplacian
from lepton_rl.weights import weights

__all__ = ["controversy", "disagreement", "expressed_opinions", "polarisation"]

Opinion = Float[Array, "N"]


@struct.dataclass
class Opinions:
    """``value`` f32[]; ``inverse`` f32[N, N]: (I + L)^-1."""

    value: Float[Array, "*B"]
    inverse: Float[Array, "*B N N"]


def expressed_opinions(graph: BitGraph) -> Opinion:
    """z = (I + L)^-1 s, f32[N]; 0 at absent nodes."""
    system = _system(graph)
    return _refined(system, inverse(system, symmetric=not graph.directed), _innate(graph))


def _innate(graph: BitGraph) -> Opinion:
    return labels_of(graph, "innate opinions in [-1, 1]")


def _system(graph: BitGraph) -> Float[Array, "N N"]:
    return jnp.eye(graph.capacity) + laplacian(graph)


def _refined(system: Float[Array, "N N"], inverse: Float[Array, "N N"], s: Opinion) -> Opinion:
    """``inverse`` times s, and one step of iterative refinement."""
    z = _times(inverse, s)
    return z + _times(inverse, s - _times(system, z))


def _times(matrix: Float[Array, "N N"], vector: Opinion) -> Opinion:
    return jnp.matmul(matrix, vector, precision="highest")


def _polarisation(graph: BitGraph, z: Opinion) -> Float[Array, ""]:
    mean = z.sum() / jnp.maximum(num_nodes(graph), 1)
    return (jnp.where(graph.node_mask, z - mean, 0.0) ** 2).sum()


def _disagreement(graph: BitGraph, z: Opinion) -> Float[Array, ""]:
    total = (weights(graph) * (z[:, None] - z[None, :]) ** 2).sum()
    return total if graph.directed else total / 2


def _controversy(graph: BitGraph, z: Opinion) -> Float[Array, ""]:
    return (z**2).sum()


def _one_edge(inverse: Float[Array, "N N"], edit: Edit, graph_after: BitGraph) -> Float[Array, "N N"]:
    """The inverse after the edge u – v came, went or was reweighted; unchanged after other edits."""
    change = weight_change(edit, graph_after)
    # I + L changes by change · a bᵀ with b = e_u - e_v, and a = b, or e_u where only u listens.
    column = inverse[:, edit.u] if graph_after.directed else inverse[:, edit.u] - inverse[:, edit.v]
    row = inverse[edit.u] - inverse[edit.v]
    gain = column[edit.u] - column[edit.v]
    return inverse - jnp.outer(column * (change / (1 + change * gain)), row)


def _of_opinions(measure: Callable[[BitGraph, Opinion], Float[Array, ""]]) -> Objective:
    """An objective that reads the expressed opinions."""

    def init(graph: BitGraph, noise: tuple[()]) -> Opinions:
        return follow(inverse(_system(graph), symmetric=not graph.directed), graph)

    def follow(inverse: Float[Array, "N N"], graph: BitGraph) -> Opinions:
        return Opinions(measure(graph, _refined(_system(graph), inverse, _innate(graph))), inverse)

    def update(state: Opinions, edit: Edit, graph_after: BitGraph, noise: tuple[()]) -> Opinions:
        return jax.lax.cond(
            anywhere(edit.operation == REBUILT), lambda: init(graph_after, ()),
            lambda: follow(_one_edge(state.inverse, edit, graph_after), graph_after),
        )  # fmt: skip

    return Objective(no_noise, init, update, labels="opinion", directed=True, weighted="positive")


polarisation = _of_opinions(_polarisation)
"""Polarisation: the sum of squared distances of the expressed opinions from their mean.

Reference: Musco, Musco & Tsourakakis, "Minimizing polarization and disagreement in social networks", WWW 2018.
"""
disagreement = _of_opinions(_disagreement)
"""Disagreement: the sum over edges of their weight times the squared difference of the expressed opinions.

Reference: Musco et al. 2018.
"""
controversy = _of_opinions(_controversy)
"""Controversy: the sum of squared expressed opinions, how far people are from neutral.

Reference: Chen, Lijffijt & De Bie, "Quantifying and minimizing risk of conflict in social networks", KDD 2018.
"""
