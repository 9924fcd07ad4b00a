"""Deep Q-learning on graph-editing environments (Mnih et al. 2015; double Q-learning, van Hasselt et al. 2016).

One iteration plays a batch of whole episodes in lock-step, writes them to the replay in one slab, and takes a few
gradient updates; a chunk is a jitted scan of iterations. Everything is a pure function of (env, hyper, state), so
``vmap`` over states and hypers trains seeds × settings in one program. Letters: A actions, T steps an episode, k steps
an edit.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray

from agents.config import DQNConfig
from agents.replay import Replay, empty_replay, write
from envs.base import GraphEnv, Observation, Policy, Trajectory, rollout, whole
from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.heads import Network

__all__ = [
    "Hyper", "Learner", "Metrics", "TrainState", "greedy_episodes", "keep_best", "make_hyper", "make_learner",
    "make_policy",
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


@struct.dataclass
class TrainState:
    """Everything a run carries; saved and restored bit for bit.

    Attributes:
        params: online parameters. ``target_params``: the target network's. ``opt_state``: optax's.
        best_params: those with the best validation so far. ``best_value``: f32[], its mean return.
        replay: the episodes. ``key``: the run's key. ``iteration``: i32[], iterations done.
    """

    params: Any
    target_params: Any
    opt_state: Any
    best_params: Any
    best_value: Float[Array, "*S"]
    replay: Replay
    key: Key[Array, "*S"]
    iteration: Int[Array, "*S"]


class Metrics(NamedTuple):
    """Means over a chunk's iterations, f32[], and the mean return on validation graphs after it."""

    loss: Float[Array, "*S"]
    episode_return: Float[Array, "*S"]
    epsilon: Float[Array, "*S"]
    validation: Float[Array, "*S"]


class Learner(NamedTuple):
    """``init(env, hyper, key) -> state``, ``chunk(env, hyper, state) -> (state, (loss, return, ε))``."""

    # Any state with params, best_params, best_value and iteration serves the same outer loop.
    init: Callable[[GraphEnv, Any, PRNGKeyArray], Any]
    chunk: Callable[[GraphEnv, Any, Any], tuple[Any, tuple[Array, ...]]]


class Episode(NamedTuple):
    """One row of the replay."""

    start: Int[Array, ""]
    key: PRNGKeyArray
    actions: Int[Array, "T"]
    rewards: Float[Array, "T"]
    terminated: Bool[Array, "T"]


def make_hyper(config: DQNConfig) -> Hyper:
    """The array-valued settings of ``config``."""
    return Hyper(**{name: jnp.float32(getattr(config, name)) for name in Hyper.__dataclass_fields__})


def epsilon_greedy(
    key: PRNGKeyArray, q: Float[Array, "A"], legal: Bool[Array, "A"], epsilon: Float[Array, ""] | float
) -> Int[Array, ""]:
    """The best legal action, or with probability ``epsilon`` a uniformly random legal one, i32[]."""
    explore_key, random_key = jax.random.split(key)
    greedy = jnp.argmax(jnp.where(legal, q, -jnp.inf))
    uniform = jnp.argmax(jnp.where(legal, jax.random.uniform(random_key, q.shape), -1.0))
    return jnp.where(jax.random.uniform(explore_key) < epsilon, uniform, greedy).astype(jnp.int32)


def make_policy(network: Network, params: Any, epsilon: Float[Array, ""] | float = 0.0) -> Policy:
    """The ε-greedy policy of a network; greedy by default."""

    def encode(observation: Observation) -> Any:
        return network.encode(params, observation)

    def act(key: PRNGKeyArray, h: Any, observation: Observation) -> Int[Array, ""]:
        return epsilon_greedy(key, network.score(params, h, observation), observation.legal, epsilon)

    return Policy(encode, act)


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


def td_target(
    network: Network, config: DQNConfig, hyper: Hyper, params: Any, target_params: Any, steps_per_edit: int,
    episode: Episode, t: Int[Array, ""], successor: Observation,
) -> Float[Array, ""]:  # fmt: skip
    """What Q(s_t, a_t) should be, f32[]: n-step double Q-learning, with a share of the full return mixed in."""
    n_step, full, bootstrap = returns_from(episode.rewards, t, config.n_step, steps_per_edit, hyper.discount)
    if config.n_step >= episode.rewards.shape[0]:  # nothing is left to bootstrap from: the successor is not looked at
        return full
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), params, target_params)  # one program for the two
    online, target = jax.vmap(lambda params: action_values(network, params, successor))(both)
    value = double_q_value(online, target, successor.legal)
    steps = jnp.arange(episode.rewards.shape[0])
    over = (episode.terminated & (steps >= t) & (steps < t + config.n_step)).any()
    one_sided = n_step + jnp.where(over, 0.0, bootstrap * value)
    return (1 - hyper.return_mix) * one_sided + hyper.return_mix * full


def sample(
    replay: Replay, config: DQNConfig, env: GraphEnv, key: PRNGKeyArray, update: Int[Array, ""]
) -> tuple[Episode, Int[Array, "B"]]:
    """A batch of (episode, step), uniform; every step of one batch is the same pick of its edit (lock-step)."""
    k = env.steps_per_edit
    pick = k - 1 if config.picks == "last" else update % k
    episode_key, edit_key = jax.random.split(key)
    rows = jax.random.randint(episode_key, (config.batch_size,), 0, replay.size)
    edits = jax.random.randint(edit_key, (config.batch_size,), 0, env.horizon // k)
    episodes = Episode(
        replay.starts[rows], jax.random.wrap_key_data(replay.keys[rows]),
        replay.actions[rows].astype(jnp.int32), replay.rewards[rows], replay.terminated[rows],
    )  # fmt: skip
    return episodes, edits * k + pick


def greedy_episodes(network: Network, env: GraphEnv, params: Any, key: PRNGKeyArray) -> Trajectory:
    """One greedy episode on every graph of the pool, leaves [P, T]."""
    env_key, act_key = jax.random.split(key)
    keys, act_keys = (jax.random.split(k, env.pool.size) for k in (env_key, act_key))
    return rollout(env, make_policy(network, params), jnp.arange(env.pool.size), keys, act_keys)


def _epsilon(config: DQNConfig, hyper: Hyper, state: TrainState) -> Float[Array, ""]:
    share = jnp.minimum(state.iteration / (config.epsilon_fraction * config.iterations), 1.0)
    return hyper.epsilon_start + share * (hyper.epsilon_end - hyper.epsilon_start)


def _optimizer(config: DQNConfig) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.scale_by_adam())


def _play(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, state: TrainState, key: PRNGKeyArray
) -> tuple[Replay, Float[Array, ""]]:
    """Play one batch of episodes into the replay; also their mean return."""
    start_key, env_key, act_key = jax.random.split(key, 3)
    starts = jax.random.randint(start_key, (config.episodes,), 0, env.pool.size)
    keys, act_keys = (jax.random.split(k, config.episodes) for k in (env_key, act_key))
    policy = make_policy(network, state.params, _epsilon(config, hyper, state))
    episodes = rollout(env, policy, starts, keys, act_keys)
    return write(state.replay, starts, keys, episodes), episodes.rewards.sum(-1).mean()


def _update(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, state: TrainState, key: PRNGKeyArray,
    i: Int[Array, ""],
) -> tuple[TrainState, Float[Array, ""]]:  # fmt: skip
    """One gradient update, the i-th of its iteration; also its loss."""
    episodes, t = sample(state.replay, config, env, key, i)
    observation, successor = observed(env, episodes, t, jnp.minimum(t + config.n_step, env.horizon))

    def target(episode: Episode, t: Int[Array, ""], successor: Observation) -> Float[Array, ""]:
        params, seen = (state.params, state.target_params), whole(env, successor)
        return td_target(network, config, hyper, *params, env.steps_per_edit, episode, t, seen)

    targets = jax.vmap(target, axis_name=ENVIRONMENT_AXIS)(episodes, t, successor)
    chosen = jnp.take_along_axis(episodes.actions, t[:, None], axis=1)[:, 0]

    def loss(params: Any) -> Float[Array, ""]:
        q: Callable[[Observation], Array] = jax.vmap(
            lambda seen: action_values(network, params, whole(env, seen)), axis_name=ENVIRONMENT_AXIS
        )
        errors = jnp.take_along_axis(q(observation), chosen[:, None], axis=1)[:, 0] - targets
        errors = jnp.where(observation.legal.any(-1), errors, 0.0)  # after the end there is nothing to learn
        return (errors**2 if config.loss == "squared" else optax.huber_loss(errors)).mean()

    value, gradient = jax.value_and_grad(loss)(state.params)
    direction, opt_state = _optimizer(config).update(gradient, state.opt_state)
    rate = hyper.learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * state.iteration / config.iterations))
    params = jax.tree.map(lambda p, d: p - rate * d, state.params, direction)
    done = state.iteration * config.updates + i + 1
    copy = (done % config.target_period == 0).astype(jnp.float32) if config.target_period else hyper.target_rate
    target = optax.incremental_update(params, state.target_params, copy)
    return replace(state, params=params, target_params=target, opt_state=opt_state), value


def _iterate(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, state: TrainState
) -> tuple[TrainState, tuple[Array, ...]]:
    """Play, then update a few times."""
    key, play_key, update_key = jax.random.split(state.key, 3)
    replay, mean_return = _play(network, config, env, hyper, state, play_key)
    state = replace(state, replay=replay, key=key)

    def body(state: TrainState, i: Int[Array, ""]) -> tuple[TrainState, Array]:
        return _update(network, config, env, hyper, state, jax.random.fold_in(update_key, i), i)

    state, losses = jax.lax.scan(body, state, jnp.arange(config.updates))
    outputs = (losses.mean(), mean_return, _epsilon(config, hyper, state))
    return replace(state, iteration=state.iteration + 1), outputs


def keep_best(state: Any, value: Float[Array, ""]) -> Any:
    """Keep the parameters if their validation is the best so far."""
    better = value > state.best_value
    best = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.params, state.best_params)
    return replace(state, best_params=best, best_value=jnp.maximum(value, state.best_value))


@cache
def make_learner(network: Network, config: DQNConfig) -> Learner:
    """A DQN learner; ``jit`` (and ``vmap``, see :mod:`agents.training`) its two functions.

    Args:
        network: scores actions. ``config``: everything static, and the defaults of :func:`make_hyper`.
    """

    def init(env: GraphEnv, hyper: Hyper, key: PRNGKeyArray) -> TrainState:
        params_key, key = jax.random.split(key)
        _, observation = env.reset(jnp.int32(0), jax.random.key(0))  # the same for every run: never batched
        params = network.init(params_key, whole(env, observation))
        copies = [jax.tree.map(jnp.copy, params) for _ in range(2)]  # donated buffers must not alias
        return TrainState(
            params, copies[0], _optimizer(config).init(params), copies[1], jnp.float32(-jnp.inf),
            empty_replay(config.replay_capacity, env.horizon, env.num_actions), key, jnp.zeros((), jnp.int32),
        )  # fmt: skip

    def chunk(env: GraphEnv, hyper: Hyper, state: TrainState) -> tuple[TrainState, tuple[Array, ...]]:
        length = config.iterations // config.chunks
        state, outputs = jax.lax.scan(
            lambda state, _: _iterate(network, config, env, hyper, state), state, None, length=length
        )
        return state, tuple(x.mean() for x in outputs)

    return Learner(init, chunk)
