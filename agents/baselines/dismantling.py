"""Whom to remove: classical scores of nodes, computed anew after every removal."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.baselines.base import edit_one_by_one
from envs.editing import Editing
from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, degree

__all__ = [
    "adaptive_betweenness", "adaptive_degree", "betweenness", "collective_influence", "core_degree", "core_numbers",
    "in_core", "k_core",
]  # fmt: skip


def _degree(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
    return degree(graph).astype(jnp.float32)


def adaptive_degree(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly take the node with the most neighbours left, ties at random (HDA).

    Returns i32[budget]. Reference: Holme, Kim, Yoon & Han, "Attack vulnerability of complex networks", Physical Review
    E 65, 2002 (recalculated degree).
    """
    return edit_one_by_one(env, start, key, criterion=_degree, tolerance=0.0)


def _collective_influence(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
    dense = adjacency(graph)
    walks = dense.astype(jnp.float32)
    apart = ~dense & ~jnp.eye(graph.capacity, dtype=bool)
    second = ((walks @ walks) > 0) & apart
    excess = jnp.maximum(walks.sum(-1) - 1, 0.0)
    return excess * (second.astype(jnp.float32) @ excess)


def collective_influence(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly take the node with the largest (k - 1) Σ (k' - 1) over the nodes two steps away, ties at random.

    Where no node has any such influence left, by chance. Returns i32[budget]. Reference: Morone & Makse, "Influence
    maximization in complex networks through optimal percolation", Nature 524, 2015, eq. 2 with ℓ = 2.
    """
    return edit_one_by_one(env, start, key, criterion=_collective_influence, tolerance=0.0)


def in_core(graph: BitGraph, order: int = 2) -> Bool[Array, "N"]:
    """The core of an ``order``: nodes left when those with fewer neighbours left are taken away again and again."""
    dense = adjacency(graph)

    def peel(state: tuple[Array, Array]) -> tuple[Array, Array]:
        left = state[0]
        new = left & ((dense & left).sum(-1) >= order)
        return new, anywhere((new != left).any())

    return jax.lax.while_loop(lambda state: state[1], peel, (graph.node_mask, jnp.bool_(True)))[0]


def _core_degree(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
    core = in_core(graph)
    inside = jnp.where(core, (adjacency(graph) & core).sum(-1), 0)
    # Trees are left once the core is gone: those are cut by degree.
    return jnp.where(core.any(), inside, degree(graph)).astype(jnp.float32)


def core_degree(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly take the node with the most neighbours in the 2-core, ties at random (CoreHD); then by degree.

    Without the reference's reinsertion. Returns i32[budget]. Reference: Zdeborová, Zhang & Zhou, "Fast and simple
    decycling and dismantling of networks", Scientific Reports 6, 2016.
    """
    return edit_one_by_one(env, start, key, criterion=_core_degree, tolerance=0.0)


def core_numbers(graph: BitGraph) -> Int[Array, "N"]:
    """The largest order of a core that each node is in, i32[N]; edges of directed graphs count at both ends."""
    links = adjacency(graph).astype(jnp.int32)
    links = links + links.T if graph.directed else links

    def peel(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        left, order, core, _ = state
        new = left & (jnp.where(left, links, 0).sum(-1) >= order)
        rests = (new == left).all()
        return new, order + rests, jnp.where(rests & new, order, core), anywhere(new.any())

    everybody = graph.node_mask, jnp.int32(1), jnp.zeros(graph.capacity, jnp.int32), jnp.bool_(True)
    return jax.lax.while_loop(lambda state: state[3], peel, everybody)[2]


def _core_number(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
    return (core_numbers(graph) * graph.capacity + degree(graph)).astype(jnp.float32)  # exact to N = 4,096


def k_core(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly take the node of the largest core number, of those the one with most neighbours left, ties at random.

    Returns i32[budget]. Reference: Kitsak, Gallos, Havlin, Liljeros, Muchnik, Stanley & Makse, "Identification of
    influential spreaders in complex networks", Nature Physics 6, 2010.
    """
    return edit_one_by_one(env, start, key, criterion=_core_number, tolerance=0.0)


def betweenness(graph: BitGraph) -> Float[Array, "N"]:
    """Shortest paths between other nodes that pass through each one, f32[N], ordered pairs counted twice.

    Breadth-first search from all nodes at once, and dependencies summed from the farthest level back (Brandes, "A
    faster algorithm for betweenness centrality", J. Math. Sociology 25, 2001), a matrix product a level.
    """
    N = graph.capacity
    edges = adjacency(graph).astype(jnp.float32)

    def grow(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        level, paths, d, _ = state
        reached = (jnp.where(level == d, paths, 0.0) @ edges) * (level < 0)
        level = jnp.where(reached > 0, d + 1, level)
        return level, paths + reached, d + 1, anywhere((reached > 0).any())

    start = jnp.where(jnp.eye(N, dtype=bool), 0, -1), jnp.eye(N), jnp.int32(0), jnp.bool_(True)
    level, paths, depth, _ = jax.lax.while_loop(lambda state: state[3], grow, start)

    def back(state: tuple[Array, Array]) -> tuple[Array, Array]:
        depends, d = state
        share = jnp.where(level == d, (1 + depends) / jnp.maximum(paths, 1), 0.0)
        through = (share @ edges.T) * paths
        return jnp.where(level == d - 1, depends + through, depends), d - 1

    depends, _ = jax.lax.while_loop(lambda state: state[1] > 0, back, (jnp.zeros((N, N)), depth))
    return jnp.where(jnp.eye(N, dtype=bool), 0.0, depends).sum(0)


def _betweenness(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
    return betweenness(graph)


def adaptive_betweenness(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly take the node that the most shortest paths pass through, ties at random.

    Returns i32[budget]. Reference: Holme, Kim, Yoon & Han, "Attack vulnerability of complex networks", Physical Review
    E 65, 2002 (recalculated betweenness).
    """
    return edit_one_by_one(env, start, key, criterion=_betweenness)
