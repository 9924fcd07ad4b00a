"""What planners share: the edits there are, a pick with random ties, and the loop that makes edit after edit.

Letters: N node slots, K picks an edit, L edits of a plan, T = K·L, P edits to choose from.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from envs.editing import Editing
from lepton_rl.graph import BitGraph

__all__ = [
    "Planner", "all_edits", "edit_one_by_one", "legal_edits", "paid", "pick_best", "sample_edit", "shuffled_edits",
    "with_edits",
]  # fmt: skip

Planner = Callable[[Editing, Int[Array, ""], PRNGKeyArray], Int[Array, "T"]]


def all_edits(env: Editing) -> Int[Array, "P K"]:
    """Every edit of one pick (nodes) or two (pairs of slots, once in either order unless directed), legal or not."""
    N = env.pool.capacity
    if env.steps_per_edit == 1:
        return jnp.arange(N, dtype=jnp.int32)[:, None]
    both = np.nonzero(~np.eye(N, dtype=bool)) if env.pool.graphs.directed else np.triu_indices(N, 1)
    return jnp.asarray(np.stack(both, axis=-1), jnp.int32)


def legal_edits(env: Editing, graph: BitGraph, edits: Int[Array, "P K"], spent: Any = 0.0) -> Bool[Array, "P"]:
    """Which of :func:`all_edits` are legal in ``graph``, bool[P], once ``spent`` is spent where edits have a cost."""
    nothing = jnp.full((env.steps_per_edit - 1,), -1, jnp.int32)
    first = env.legal(graph, nothing, spent)
    if env.steps_per_edit == 1:
        return first[edits[:, 0]]
    second = jax.vmap(lambda u: env.legal(graph, u[None], spent))(jnp.arange(graph.capacity, dtype=jnp.int32))
    legal = first[:, None] & second
    return legal[edits[:, 0], edits[:, 1]]


def pick_best(
    key: PRNGKeyArray, scores: Float[Array, "P"], legal: Bool[Array, "P"], tolerance: float
) -> Int[Array, ""]:
    """Index of the largest legal score, i32[], ties broken uniformly at random; 0 when nothing is legal.

    Args:
        key: breaks the ties.
        scores: finite numbers, larger is better.
        legal: True = may be picked.
        tolerance: scores within this share of the best tie with it, so that rounding doesn't break symmetries.
    """
    masked = jnp.where(legal, scores, -jnp.inf)
    best = masked.max()
    tied = legal & (masked >= best - tolerance * jnp.abs(best))
    count = jnp.cumsum(tied, dtype=jnp.int32)
    rank = jax.random.randint(key, (), 0, jnp.maximum(count[-1], 1))
    return jnp.argmax(count > rank).astype(jnp.int32)


def edit_one_by_one(
    env: Editing,
    start: Int[Array, ""],
    key: PRNGKeyArray,
    *,
    criterion: Callable[[Any, BitGraph, PRNGKeyArray], Float[Array, "..."]],
    begin: Callable[[BitGraph], Any] = lambda graph: (),
    extend: Callable[[Any, Int[Array, "K"]], Any] = lambda memory, picks: memory,
    tolerance: float = 1e-5,
) -> Int[Array, "T"]:
    """Repeatedly make the legal edit with the largest criterion, which is computed anew after each; K is 1 or 2.

    Args:
        env: the environment. ``start``: pool index. ``key``: the planner's own randomness.
        criterion: ``(memory, graph, key) -> f32[N]`` of nodes (K = 1) or f32[N, N] of pairs (K = 2), finite; of an
            undirected graph's pairs it is read at u < v only.
        begin: ``graph -> memory``, what is kept from edit to edit.
        extend: ``(memory, picks) -> memory`` after an edit.
        tolerance: see :func:`pick_best`.

    Returns:
        i32[T], K picks an edit, -1 once no edit is legal.
    """
    edits = all_edits(env)

    def edit(carry: tuple[BitGraph, Any, Any], i: Int[Array, ""]) -> tuple[tuple[BitGraph, Any, Any], Array]:
        graph, memory, spent = carry
        score_key, tie_key = jax.random.split(jax.random.fold_in(key, i))
        scores = criterion(memory, graph, score_key)[tuple(edits.T)]
        legal = legal_edits(env, graph, edits, spent)
        picks = jnp.where(legal.any(), edits[pick_best(tie_key, scores, legal, tolerance)], -1)
        return (env.apply(graph, picks)[0], extend(memory, picks), env.pay(graph, picks, spent)), picks

    graph = env.begin(env.pool[start])
    _, picks = jax.lax.scan(edit, (graph, begin(graph), env.nothing_spent), jnp.arange(env.budget))
    return picks.reshape(-1)


def sample_edit(env: Editing, graph: BitGraph, key: PRNGKeyArray) -> Int[Array, "K"]:
    """An edit by uniformly random legal picks, i32[K], whatever it costs; -1 throughout where none is legal."""
    picks = jnp.full((env.steps_per_edit,), -1, jnp.int32)
    for k, pick_key in enumerate(jax.random.split(key, env.steps_per_edit)):
        legal = graph.node_mask & env.allowed(graph, picks[: env.steps_per_edit - 1])
        luck = jnp.where(legal, jax.random.uniform(pick_key, legal.shape), -1.0)
        picks = picks.at[k].set(jnp.where(legal.any(), jnp.argmax(luck), -1).astype(jnp.int32))
    return jnp.where((picks >= 0).all(), picks, -1)


def with_edits(env: Editing, graph: BitGraph, edits: Int[Array, "L K"]) -> BitGraph:
    """``graph`` after all of ``edits``, one after the other; where edits have a cost, after those of :func:`paid`."""
    edits = paid(env, graph, edits)
    return jax.lax.fori_loop(0, edits.shape[0], lambda i, graph: env.apply(graph, edits[i])[0], graph)


def paid(env: Editing, graph: BitGraph, edits: Int[Array, "L K"]) -> Int[Array, "L K"]:
    """The ``edits`` whose cost fits into what those before them leave of the budget, in order, then -1.

    One that does not fit is left out, and cheaper ones after it may still fit; ``edits`` itself where edits have no
    cost. A plan of these never meets an edit that cannot be paid.
    """
    if not env.cost:
        return edits

    def make(state: tuple[BitGraph, Any], picks: Int[Array, "K"]) -> tuple[tuple[BitGraph, Any], Array]:
        graph, spent = state
        picks = jnp.where(env.pay(graph, picks, spent) <= env.cost_budget, picks, -1)
        return (env.apply(graph, picks)[0], env.pay(graph, picks, spent)), picks

    made = jax.lax.scan(make, (graph, env.nothing_spent), edits)[1]
    return made[jnp.argsort(made[:, 0] < 0, stable=True)]


def shuffled_edits(env: Editing, graph: BitGraph, key: PRNGKeyArray) -> tuple[Int[Array, "P K"], Int[Array, ""]]:
    """All edits, those that are legal in ``graph`` first and in random order, and how many those are."""
    edits = all_edits(env)
    legal = legal_edits(env, graph, edits)
    rank = jax.random.uniform(key, legal.shape) + ~legal
    return edits[jnp.argsort(rank)], legal.sum(dtype=jnp.int32)
