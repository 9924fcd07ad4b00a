"""Whom to seed by reverse influence sampling: who would have reached a random node, many times over.

Letters: N node slots, R worlds a draw of the objective's noise, W = R / 32 words, M draws.
"""

from math import ceil, comb, e, log, sqrt

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt32

from agents.baselines.base import edit_one_by_one
from envs.editing import Editing
from lepton_rl.graph import WORD, BitGraph, adjacency, num_nodes, pack_bits
from lepton_rl.objectives.base import Objective
from lepton_rl.objectives.diffusion import reached

__all__ = ["reverse_influence", "reverse_sets", "sets_needed"]

LEAST_SETS = 2**15  # of which a share of the nodes errs by 0.3 % or less (one standard deviation)


def sets_needed(nodes: int, seeds: int, error: float = 0.5) -> int:
    """Sets that make greedy coverage (1 - 1/e - ``error``)-optimal with probability 1 - 1/``nodes``.

    θ = λ* / OPT of Tang, Shi & Xiao 2015, theorem 1 and eq. 6, with ℓ = 1 and the ``seeds`` themselves for the nodes
    that an optimum surely reaches. There a first phase looks for a better bound and samples fewer; a number that
    depends on the sizes alone gives arrays one shape.
    """
    alpha = sqrt(log(nodes) + log(2))
    beta = sqrt((1 - 1 / e) * (log(comb(nodes, seeds)) + log(nodes) + log(2)))
    return ceil(2 * nodes * ((1 - 1 / e) * alpha + beta) ** 2 / error**2 / seeds)


def _roots(graph: BitGraph, words: int, key: PRNGKeyArray) -> UInt32[Array, "W N"]:
    """One uniformly random present node a world."""
    rank = jax.random.randint(key, (words, WORD), 0, jnp.maximum(num_nodes(graph), 1))
    place = jnp.where(graph.node_mask, jnp.cumsum(graph.node_mask) - 1, -1)
    return pack_bits(place[None, :, None] == rank[:, None, :])[..., 0]


def reverse_sets(objective: Objective, graph: BitGraph, count: int, key: PRNGKeyArray) -> UInt32[Array, "M W N"]:
    """At least ``count`` sets of who reaches a random node in a world of its own, a bit a set.

    The worlds are those of the objective, a :class:`lepton_rl.objectives.diffusion.Spread`: its probabilities hold.
    """

    def sample(i: Int[Array, ""]) -> UInt32[Array, "W N"]:
        noise_key, root_key = jax.random.split(jax.random.fold_in(key, i))
        kept = objective.init(graph, objective.draw(graph, noise_key)).kept
        backwards = jnp.where(adjacency(graph)[:, None], kept, 0).astype(jnp.uint32).swapaxes(0, 2)
        return reached(backwards, _roots(graph, backwards.shape[1], root_key))

    words = jax.eval_shape(sample, jnp.int32(0)).shape[0]
    return jax.lax.map(sample, jnp.arange(ceil(count / (words * WORD))))


def _newly_covered(sets: UInt32[Array, "M W N"], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
    chosen = jnp.asarray(graph.labels) > 0
    covered = jax.lax.reduce(jnp.where(chosen, sets, jnp.uint32(0)), jnp.uint32(0), jax.lax.bitwise_or, (2,))
    return jax.lax.population_count(sets & ~covered[..., None]).sum((0, 1)).astype(jnp.float32)


def reverse_influence(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly choose the node that is in the most sets which no chosen node is in, ties at random (RIS).

    A node's share of the sets estimates its expected influence, and that of a union of nodes theirs. There are
    :func:`sets_needed` sets, at least 32,768. Returns i32[budget].
    References: Borgs, Brautbar, Chayes & Lucier, "Maximizing social influence in nearly optimal time", SODA 2014; Tang,
    Shi & Xiao, "Influence maximization in near-linear time: a martingale approach", SIGMOD 2015 (IMM).
    """
    count = max(LEAST_SETS, sets_needed(env.pool.capacity, env.budget))
    set_key, plan_key = jax.random.split(key)
    return edit_one_by_one(
        env, start, plan_key, criterion=_newly_covered, tolerance=0.0,
        begin=lambda graph: reverse_sets(env.objective, graph, count, set_key),
    )  # fmt: skip
