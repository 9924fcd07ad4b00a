"""Whom to seed: degree discount, and greedy with lazy evaluation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.baselines.base import edit_one_by_one
from envs.editing import Editing
from lepton_rl.graph import BitGraph, adjacency
from lepton_rl.objectives.diffusion import CASCADE_PROBABILITY

__all__ = ["degree_discount", "discounted", "lazy_greedy"]

CHUNK = 8  # bounds looked at side by side


def discounted(d: Float[Array, "N"], t: Float[Array, "N"]) -> Float[Array, "N"]:
    """d - 2t - (d - t) t p of nodes of degree d with t chosen neighbours (Chen, Wang & Yang, KDD 2009, algorithm 4)."""
    return d - 2 * t - (d - t) * t * CASCADE_PROBABILITY


def degree_discount(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly choose the node with the largest d - 2t - (d - t) t p, t its chosen neighbours; ties at random.

    In directed graphs d and t count the edges that go out. Returns i32[budget]. Reference: Chen, Wang & Yang,
    "Efficient influence maximization in social networks", KDD 2009, algorithm 4, with the p of ``independent_cascade``.
    """

    def criterion(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N"]:
        edges = adjacency(graph).astype(jnp.float32)
        d, t = edges.sum(-1), edges @ (jnp.asarray(graph.labels) > 0).astype(jnp.float32)
        return discounted(d, t)

    return edit_one_by_one(env, start, key, criterion=criterion)


class _Round(NamedTuple):
    """``bounds`` f32[N]: gains as last computed, -inf where illegal. ``fresh`` bool[N]: computed in this round."""

    bounds: Float[Array, "N"]
    fresh: Bool[Array, "N"]


def lazy_greedy(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Greedy on one draw of the objective's noise, computing again only gains that may still be the largest (CELF).

    Gains of a submodular objective can only fall as nodes are chosen, so a gain of an earlier round bounds today's: the
    nodes with the largest bounds are looked at, a few side by side, until the best of them is ahead of all other
    bounds. Of an objective that is not submodular this is a heuristic. Returns i32[budget], ties to the lower slot.
    Reference: Leskovec, Krause, Guestrin, Faloutsos, VanBriesen & Glance, "Cost-effective outbreak detection in
    networks", KDD 2007.
    """
    objective, graph = env.objective, env.begin(env.pool[start])
    noise = objective.draw(graph, key)
    width = min(CHUNK, graph.capacity)

    def gains(graph: BitGraph, carry: Any, nodes: Int[Array, "C"]) -> Float[Array, "C"]:
        def gain(u: Int[Array, ""]) -> Float[Array, ""]:
            after, edit = env.apply(graph, u[None])
            return objective.update(carry, edit, after, noise).value - carry.value

        return jax.vmap(gain)(nodes)

    def choose(state: tuple[BitGraph, Any, Array, Any], _: None) -> tuple[tuple[BitGraph, Any, Array, Any], Array]:
        graph, carry, bounds, spent = state
        legal = env.legal(graph, jnp.zeros((0,), jnp.int32), spent)

        def look(round: _Round) -> _Round:
            nodes = jax.lax.top_k(jnp.where(round.fresh, -jnp.inf, round.bounds), width)[1]
            new = jnp.where(legal[nodes], gains(graph, carry, nodes), -jnp.inf)
            return _Round(round.bounds.at[nodes].set(new), round.fresh.at[nodes].set(True))

        def open_(round: _Round) -> Bool[Array, ""]:
            best = jnp.where(round.fresh, round.bounds, -jnp.inf).max()
            return jnp.where(round.fresh, -jnp.inf, round.bounds).max() > best

        first = _Round(jnp.where(legal, bounds, -jnp.inf), jnp.zeros(graph.capacity, bool))
        bounds = jax.lax.while_loop(open_, look, first).bounds
        pick = jnp.where(legal.any(), jnp.argmax(bounds), -1).astype(jnp.int32)
        after, edit = env.apply(graph, pick[None])
        edit = edit._replace(operation=jnp.where(pick >= 0, edit.operation, 0))
        carry = objective.update(carry, edit, after, noise)
        return (after, carry, bounds, env.pay(graph, pick[None], spent)), pick

    everybody = jnp.full(graph.capacity, jnp.inf)
    begin = graph, objective.init(graph, noise), everybody, env.nothing_spent
    return jax.lax.scan(choose, begin, None, length=env.budget)[1]
