"""Searches for cuts, tabu and annealing: which labels to turn round."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.baselines.base import paid
from envs.editing import Editing
from lepton_rl.graph import BitGraph, num_nodes
from lepton_rl.objectives.cuts import crossing_weights

__all__ = ["cut_annealing", "tabu_search"]

CHAINS = 16  # searches side by side
MOVES = 50  # flips a search, times the node slots
TENURE = 20  # moves that a node rests after its flip, or a quarter of the nodes where that is less
HOT, COLD = 1.0, 0.05  # first and last temperature of annealing, in mean sizes of the nodes' weights
TOLERANCE = 1e-6  # share of the highest value so far by which a cut of real weights must beat it


class _Chain(NamedTuple):
    """``turned`` bool[N]: whose label differs from the start's. ``gains`` f32[N]: of the cut, by flipping each.
    ``free`` i32[N]: the move from which on each may be flipped again. ``value``, ``peak`` f32[]: the cut - the
    start's, now and at its highest. ``best``, ``best_value``: the highest of those that a plan leads to."""

    turned: Bool[Array, "N"]
    gains: Float[Array, "N"]
    free: Int[Array, "N"]
    value: Float[Array, ""]
    peak: Float[Array, ""]
    best: Bool[Array, "N"]
    best_value: Float[Array, ""]


def _leads_to(env: Editing, flips: Int[Array, "..."]) -> Bool[Array, "..."]:
    """Whether a plan can end ``flips`` away: within the budget, which is spent to the last flip unless one may stop."""
    spare = env.budget - flips
    return (spare >= 0) & (env.stop | (spare % 2 == 0))


def _flip(weights: Float[Array, "N N"], sides: Float[Array, "N"], chain: _Chain, u: Int[Array, ""]) -> _Chain:
    """Turn u round, in O(N); ``sides`` are the labels ±1 of the start."""
    sides = jnp.where(chain.turned, -sides, sides)
    gains = (chain.gains - 2 * weights[u] * sides[u] * sides).at[u].set(-chain.gains[u])
    turned = chain.turned.at[u].set(~chain.turned[u])
    return chain._replace(turned=turned, gains=gains, value=chain.value + chain.gains[u])


def _recorded(env: Editing, n: Int[Array, ""], chain: _Chain) -> _Chain:
    flips = chain.turned.sum(dtype=jnp.int32)
    reachable = _leads_to(env, flips) | _leads_to(env, n - flips)
    better = reachable & (chain.value > chain.best_value)
    return chain._replace(
        peak=jnp.maximum(chain.peak, chain.value), best=jnp.where(better, chain.turned, chain.best),
        best_value=jnp.where(better, chain.value, chain.best_value),
    )  # fmt: skip


def _search(
    env: Editing, graph: BitGraph, weights: Float[Array, "N N"], key: PRNGKeyArray
) -> tuple[Float[Array, ""], Bool[Array, "N"]]:
    """One chain: the gain in cut of the best labelling that it met, and who is turned there."""
    sides, n, mask, N = jnp.asarray(graph.labels), num_nodes(graph), graph.node_mask, graph.capacity
    tenure, far = jnp.minimum(TENURE, n // 4), jnp.minimum(env.budget, n // 2)
    luck = jax.random.uniform(key, (N,))
    walk = jnp.argsort(jnp.where(mask, luck, 2.0))

    def move(t: Array, chain: _Chain) -> _Chain:
        chain = _recorded(env, n, chain)
        flips = chain.turned.sum(dtype=jnp.int32) + jnp.where(chain.turned, -1, 1)
        inside = mask & ((flips <= env.budget) | (n - flips <= env.budget))
        record = chain.peak + TOLERANCE * jnp.abs(chain.peak)  # rounding is no record: it would end the rest of nodes
        allowed = inside & ((t >= chain.free) | (chain.value + chain.gains > record))
        gains = jnp.where(jnp.where(allowed.any(), allowed, inside), chain.gains, -jnp.inf)
        # Ties go by the same random numbers in another place at every move: drawing new ones would cost more than all.
        best = jnp.argmax(jnp.where(gains >= gains.max(), luck[(jnp.arange(N) + t) % N], -1.0))
        u = jnp.where(t < far, walk[jnp.minimum(t, N - 1)], best)
        return _flip(weights, sides, chain._replace(free=chain.free.at[u].set(t + 1 + tenure)), u)

    nobody, nothing, gains = jnp.zeros_like(mask), jnp.float32(0), sides * (weights @ sides)
    start = _Chain(nobody, gains, jnp.zeros_like(walk), nothing, nothing, nobody, nothing - jnp.inf)
    chain = jax.lax.fori_loop(0, MOVES * N, move, start)
    return chain.best_value, chain.best


def _annealed(
    env: Editing, graph: BitGraph, weights: Float[Array, "N N"], key: PRNGKeyArray
) -> tuple[Float[Array, ""], Bool[Array, "N"]]:
    """One chain of annealing, with the answer of :func:`_search`."""
    sides, n, mask, N = jnp.asarray(graph.labels), num_nodes(graph), graph.node_mask, graph.capacity
    size = jnp.abs(weights).sum() / jnp.maximum(n, 1)

    def move(t: Array, chain: _Chain) -> _Chain:
        chain = _recorded(env, n, chain)
        node_key, luck_key = jax.random.split(jax.random.fold_in(key, t))
        u = jnp.argmax(mask & (jnp.cumsum(mask) > jax.random.randint(node_key, (), 0, n)))
        flips = chain.turned.sum(dtype=jnp.int32) + jnp.where(chain.turned[u], -1, 1)
        heat = size * HOT * (COLD / HOT) ** (t / (MOVES * N))
        likely = heat * jnp.log(jax.random.uniform(luck_key, minval=1e-30)) <= chain.gains[u]
        made = likely & ((flips <= env.budget) | (n - flips <= env.budget))
        return jax.tree.map(lambda new, old: jnp.where(made, new, old), _flip(weights, sides, chain, u), chain)

    nobody, nothing, gains = jnp.zeros_like(mask), jnp.float32(0), sides * (weights @ sides)
    start = _Chain(nobody, gains, jnp.zeros(N, jnp.int32), nothing, nothing, nobody, nothing - jnp.inf)
    chain = _recorded(env, n, jax.lax.fori_loop(0, MOVES * N, move, start))
    return chain.best_value, chain.best


def _plan(env: Editing, graph: BitGraph, turned: Bool[Array, "N"]) -> Int[Array, "T"]:
    """Flips that lead to ``turned`` or its complement; what is left of the budget goes to STOP, or to and fro."""
    N, places = graph.capacity, jnp.arange(env.budget)
    turned = jnp.where(_leads_to(env, turned.sum(dtype=jnp.int32)), turned, graph.node_mask & ~turned)
    flips, order = turned.sum(), jnp.argsort(~turned)[jnp.clip(places, 0, N - 1)]
    rest = jnp.where(places == flips, N, -1) if env.stop else jnp.argmax(graph.node_mask)
    return jnp.where(places < flips, order, rest).astype(jnp.int32)


def tabu_search(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """The best cut that 16 searches of 50·N flips each meet, as flips of the start's labels.

    A search walks to random labels first. Every move then flips the node that gains the most or loses the least, ties
    at random; it rests for min(20, n / 4) moves unless its flip beats all that the search has seen (aspiration). Gains
    follow a flip in O(N).

    A search stays within ``budget`` flips of the start's labels or of their complement, whose cut is the same, and
    answers with a labelling that exactly ``budget`` flips lead to: spare ones flip a node to and fro, so that without
    STOP the number of labels turned is even or odd with the budget. Flips that ``cost_budget`` doesn't cover are left
    out. Returns i32[budget].

    References: Glover, "Tabu search, part I", ORSA Journal on Computing 1, 1989; Kochenberger, Hao, Lü, Wang & Glover,
    "Solving large scale Max Cut problems via tabu search", Journal of Heuristics 19, 2013; the tenure of Palubeckis,
    "Multistart tabu search strategies for the unconstrained binary quadratic optimization problem", Annals of
    Operations Research 131, 2004.
    """
    return _best_of_chains(_search, env, start, key)


def cut_annealing(env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """The best cut that 16 chains of annealing of 50·N proposed flips each meet, as flips of the start's labels.

    A chain begins at the start's labels and flips a random node by Metropolis' rule, at temperatures that fall by equal
    factors from the mean size of the nodes' weights to a twentieth of it. What it may answer with is as of
    :func:`tabu_search`. Returns i32[budget].

    Reference: Kirkpatrick, Gelatt & Vecchi, "Optimization by simulated annealing", Science 220, 1983.
    """
    return _best_of_chains(_annealed, env, start, key)


def _best_of_chains(search: Any, env: Editing, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    graph = env.begin(env.pool[start])
    weights = crossing_weights(graph)
    values, turned = jax.vmap(lambda key: search(env, graph, weights, key))(jax.random.split(key, CHAINS))
    return paid(env, graph, _plan(env, graph, turned[values.argmax()])[:, None])[:, 0]
