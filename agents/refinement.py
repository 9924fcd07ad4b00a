"""Policies that clean a knowledge graph: supervised on the labels of training instances, or from there on by rewards.

Instances of noise in one graph share their right facts, which a network with exact counts can know again. So policies
come in twos, too, of which each learns from the labels of one half of all facts and judges those of the other
(:func:`other_half`, :func:`odds_apart`).
Letters: P instances, E facts of an instance, F columns of evidence, W facts under review, S seeds.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from agents.dqn import TrainState
from agents.training import started_with
from envs.base import whole
from envs.kg_refinement import KGRefinement, refinement_on
from envs.noisy import restricted
from lepton_rl.evidence_heads import evidence_network
from lepton_rl.folds import Fold
from lepton_rl.heads import Network

__all__ = [
    "Fitted", "Supervised", "deleted", "fit_labels", "halves_of", "log_odds", "odds_apart", "other_half", "refiner_on",
    "started_from_labels",
]  # fmt: skip


@dataclass(frozen=True)
class Supervised:
    """Settings of supervised training, by which a policy begins."""

    steps: int = 600
    """Gradient updates."""
    batch: int = 8
    """Windows an update."""
    window: int = 512
    """Facts a window."""
    learning_rate: float = 3e-3
    """Of Adam, decayed to 0 by a cosine."""
    weight_decay: float = 0.05
    """Decoupled from the gradient."""
    looks: int = 12
    """How often the loss on validation instances is taken; the parameters of the best are kept."""


class Fitted(NamedTuple):
    """Parameters, the validation loss of every look, and the look they are of."""

    params: Any
    validation: list[float]
    look: int


def refiner_on(env: KGRefinement, width: int = 32) -> Network:
    """The network for an environment that is trained on; it plays others with as many columns of evidence too."""
    return evidence_network(env.pool.evidence.shape[2] + env.asks, width, float(env.penalty))


def log_odds(network: Network, params: Any, env: KGRefinement) -> Float[Array, "P W"]:
    """The log-odds that each fact is wrong as a policy begins, f32[P, W], where all facts are under review."""
    return _log_odds(network, params, env)


@partial(jax.jit, static_argnums=0)
def _log_odds(network: Network, params: Any, env: KGRefinement) -> Float[Array, "P W"]:
    def one(start: Array) -> Array:
        return network.encode(params, whole(env, env.reset(start, jax.random.key(0))[1]))

    return jax.lax.map(one, jnp.arange(env.pool.size))


def other_half(env: KGRefinement, half: Fold, which: int) -> KGRefinement:
    """The environment with no fact of the half ``which`` to judge, for a policy that is to judge those."""
    kept = half(np.asarray(env.pool.graphs.base.triples)) != which
    return refinement_on(restricted(env.pool, kept), env.horizon, penalty=float(env.penalty))


def halves_of(env: KGRefinement, half: Fold) -> np.ndarray:
    """The half that each fact of each instance belongs to, i64[P, E]."""
    return np.append(half(np.asarray(env.pool.graphs.base.triples)), 0)[np.asarray(env.pool.numbers)]


class _Seen(NamedTuple):
    """All of an observation that log-odds depend on."""

    evidence: Float[Array, "E F"]


def odds_apart(network: Network, params: Any, evidence: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """The log-odds that each fact is wrong, by the policy that has seen no label of its half, f64[P, E].

    Args:
        params: of two policies (leading axis of every leaf), the first for the facts of half 0.
        evidence: f[P, E, F], on all facts of each graph. ``halves``: i[P, E].
    """
    z = np.asarray(_odds_of_both(network, params, jnp.asarray(evidence, jnp.float32)), np.float64)
    return np.where(halves == 0, z[:, 0], z[:, 1])


@partial(jax.jit, static_argnums=0)
def _odds_of_both(network: Network, params: Any, evidence: Float[Array, "P E F"]) -> Float[Array, "P 2 E"]:
    both = jax.vmap(network.encode, in_axes=(0, None))
    return jax.lax.map(lambda rows: both(params, _Seen(rows)), evidence)


def deleted(network: Network, params: Any, env: KGRefinement) -> Bool[Array, "P W"]:
    """The facts that the greedy policy deletes, bool[P, W], without playing: its values do not change as it goes.

    Those worth more than stopping, the most worth first, until the budget is spent.
    """
    return _deleted(network, params, env)


@partial(jax.jit, static_argnums=0)
def _deleted(network: Network, params: Any, env: KGRefinement) -> Bool[Array, "P W"]:
    def one(start: Array) -> Array:
        seen = whole(env, env.reset(start, jax.random.key(0))[1])
        values = network.score(params, network.encode(params, seen), seen)
        worth = jnp.where(seen.legal, values, -jnp.inf)[: env.window]
        first = jnp.argsort(-worth)[: env.horizon]
        return jnp.zeros(env.window, bool).at[first].set(worth[first] > values[env.window])

    return jax.lax.map(one, jnp.arange(env.pool.size))


def fit_labels(
    network: Network, config: Supervised, env: KGRefinement, valid: KGRefinement, key: PRNGKeyArray
) -> Fitted:
    """Train the log-odds of a network on the labels of the training instances.

    Args:
        env: the instances that are trained on. ``valid``: those that choose the parameters.
    """
    window = min(config.window, int(env.pool.counts.min()))
    train = refinement_on(env.pool, 1, penalty=float(env.penalty), window=window)
    params = network.init(key, whole(train, train.reset(jnp.int32(0), jax.random.key(0))[1]))
    state, best, losses = optax.scale_by_adam().init(params), params, []
    wrong, there = np.asarray(valid.pool.wrong), np.asarray(valid.pool.numbers) < valid.pool.graphs.num_facts
    steps = config.steps // config.looks
    for look in range(config.looks):
        done = jnp.float32(look * steps / config.steps)
        params, state = _labelled(network, config, steps, train, params, state, done, jax.random.fold_in(key, look))
        z = np.asarray(log_odds(network, params, valid), np.float64)
        losses.append(float((np.logaddexp(0, z) - wrong * z)[there].mean()))
        if losses[-1] == min(losses):
            best = params
    return Fitted(best, losses, int(np.argmin(losses)))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _labelled(
    network: Network, config: Supervised, steps: int, env: KGRefinement, params: Any, state: Any,
    done: Float[Array, ""], key: PRNGKeyArray,
) -> tuple[Any, Any]:  # fmt: skip
    def loss(params: Any, key: PRNGKeyArray) -> Float[Array, ""]:
        starts_key, window_key = jax.random.split(key)
        starts = jax.random.randint(starts_key, (config.batch,), 0, env.pool.size)

        def one(start: Array, key: PRNGKeyArray) -> Array:
            seen = whole(env, env.reset(start, key)[1])
            labels = env.pool.reviewed(env.pool.wrong, seen.context, env.window)
            return optax.sigmoid_binary_cross_entropy(network.encode(params, seen), labels).mean()

        return jax.vmap(one)(starts, jax.random.split(window_key, config.batch)).mean()

    def update(carry: tuple[Any, Any], i: Array) -> tuple[tuple[Any, Any], None]:
        params, state = carry
        direction, state = optax.scale_by_adam().update(jax.grad(loss)(params, jax.random.fold_in(key, i)), state)
        rate = config.learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * (done + i / config.steps)))
        return (jax.tree.map(lambda p, d: p - rate * (d + config.weight_decay * p), params, direction), state), None

    return jax.lax.scan(update, (params, state), jnp.arange(steps))[0]


def started_from_labels(state: TrainState, params: Any) -> TrainState:
    """The first state of S runs with supervised parameters in each.

    Args:
        state: of :meth:`agents.training.Runs.init`. ``params``: of :func:`fit_labels`.
    """
    return started_with(state, params, lambda own, given: given)
