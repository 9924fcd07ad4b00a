"""Whom to seed by ranks of influence, corrected by what is learned; on any storage.

The criterion is that of IRIE (Jung, Heo & Chen, "IRIE: scalable and robust influence maximization in social networks",
ICDM 2012): a node's rank is what it reaches by itself and through its neighbours, r = (1 - a)(1 + α Σ P r), where a is
the chance that the seeds so far reach it, here by a few steps of the mean field. Letters: N node slots.
"""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from envs.base import Observation
from lepton_rl.graph import degree
from lepton_rl.message_passing import aggregate
from lepton_rl.storage import Graph

__all__ = ["influence_columns"]

STEPS, DAMPING = 8, 0.7


def _reached(graph: Graph, probability: float | None, steps: int = STEPS) -> Float[Array, "N"]:
    """The chance that the seeds reach each node, as if neighbours were reached independently of each other."""
    seeds = (jnp.asarray(graph.labels) > 0).astype(jnp.float32)
    d = jnp.maximum(degree(graph), 1).astype(jnp.float32)

    def step(_: Array, chance: Array) -> Array:
        if probability is None:  # each of d neighbours passes on with 1 / d
            missed = d * jnp.log1p(-jnp.minimum(aggregate(chance[:, None], graph)[:, 0] / d**2, 0.999999))
        else:
            missed = aggregate(jnp.log1p(-probability * chance)[:, None], graph)[:, 0]
        return jnp.maximum(seeds, 1 - jnp.exp(missed))

    return jax.lax.fori_loop(0, steps, step, seeds)


@cache
def influence_columns(probability: float | None) -> Callable[[Observation], Float[Array, "N 10"]]:
    """What a criterion reads of every node, the log of its rank first.

    Then the logs of its ranks without damping, after two steps and after all; the chance that the seeds leave it out,
    the same averaged over neighbours, the logs of the degree and of the neighbours' mean degree, the share of
    neighbours that are seeds, the mean chance of being reached, and the log of the mean degree.

    Args:
        probability: of an edge passing on; None: 1 / degree of whom it reaches (weighted cascade).
    """

    def columns(seen: Observation) -> Float[Array, "N 10"]:
        graph = seen.graph
        present = graph.node_mask.astype(jnp.float32)
        d = degree(graph).astype(jnp.float32)
        inverse = 1 / jnp.maximum(d, 1)
        passing = inverse if probability is None else jnp.full_like(d, probability)
        free = (1 - _reached(graph, probability)) * present

        def onward(_: Array, ranks: Array) -> Array:
            # No rank above the number of nodes: where influence has no end, steps would multiply it without one.
            further = aggregate(passing[:, None] * ranks, graph) * jnp.array([DAMPING, 1.0])
            return jnp.minimum(free[:, None] * (1 + further), present.sum())

        ranks = jax.lax.fori_loop(0, 2, onward, jnp.stack([free, free], -1))
        early = ranks[:, 1]
        rank, whole = jax.lax.fori_loop(0, STEPS - 2, onward, ranks).T
        seeds = (jnp.asarray(graph.labels) > 0).astype(jnp.float32)
        around = aggregate(jnp.stack([free, jnp.log1p(d), seeds], -1), graph) * inverse[:, None]
        n = jnp.maximum(present.sum(), 1)
        each = [
            *(jnp.log(number + 1e-6) for number in (rank, early, whole)), free, around[:, 0], jnp.log1p(d),
            around[:, 1], around[:, 2], jnp.full_like(d, 1 - free.sum() / n),
            jnp.full_like(d, jnp.log1p(d.sum() / n)),
        ]  # fmt: skip
        return jnp.stack(each, -1) * present[:, None]

    return columns
