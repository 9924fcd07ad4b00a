"""What an update of the DQN learner learns from: transitions of the replay, and what their values should be.

Letters: A actions, B transitions, T steps an episode, k steps an edit.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from agents.config import DQNConfig
from agents.replay import Replay
from envs.base import GraphEnv, Observation
from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.heads import Network

__all__ = [
    "Episode", "Hyper", "action_values", "bootstrapped", "double_q_value", "drawn", "observed", "returns_from",
    "sample", "td_target",
]  # fmt: skip


@struct.dataclass
class Hyper:
    """Settings that may differ between the runs of one program; f32[] each. See :class:`agents.config.DQNConfig`."""

    learning_rate: Float[Array, "*S"]
    discount: Float[Array, "*S"]
    epsilon_start: Float[Array, "*S"]
    epsilon_end: Float[Array, "*S"]
    return_mix: Float[Array, "*S"]
    target_rate: Float[Array, "*S"]


class Episode(NamedTuple):
    """One row of the replay."""

    start: Int[Array, ""]
    key: PRNGKeyArray
    actions: Int[Array, "T"]
    rewards: Float[Array, "T"]
    terminated: Bool[Array, "T"]


def action_values(network: Network, params: Any, observation: Observation) -> Float[Array, "A"]:
    """Q(s, ·), f32[A]; illegal actions included."""
    return network.score(params, network.encode(params, observation), observation)


def double_q_value(online: Float[Array, "A"], target: Float[Array, "A"], legal: Bool[Array, "A"]) -> Float[Array, ""]:
    """Value of a successor: the target network's of the online network's best *legal* action; 0 where none is.

    van Hasselt, Guez & Silver 2016, eq. 4. Selected, not multiplied: nothing infinite ever meets a gradient.
    """
    best = jnp.argmax(jnp.where(legal, online, -jnp.inf))
    return jnp.where(legal.any(), target[best], 0.0)


def returns_from(
    rewards: Float[Array, "T"], t: Int[Array, ""], n_step: int, steps_per_edit: int, discount: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """``(n-step return, full return, discount of the bootstrap)`` from step ``t``; γ counts edits, not steps."""
    steps = jnp.arange(rewards.shape[0])
    edits = steps // steps_per_edit - t // steps_per_edit
    weighted = jnp.where(steps >= t, rewards * discount ** jnp.maximum(edits, 0), 0.0)
    ahead = (t + n_step) // steps_per_edit - t // steps_per_edit
    return jnp.where(steps < t + n_step, weighted, 0.0).sum(), weighted.sum(), discount**ahead


def bootstraps(config: DQNConfig, horizon: int) -> bool:
    """Whether targets depend on values of successors: not where rewards alone make them."""
    return config.n_step < horizon and config.discount > 0


def observed(
    env: GraphEnv, episodes: Episode, t: Int[Array, "B"], later: Int[Array, "B"]
) -> tuple[Observation, Observation]:
    """What was seen before steps ``t`` and ``later`` of B episodes: both in one program, which halves its compile."""

    def one(episode: Episode, t: Int[Array, ""]) -> Observation:
        return env.observe(env.rebuild(episode.start, episode.key, episode.actions, t))

    again = episodes._replace(key=jax.random.clone(episodes.key))  # the same noise twice, on purpose
    twice = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), episodes, again)
    both = jax.vmap(one, axis_name=ENVIRONMENT_AXIS)(twice, jnp.concatenate([t, later]))
    B = t.shape[0]
    return jax.tree.map(lambda leaf: leaf[:B], both), jax.tree.map(lambda leaf: leaf[B:], both)


def bootstrapped(
    config: DQNConfig, hyper: Hyper, steps_per_edit: int, episode: Episode, t: Int[Array, ""], value: Float[Array, ""]
) -> Float[Array, ""]:
    """The target of step ``t`` from the ``value`` of what is seen n steps later, f32[]."""
    if not config.discount:
        return episode.rewards[t]
    n_step, full, bootstrap = returns_from(episode.rewards, t, config.n_step, steps_per_edit, hyper.discount)
    if config.n_step >= episode.rewards.shape[0]:  # nothing is left to bootstrap from
        return full
    steps = jnp.arange(episode.rewards.shape[0])
    over = (episode.terminated & (steps >= t) & (steps < t + config.n_step)).any()
    one_sided = n_step + jnp.where(over, 0.0, bootstrap * value)
    return (1 - hyper.return_mix) * one_sided + hyper.return_mix * full


def td_target(
    network: Network, config: DQNConfig, hyper: Hyper, params: Any, target_params: Any, steps_per_edit: int,
    episode: Episode, t: Int[Array, ""], successor: Observation,
) -> Float[Array, ""]:  # fmt: skip
    """What Q(s_t, a_t) should be, f32[]: n-step double Q-learning, with a share of the full return mixed in."""
    value = jnp.float32(0)
    if bootstraps(config, episode.rewards.shape[0]):
        both = jax.tree.map(lambda *leaves: jnp.stack(leaves), params, target_params)  # one program for the two
        online, target = jax.vmap(lambda params: action_values(network, params, successor))(both)
        value = double_q_value(online, target, successor.legal)
    return bootstrapped(config, hyper, steps_per_edit, episode, t, value)


def drawn(replay: Replay, key: PRNGKeyArray, count: int) -> Episode:
    """So many episodes of the replay, uniformly; leaves [count, ...]."""
    rows = jax.random.randint(key, (count,), 0, replay.size)
    return Episode(
        replay.starts[rows], jax.random.wrap_key_data(replay.keys[rows]),
        replay.actions[rows].astype(jnp.int32), replay.rewards[rows], replay.terminated[rows],
    )  # fmt: skip


def sample(
    replay: Replay, config: DQNConfig, env: GraphEnv, key: PRNGKeyArray, update: Int[Array, ""]
) -> tuple[Episode, Int[Array, "B"]]:
    """A batch of (episode, step), uniform; every step of one batch is the same pick of its edit (lock-step)."""
    k = env.steps_per_edit
    pick = k - 1 if config.picks == "last" else update % k
    episode_key, edit_key = jax.random.split(key)
    episodes = drawn(replay, episode_key, config.batch_size)
    edits = jax.random.randint(edit_key, (config.batch_size,), 0, env.horizon // k)
    return episodes, edits * k + pick
