"""Greedy on the polarisation of opinions, every pair of nodes at once by a rank-one update."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from agents.baselines.base import edit_one_by_one
from envs.editing import Editing
from lepton_rl.graph import BitGraph, adjacency
from lepton_rl.objectives.base import labels_of
from lepton_rl.objectives.opinion import polarisation
from lepton_rl.weights import pair_weights

__all__ = ["depolarise", "gains_of_pairs"]


class _System(NamedTuple):
    """``inverse`` f32[N, N]: M = (I + L)^-1. ``gram`` f32[N, N]: G = (CM)ᵀ(CM), C taking the mean of the nodes
    present from each. ``change`` f32[N, N]: what flipping u -> v adds to its weight. ``innate`` f32[N]: s."""

    inverse: Float[Array, "N N"]
    gram: Float[Array, "N N"]
    change: Float[Array, "N N"]
    innate: Float[Array, "N"]


def _system(graph: BitGraph) -> _System:
    present = graph.node_mask[:, None]
    inverse = polarisation.init(graph, ()).inverse
    mean = jnp.where(present, inverse, 0.0).sum(0) / jnp.maximum(graph.node_mask.sum(), 1)
    centred = jnp.where(present, inverse - mean, 0.0)
    gram = jnp.matmul(centred.T, centred, precision="highest")
    weight = pair_weights(graph)
    return _System(inverse, gram, jnp.where(adjacency(graph), -weight, weight), labels_of(graph, "innate opinions"))


def gains_of_pairs(system: _System, directed: bool) -> Float[Array, "N N"]:
    """By how much flipping each pair u -> v lowers the polarisation sᵀGs, f32[N, N], in O(N²) for all of them.

    A flip adds x·abᵀ to I + L, b = e_u - e_v, and a = b, or e_u where only u listens. By Sherman & Morrison the
    opinions z = Ms become z - c·Ma with c = x·(z_u - z_v) / (1 + x·bᵀMa), so that the polarisation falls by
    2c·(Gs)ᵀa - c²·aᵀGa.
    """
    inverse, gram, x, s = system
    z, slope = (jnp.matmul(matrix, s, precision="highest") for matrix in (inverse, gram))
    own, power = jnp.diagonal(inverse)[:, None], jnp.diagonal(gram)[:, None]
    if directed:
        gain, along, square = own - inverse.T, slope[:, None], power
    else:
        gain, along = own + own.T - inverse - inverse.T, slope[:, None] - slope
        square = power + power.T - 2 * gram
    c = x * (z[:, None] - z) / (1 + x * gain)
    return 2 * c * along - c**2 * square


def _flipped(system: _System, picks: Int[Array, "2"], directed: bool) -> _System:
    """The system after the pair was flipped, by the same rank-one update; unchanged by picks of -1."""
    (u, v), (inverse, gram, change, innate) = picks, system
    x = jnp.where(u >= 0, change[u, v], 0.0)
    column, through = (m[:, u] if directed else m[:, u] - m[:, v] for m in (inverse, gram))
    square = through[u] if directed else through[u] - through[v]
    row = inverse[u] - inverse[v]
    share = x / (1 + x * (column[u] - column[v]))
    # CM loses share·(CM a)·row, hence its Gram matrix:
    cross = share * (jnp.outer(row, through) + jnp.outer(through, row))
    gram = gram - cross + share**2 * square * jnp.outer(row, row)
    change = change.at[u, v].add(-2 * x)
    change = change if directed else change.at[v, u].add(-2 * x)
    return _System(inverse - share * jnp.outer(column, row), gram, change, innate)


def depolarise(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly make the legal edit of an edge that lowers ``polarisation`` the most, ties at random.

    The choices of ``greedy`` for ``-polarisation``, in O(N²) an edit where that takes O(N⁴). Returns i32[2·budget].
    Reference: the greedy algorithm of Racz & Rigobon, "Towards consensus: reducing polarization by perturbing social
    networks", IEEE Transactions on Network Science and Engineering, 2023; Friedkin & Johnsen's opinions.
    """
    directed = env.pool.graphs.directed
    return edit_one_by_one(
        env, start, key, begin=_system, criterion=lambda system, *_: gains_of_pairs(system, directed),
        extend=lambda system, picks: _flipped(system, picks, directed),
    )  # fmt: skip
