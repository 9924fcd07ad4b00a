"""Baselines that read the Laplacian: the Fiedler vector, and effective resistance."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.baselines.base import edit_one_by_one
from envs.editing import Editing
from lepton_rl.graph import BitGraph, adjacency

__all__ = ["effective_resistance", "fiedler", "resistances", "resistances_after"]


def _laplacian(graph: BitGraph) -> Float[Array, "N N"]:
    dense = adjacency(graph).astype(jnp.float32)
    return jnp.diag(dense.sum(-1)) - dense


def _fiedler_gap(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    present = graph.node_mask.astype(jnp.float32)
    # Laplacian eigenvalues are at most the number of nodes: the constant vector and the absent slots move above them
    # all, and the first eigenvector is the Fiedler vector.
    above = 2.0 * graph.capacity
    constant = present[:, None] * present[None, :] / present.sum()
    _, vectors = jnp.linalg.eigh(_laplacian(graph) + above * (constant + jnp.diag(1 - present)))
    return jnp.abs(vectors[:, 0][:, None] - vectors[:, 0][None, :])


def fiedler(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge with the largest |f_u - f_v| of the Fiedler vector f, ties at random.

    Where the algebraic connectivity is a multiple eigenvalue, f is whichever vector of the eigenspace LAPACK returns
    (for a graph in several parts: constant on each, so that an edge between two parts is picked).

    Returns i32[2·budget]. Reference: Wang & Van Mieghem, "Algebraic connectivity optimization via link addition",
    Bionetics, 2008.
    """
    return edit_one_by_one(env, start, key, criterion=_fiedler_gap)


def _connected(graph: BitGraph) -> Bool[Array, "N N"]:
    """bool[N, N]: whether a path joins two slots (each slot to itself), by squaring the reachability matrix."""
    reach = (adjacency(graph) | jnp.eye(graph.capacity, dtype=bool)).astype(jnp.float32)
    for _ in range(max(graph.capacity - 1, 1).bit_length()):
        reach = (reach @ reach > 0).astype(jnp.float32)
    return reach > 0


def resistances(graph: BitGraph) -> Float[Array, "N N"]:
    """Effective resistance of every pair of slots, f32[N, N]; inf between parts without a path.

    From the inverse of the Laplacian with the constant vector of each part lifted to eigenvalue 1, which differs from
    the pseudo-inverse by terms that cancel in R_uv = M_uu + M_vv - 2 M_uv. An absent slot is a part of its own.
    """
    together = _connected(graph)
    share = together / together.sum(-1, keepdims=True)
    inverse = jnp.linalg.inv(_laplacian(graph) + share)
    diagonal = jnp.diagonal(inverse)
    return jnp.where(together, diagonal[:, None] + diagonal[None, :] - inverse - inverse.T, jnp.inf)


def resistances_after(
    resistance: Float[Array, "N N"], u: Int[Array, ""], v: Int[Array, ""]
) -> Float[Array, "N N"]:
    """Effective resistances once the edge (u, v) was added, in O(N^2).

    Inside a part this is the rank-one (Sherman–Morrison) update of the pseudo-inverse written in resistances,
    R'_xy = R_xy - (R_xu - R_xv - R_yu + R_yv)^2 / (4 (1 + R_uv)); across two parts that the edge joins, resistances
    add up in series, R'_xy = R_xu + 1 + R_vy.
    """
    to_u, to_v, between = resistance[u], resistance[v], resistance[u, v]
    # Where u and v are in one part, a node reaches both or neither; inf - inf of the other parts is selected away.
    potential = jnp.where(jnp.isfinite(to_u) & jnp.isfinite(to_v), to_u - to_v, 0.0)
    parallel = resistance - (potential[:, None] - potential[None, :]) ** 2 / (4 * (1 + between))
    series = to_u[:, None] + 1 + to_v[None, :]
    joined = jnp.minimum(resistance, jnp.minimum(series, series.T))
    return jnp.where(jnp.isfinite(between), parallel, joined)


def _resistance_criterion(memory: Float[Array, "N N"], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    # A path has at most N - 1 edges: N stands for infinity, and all pairs across parts tie.
    return jnp.minimum(memory, float(graph.capacity))


def effective_resistance(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge with the highest effective resistance, ties at random.

    Returns i32[2·budget]. Reference: Wang, Pournaras, Kooij & Van Mieghem, "Improving robustness of complex networks
    via the effective graph resistance", Eur. Phys. J. B 87, 2014.
    """
    return edit_one_by_one(
        env, start, key, begin=resistances, criterion=_resistance_criterion,
        extend=lambda memory, picks: resistances_after(memory, picks[0], picks[1]),
    )  # fmt: skip
