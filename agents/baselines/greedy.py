"""Greedy on the objective: look one edge ahead at every absent edge."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from agents.baselines.base import absent_pairs, pick_best
from envs.edge_addition import EdgeAddition
from lepton_rl.graph import BitGraph, add_edge
from lepton_rl.objectives.base import Edit, Objective

__all__ = ["greedy", "values_after"]

# Candidates evaluated side by side; the rest wait, so that memory doesn't grow with the number of pairs.
CHUNK = 32


def values_after(
    objective: Objective, graph: BitGraph, pairs: Int[Array, "P 2"], key: PRNGKeyArray
) -> Float[Array, "P"]:
    """Value of ``graph`` with each of the candidate edges added, all under one noise drawn from ``key``; f32[P]."""
    noise = objective.draw(graph, key)
    carry = objective.init(graph, noise)
    added = jnp.ones((), jnp.int32)

    def value(pair: Int[Array, "2"]) -> Float[Array, ""]:
        u, v = pair[0], pair[1]
        return objective.update(carry, Edit(added, u, v), add_edge(graph, u, v), noise).value

    return jax.lax.map(value, pairs, batch_size=min(CHUNK, pairs.shape[0]))


def greedy(env: EdgeAddition, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge with the best objective value after it, ties at random.

    Candidates are compared under common random numbers, drawn afresh for every edge: under one draw an episode, an
    edge picked because it suits the noise goes on looking good, and the edges after it are fitted to the same noise.

    Returns i32[2·budget]. Reference: the baseline "greedy" of Darvariu, Hailes & Musolesi, "Goal-directed graph
    construction using reinforcement learning", Proc. R. Soc. A 477, 2021.
    """
    # Every pair of slots: which of them are absent changes from edge to edge and graph to graph, shapes don't.
    pairs = jnp.asarray(np.stack(np.triu_indices(env.pool.capacity, 1), axis=-1), jnp.int32)

    def add(graph: BitGraph, i: Int[Array, ""]) -> tuple[BitGraph, Array]:
        noise_key, tie_key = jax.random.split(jax.random.fold_in(key, i))
        values = values_after(env.objective, graph, pairs, noise_key)
        legal = absent_pairs(graph)[pairs[:, 0], pairs[:, 1]]
        u, v = pairs[pick_best(tie_key, values, legal, tolerance=1e-6)]
        return add_edge(graph, u, v), jnp.stack([u, v])

    _, edges = jax.lax.scan(add, env.pool[start], jnp.arange(env.budget))
    return edges.reshape(-1)
