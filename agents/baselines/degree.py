"""Baselines that read no more than degrees: uniformly random edges, and the lowest product of degrees."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from agents.baselines.base import edit_one_by_one, sample_edit
from envs.editing import Editing
from lepton_rl.graph import BitGraph, degree

__all__ = ["lowest_degree_product", "uniform"]


def _degree_product(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    degrees = degree(graph).astype(jnp.float32)
    return -degrees[:, None] * degrees[None, :]


def uniform(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Make edits drawn uniformly at random among the legal ones, one after the other (by random picks where K > 2)."""
    if env.steps_per_edit <= 2:
        shape = (env.pool.capacity,) * env.steps_per_edit
        return edit_one_by_one(env, start, key, criterion=lambda *_: jnp.zeros(shape))

    def edit(graph: BitGraph, i: Int[Array, ""]) -> tuple[BitGraph, Array]:
        picks = sample_edit(env, graph, jax.random.fold_in(key, i))
        return env.apply(graph, picks)[0], picks

    return jax.lax.scan(edit, env.begin(env.pool[start]), jnp.arange(env.budget))[1].reshape(-1)


def lowest_degree_product(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge whose ends have the lowest product of degrees, ties at random.

    Returns i32[2·budget]. Reference: the baseline LDP of Darvariu, Hailes & Musolesi, "Goal-directed graph
    construction using reinforcement learning", Proc. R. Soc. A 477, 2021.
    """
    # Products of degrees are integers, exact in f32 up to 2^24: nothing but equal ones may tie.
    return edit_one_by_one(env, start, key, criterion=_degree_product, tolerance=0.0)
