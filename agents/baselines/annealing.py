"""Simulated annealing over the set of edits: what search buys when time doesn't matter."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from agents.baselines.base import paid, shuffled_edits, with_edits
from envs.editing import Editing
from lepton_rl.graph import BitGraph
from lepton_rl.objectives.base import Noise, Objective

__all__ = ["Schedule", "anneal", "simulated_annealing"]


@dataclass(frozen=True)
class Schedule:
    """How evaluations are spent; one evaluation = the objective of one graph under one draw of its noise.

    Attributes:
        evaluations: evaluations an edit, all told: a plan costs at most ``evaluations``·budget.
        draws: draws of noise that a value is the mean of.
        stages: how often the draws are replaced, at equal intervals, so that no set profits from its luck for long.
        final: share of the evaluations that compares the best set of each stage under fresh noise (the best of many
            noisy values is too good by its noise).
        hot, cold: first and last temperature, in mean absolute differences of ``probes`` random moves.
        probes: random moves that set the scale of the temperature.
    """

    evaluations: int = 2_000
    draws: int = 4
    stages: int = 8
    final: float = 0.1
    hot: float = 0.5
    cold: float = 0.05
    probes: int = 16

    def split(self, budget: int) -> tuple[int, int]:
        """``(moves a stage, draws that the finalists are compared under)`` for ``budget`` edits.

        Raises:
            ValueError: too few evaluations for one of each.
        """
        total = self.evaluations * budget
        final = int(self.final * total / self.stages)
        moves = ((total - final * self.stages) // self.draws - self.probes - 1) // self.stages - 1
        if moves < 1 or final < 1:
            raise ValueError(f"{total} evaluations are too few for {self}: raise 'evaluations' or lower the others.")
        return moves, final


class _Chain(NamedTuple):
    """``order`` lists the edits, the present set in the first L places and the legal ones before the others."""

    order: Int[Array, "P K"]
    value: Float[Array, ""]
    best: Int[Array, "L K"]
    best_value: Float[Array, ""]


def _mean_value(objective: Objective, graph: BitGraph, noises: Noise) -> Float[Array, ""]:
    """Mean value under the draws of ``noises`` (a leading axis; without leaves the objective is deterministic)."""
    if not jax.tree.leaves(noises):
        return objective.init(graph, noises).value
    return jax.vmap(lambda noise: objective.init(graph, noise).value)(noises).mean()


def _propose(
    order: Int[Array, "P K"], budget: int, count: Int[Array, ""], key: PRNGKeyArray
) -> Int[Array, "P K"]:
    """Replace a random edit of the set by another; nothing changes when the set holds every legal edit."""
    out_key, in_key = jax.random.split(key)
    i = jax.random.randint(out_key, (), 0, budget)
    j = jnp.where(count > budget, jax.random.randint(in_key, (), budget, count), i)
    return order.at[i].set(order[j]).at[j].set(order[i])


def _move(
    env: Editing, graph: BitGraph, chain: _Chain, count: Int[Array, ""], noises: Noise, key: PRNGKeyArray,
    *, temperature: Array,
) -> _Chain:  # fmt: skip
    """Propose, and accept by Metropolis' rule; a chain without a value as yet (-inf) gets its own set's."""
    propose_key, accept_key = jax.random.split(key)
    opening = jnp.isneginf(chain.value)
    proposed = _propose(chain.order, env.budget, jnp.where(opening, 0, count), propose_key)
    value = _mean_value(env.objective, with_edits(env, graph, proposed[: env.budget]), noises)
    luck = jnp.log(jax.random.uniform(accept_key, minval=1e-30))
    accept = luck * temperature <= value - chain.value
    order, value = jax.tree.map(lambda a, b: jnp.where(accept, a, b), (proposed, value), chain[:2])
    best = jnp.where(value > chain.best_value, order[: env.budget], chain.best)
    return _Chain(order, value, best, jnp.maximum(value, chain.best_value))


def anneal(env: Editing, start: Int[Array, ""], key: PRNGKeyArray, schedule: Schedule) -> Int[Array, "T"]:
    """Anneal the set of L edits: a move replaces one edit by another and is accepted by Metropolis' rule.

    Edits are those that are legal in the start graph, of one pick or two; one that is not any more when its turn
    comes changes nothing, and one whose cost is beyond what is left is left out of the plan. All sets of a stage
    are valued under the same draws of noise; the plan is the stage's best set that does best under fresh draws.
    Returns i32[T].
    """
    graph, objective, L = env.begin(env.pool[start]), env.objective, env.budget
    if not jax.tree.leaves(jax.eval_shape(objective.draw, graph, key)):
        schedule = replace(schedule, draws=1)  # without noise nothing is gained by averaging
    moves, final = schedule.split(L)
    order_key, noise_key, move_key, final_key, first_key, probe_key = jax.random.split(key, 6)
    order, count = shuffled_edits(env, graph, order_key)

    def draw(key: PRNGKeyArray) -> Noise:
        return jax.vmap(objective.draw, in_axes=(None, 0))(graph, jax.random.split(key, schedule.draws))

    noises = draw(first_key)

    def probe(i: Int[Array, ""]) -> Float[Array, ""]:
        near = _propose(order, L, jnp.where(i < 0, 0, count), jax.random.fold_in(probe_key, i))
        return _mean_value(objective, with_edits(env, graph, near[:L]), noises)

    # The objective is dear to compile: it is written once for the first set and its neighbours, once for the moves
    # and the value that they set out from.
    values = jax.lax.map(probe, jnp.arange(-1, schedule.probes))
    scale = jnp.abs(values[1:] - values[0]).mean()

    def stage(order: Array, index: Array) -> tuple[Array, Array]:
        noises = draw(jax.random.fold_in(noise_key, index))

        def move(t: Array, chain: _Chain) -> _Chain:
            share = t / (schedule.stages * moves)
            temperature = scale * schedule.hot * (schedule.cold / schedule.hot) ** share
            return _move(env, graph, chain, count, noises, jax.random.fold_in(move_key, t), temperature=temperature)

        nothing = jnp.float32(-jnp.inf)
        opening = _Chain(order, nothing, order[:L], nothing)
        chain = jax.lax.fori_loop(index * moves - 1, (index + 1) * moves, move, opening)
        return chain.order, chain.best

    _, sets = jax.lax.scan(stage, order, jnp.arange(schedule.stages))
    return paid(env, graph, sets[_best_under_fresh_noise(env, graph, sets, final_key, final)]).reshape(-1)


def _best_under_fresh_noise(
    env: Editing, graph: BitGraph, sets: Int[Array, "M L K"], key: PRNGKeyArray, draws: int
) -> Int[Array, ""]:
    finalists = jax.vmap(lambda edits: with_edits(env, graph, edits))(sets)

    def values(i: Int[Array, ""]) -> Float[Array, "M"]:
        noise = env.objective.draw(graph, jax.random.fold_in(key, i))
        return jax.vmap(lambda graph: env.objective.init(graph, noise).value)(finalists)

    return jax.lax.map(values, jnp.arange(draws)).mean(0).argmax()


def simulated_annealing(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """:func:`anneal` with at most 2,000·budget evaluations of the objective. Returns i32[2·budget].

    Reference: Kirkpatrick, Gelatt & Vecchi, "Optimization by simulated annealing", Science 220, 1983.
    """
    return anneal(env, start, key, Schedule())
