"""Policies that clean a knowledge graph: supervised on the labels of training instances, or from there on by rewards.

Letters: P instances, E facts of an instance, W facts under review, S seeds.
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
from lepton_rl.evidence_heads import evidence_network
from lepton_rl.heads import Network

__all__ = ["Supervised", "deleted", "fit_labels", "log_odds", "refiner_on", "started_from_labels"]


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
