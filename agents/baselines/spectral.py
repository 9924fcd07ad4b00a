"""Baselines that read the Laplacian, every edge of weight 1: the Fiedler vector, its cut, effective resistance."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.baselines.base import edit_one_by_one
from envs.editing import Editing
from lepton_rl.graph import BitGraph, adjacency
from lepton_rl.objectives.spectral import laplacian, resistances, resistances_after, together
from lepton_rl.weights import unweighted

__all__ = ["effective_resistance", "fiedler", "spectral_cut"]


def _fiedler_vector(graph: BitGraph, part: Bool[Array, "N"]) -> Float[Array, "N"]:
    """Eigenvector of the second smallest eigenvalue of the Laplacian of ``part``, which no edge leaves."""
    inside = part.astype(jnp.float32)
    # Laplacian eigenvalues are at most the number of nodes: the constant vector and the slots outside move above them
    # all, and the first eigenvector is the Fiedler vector.
    above = 2.0 * graph.capacity
    constant = inside[:, None] * inside[None, :] / inside.sum()
    _, vectors = jnp.linalg.eigh(laplacian(unweighted(graph)) + above * (constant + jnp.diag(1 - inside)))
    return vectors[:, 0]


def _fiedler_gap(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    vector = _fiedler_vector(graph, graph.node_mask)
    return jnp.abs(vector[:, None] - vector[None, :])


def fiedler(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge with the largest |f_u - f_v| of the Fiedler vector f, ties at random.

    Where the algebraic connectivity is a multiple eigenvalue, f is whichever vector of the eigenspace LAPACK returns
    (for a graph in several parts: constant on each, so that an edge between two parts is picked).

    Returns i32[2·budget]. Reference: Wang & Van Mieghem, "Algebraic connectivity optimization via link addition",
    Bionetics, 2008.
    """
    return edit_one_by_one(env, start, key, criterion=_fiedler_gap)


def _edges_across(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
    joined = together(graph)
    part = joined[jnp.argmax(joined.sum(-1))]
    side = part & (_fiedler_vector(graph, part) > 0)
    across = adjacency(graph) & (side[:, None] ^ side[None, :])
    return across.sum(-1).astype(jnp.float32)


def spectral_cut(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly take the node with the most edges across the spectral bisection of the largest component.

    The two sides are where the component's Fiedler vector is positive and where it is not; ties at random. This is
    generalized network dismantling at unit costs, simplified: there a vertex cover of the edges across is removed
    whole, and nodes that were not needed are put back; here the nodes go one by one, the vector anew for each.

    Returns i32[budget]. Reference: Ren, Gleinig, Helbing & Antulov-Fantulin, "Generalized network dismantling", PNAS
    116, 2019.
    """
    return edit_one_by_one(env, start, key, criterion=_edges_across, tolerance=0.0)


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
