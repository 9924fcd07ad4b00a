"""Greedy on the objective: look one edit ahead at every edit there is."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.baselines.base import all_edits, legal_edits, pick_best, sample_edit
from envs.editing import Editing
from lepton_rl.graph import BitGraph

__all__ = ["greedy", "values_after"]

# Candidates evaluated side by side; the rest wait, so that memory doesn't grow with the number of pairs.
CHUNK = 32
SAMPLES = 512  # candidates where an edit takes too many picks to try all


def values_after(
    env: Editing, graph: BitGraph, edits: Int[Array, "P K"], key: PRNGKeyArray
) -> Float[Array, "P"]:
    """Value of ``graph`` after each of the candidate edits, all under one noise drawn from ``key``; f32[P]."""
    objective = env.objective
    noise = objective.draw(graph, key)
    carry = objective.init(graph, noise)

    def value(picks: Int[Array, "K"]) -> Float[Array, ""]:
        after, edit = env.apply(graph, picks)
        return objective.update(carry, edit, after, noise).value

    return jax.lax.map(value, edits, batch_size=min(CHUNK, edits.shape[0]))


def _candidates(
    env: Editing, graph: BitGraph, spent: Any, key: PRNGKeyArray
) -> tuple[Int[Array, "P K"], Bool[Array, "P"]]:
    """Every edit, or a sample of those of more than two picks; and which are legal."""
    if env.steps_per_edit <= 2:
        # Every pair of slots: which of them are legal changes from edit to edit and graph to graph, shapes don't.
        edits = all_edits(env)
        return edits, legal_edits(env, graph, edits, spent)
    edits = jax.vmap(lambda key: sample_edit(env, graph, key))(jax.random.split(key, SAMPLES))
    return edits, edits[:, 0] >= 0


def greedy(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly make the legal edit with the best objective value after it, ties at random.

    Candidates are compared under common random numbers, drawn afresh for every edit: under one draw an episode, an
    edit picked because it suits the noise goes on looking good, and those after it are fitted to the same noise. Of
    edits of more than two picks 512 random ones are looked at.

    Returns i32[T], -1 once no edit is legal. Reference: the baseline "greedy" of Darvariu, Hailes & Musolesi,
    "Goal-directed graph construction using reinforcement learning", Proc. R. Soc. A 477, 2021.
    """

    def edit(state: tuple[BitGraph, Any], i: Int[Array, ""]) -> tuple[tuple[BitGraph, Any], Array]:
        graph, spent = state
        noise_key, tie_key = jax.random.split(jax.random.fold_in(key, i))
        edits, legal = _candidates(env, graph, spent, jax.random.fold_in(key, env.budget + i))
        values = values_after(env, graph, edits, noise_key)
        picks = jnp.where(legal.any(), edits[pick_best(tie_key, values, legal, tolerance=1e-6)], -1)
        return (env.apply(graph, picks)[0], env.pay(graph, picks, spent)), picks

    _, picks = jax.lax.scan(edit, (env.begin(env.pool[start]), env.nothing_spent), jnp.arange(env.budget))
    return picks.reshape(-1)
