"""What an update of the DQN learner makes smaller: errors of values of single steps, or of whole episodes.

Letters: A actions, B transitions, T steps an episode, k steps an edit.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.config import DQNConfig
from agents.replay import Replay
from agents.targets import (
    Episode,
    Hyper,
    action_values,
    bootstrapped,
    bootstraps,
    double_q_value,
    drawn,
    observed,
    sample,
    td_target,
)
from envs.base import GraphEnv, Observation, whole
from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.heads import Network

__all__ = ["Loss", "loss_on_episodes", "loss_on_steps"]

Loss = Callable[[Any], Float[Array, ""]]
_SURE = 1e-6  # probabilities are kept so far from 0 and 1


def error_of(
    kind: str, values: Float[Array, "B"], targets: Float[Array, "B"], legal: Bool[Array, "B A"]
) -> Float[Array, ""]:
    """The mean of an error, see :attr:`agents.config.DQNConfig.loss`; 0 after the end, where there is nothing to learn.
    """
    if kind == "logistic":
        p = jnp.clip(values, _SURE, 1 - _SURE)
        errors = -(targets * jnp.log(p) + (1 - targets) * jnp.log1p(-p))
    else:
        errors = (values - targets) ** 2 if kind == "squared" else optax.huber_loss(values - targets)
    return jnp.where(legal.any(-1), errors, 0.0).mean()


def loss_on_steps(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, params: Any, target_params: Any,
    replay: Replay, key: PRNGKeyArray, i: Int[Array, ""],
) -> Loss:  # fmt: skip
    """Of B single steps of as many episodes, for the i-th update of an iteration."""
    episodes, t = sample(replay, config, env, key, i)
    observation, successor = observed(env, episodes, t, jnp.minimum(t + config.n_step, env.horizon))

    def target(episode: Episode, t: Int[Array, ""], successor: Observation) -> Float[Array, ""]:
        seen = whole(env, successor)
        return td_target(network, config, hyper, params, target_params, env.steps_per_edit, episode, t, seen)

    targets = jax.vmap(target, axis_name=ENVIRONMENT_AXIS)(episodes, t, successor)
    chosen = jnp.take_along_axis(episodes.actions, t[:, None], axis=1)

    def loss(params: Any) -> Float[Array, ""]:
        q: Callable[[Observation], Array] = jax.vmap(
            lambda seen: action_values(network, params, whole(env, seen)), axis_name=ENVIRONMENT_AXIS
        )
        values = jnp.take_along_axis(q(observation), chosen, axis=1)[:, 0]
        return error_of(config.loss, values, targets, observation.legal)

    return loss


def loss_on_episodes(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, target_params: Any, replay: Replay,
    key: PRNGKeyArray,
) -> Loss:  # fmt: skip
    """Of all steps of as many episodes as make B; successors are steps too, and nothing is encoded for them alone.

    Under its inner ``vmap`` what an episode's steps share stays one: of a knowledge graph, the facts that are hidden.
    """
    episodes = drawn(replay, key, max(config.batch_size // env.horizon, 1))
    steps, T = jnp.arange(env.horizon), env.horizon

    def of_episode(params: Any, episode: Episode) -> Float[Array, ""]:
        q, legal = episode_values(network, env, params, episode)
        value: Float[Array, T] = jnp.zeros(T)
        if bootstraps(config, T):
            late, _ = episode_values(network, env, target_params, episode)
            rows = jnp.minimum(steps + config.n_step, T - 1)  # the last one's are over and not looked at
            value = jax.vmap(double_q_value)(jax.lax.stop_gradient(q)[rows], late[rows], legal[rows])

        def target(t: Int[Array, ""], value: Float[Array, ""]) -> Float[Array, ""]:
            return bootstrapped(config, hyper, env.steps_per_edit, episode, t, value)

        chosen = jnp.take_along_axis(q, episode.actions[:, None], axis=1)[:, 0]
        return error_of(config.loss, chosen, jax.vmap(target)(steps, value), legal)

    return lambda params: _mean(of_episode, params, episodes)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _mean(of_one: Callable[[Any, Any], Array], params: Any, rows: Any) -> Float[Array, ""]:
    """The mean over rows, one after the other; differentiable by ``params``. Each row's gradient is taken at once, as
    it would cost more to keep what all of them need to the end."""
    return jax.lax.map(lambda row: of_one(params, row), rows).mean()


def _mean_forward(of_one: Callable[[Any, Any], Array], params: Any, rows: Any) -> tuple[Array, Any]:
    values, gradients = jax.lax.map(lambda row: jax.value_and_grad(of_one)(params, row), rows)
    return values.mean(), jax.tree.map(lambda leaf: leaf.mean(0), gradients)


def _mean_backward(of_one: Callable[[Any, Any], Array], gradient: Any, upstream: Array) -> tuple[Any, None]:
    return jax.tree.map(lambda leaf: upstream * leaf, gradient), None


_mean.defvjp(_mean_forward, _mean_backward)


def episode_values(
    network: Network, env: GraphEnv, params: Any, episode: Episode
) -> tuple[Float[Array, "T A"], Bool[Array, "T A"]]:
    """Q(s_t, ·) of all steps of an episode and what was legal there, each graph encoded once an edit."""
    k = env.steps_per_edit

    def seen(t: Int[Array, ""]) -> Observation:
        return whole(env, env.observe(env.rebuild(episode.start, episode.key, episode.actions, t)))

    def edit(first: Int[Array, ""]) -> tuple[Float[Array, "k A"], Bool[Array, "k A"]]:
        h = (network.encode_shared or network.encode)(params, seen(first))

        def pick(t: Int[Array, ""]) -> tuple[Float[Array, "A"], Bool[Array, "A"]]:
            observation = seen(t)
            return network.score(params, h, observation), observation.legal

        return jax.vmap(pick)(first + jnp.arange(k))

    both = jax.vmap(edit, axis_name=ENVIRONMENT_AXIS)(jnp.arange(0, env.horizon, k))
    return jax.tree.map(lambda leaf: leaf.reshape(env.horizon, -1), both)
