"""Baselines that read the Laplacian, every edge of weight 1: the Fiedler vector, and effective resistance."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from agents.baselines.base import edit_one_by_one
from envs.editing import Editing
from lepton_rl.graph import BitGraph
from lepton_rl.objectives.spectral import laplacian, resistances, resistances_after
from lepton_rl.weights import unweighted

__all__ = ["effective_resistance", "fiedler"]


def _fiedler_gap(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    present = graph.node_mask.astype(jnp.float32)
    # Laplacian eigenvalues are at most the number of nodes: the constant vector and the absent slots move above them
    # all, and the first eigenvector is the Fiedler vector.
    above = 2.0 * graph.capacity
    constant = present[:, None] * present[None, :] / present.sum()
    _, vectors = jnp.linalg.eigh(laplacian(unweighted(graph)) + above * (constant + jnp.diag(1 - present)))
    return jnp.abs(vectors[:, 0][:, None] - vectors[:, 0][None, :])


def fiedler(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge with the largest |f_u - f_v| of the Fiedler vector f, ties at random.

    Where the algebraic connectivity is a multiple eigenvalue, f is whichever vector of the eigenspace LAPACK returns
    (for a graph in several parts: constant on each, so that an edge between two parts is picked).

    Returns i32[2·budget]. Reference: Wang & Van Mieghem, "Algebraic connectivity optimization via link addition",
    Bionetics, 2008.
    """
    return edit_one_by_one(env, start, key, criterion=_fiedler_gap)


def _resistance_criterion(memory: Float[Array, "N N"], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    # A path has at most N - 1 edges: N stands for infinity, and all pairs across parts tie.
    return jnp.minimum(memory, float(graph.capacity))


def effective_resistance(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge with the highest effective resistance, ties at random.

    Returns i32[2·budget]. Reference: Wang, Pournaras, Kooij & Van Mieghem, "Improving robustness of complex networks
    via the effective graph resistance", Eur. Phys. J. B 87, 2014.
    """
    return edit_one_by_one(
        env, start, key, begin=lambda graph: resistances(unweighted(graph)), criterion=_resistance_criterion,
        extend=lambda memory, picks: resistances_after(memory, picks[0], picks[1]),
    )  # fmt: skip
