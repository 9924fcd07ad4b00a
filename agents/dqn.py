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
from agents.losses import Loss, loss_on_episodes, loss_on_steps
from agents.replay import Replay, empty_replay, write
from agents.targets import Hyper
from envs.base import GraphEnv, Observation, Policy, Trajectory, rollout, whole
from lepton_rl.heads import Network

__all__ = [
    "Hyper", "Learner", "Metrics", "TrainState", "greedy_episodes", "keep_best", "make_hyper", "make_learner",
    "make_policy",
]  # fmt: skip


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


def make_hyper(config: DQNConfig) -> Hyper:
    """The array-valued settings of ``config``."""
    return Hyper(**{name: jnp.float32(getattr(config, name)) for name in Hyper.__dataclass_fields__})


Explore = Callable[[Float[Array, "A"]], Float[Array, "A"]]


def exploring(config: DQNConfig) -> Explore | None:
    """Log-weights of exploring actions from their values; None where all weigh the same."""
    if config.exploration == "uniform":
        return None
    if config.exploration == "values":
        return lambda q: q / config.temperature
    return lambda q: jax.scipy.special.logit(jnp.clip(q, 1e-6, 1 - 1e-6)) / config.temperature


def epsilon_greedy(
    key: PRNGKeyArray, q: Float[Array, "A"], legal: Bool[Array, "A"], epsilon: Float[Array, ""] | float,
    explore: Explore | None = None,
) -> Int[Array, ""]:  # fmt: skip
    """The best legal action, or with probability ``epsilon`` a random legal one, i32[]; see :func:`exploring`."""
    explore_key, random_key = jax.random.split(key)
    greedy = jnp.argmax(jnp.where(legal, q, -jnp.inf))
    if explore is None:
        random = jnp.argmax(jnp.where(legal, jax.random.uniform(random_key, q.shape), -1.0))
    else:
        random = jax.random.categorical(random_key, jnp.where(legal, explore(q), -jnp.inf))
    return jnp.where(jax.random.uniform(explore_key) < epsilon, random, greedy).astype(jnp.int32)


def make_policy(
    network: Network, params: Any, epsilon: Float[Array, ""] | float = 0.0, explore: Explore | None = None
) -> Policy:
    """The ε-greedy policy of a network; greedy by default."""

    def encode(observation: Observation) -> Any:
        return network.encode(params, observation)

    def act(key: PRNGKeyArray, h: Any, observation: Observation) -> Int[Array, ""]:
        return epsilon_greedy(key, network.score(params, h, observation), observation.legal, epsilon, explore)

    return Policy(encode, act)


def greedy_episodes(network: Network, env: GraphEnv, params: Any, key: PRNGKeyArray) -> Trajectory:
    """One greedy episode on every graph of the pool, leaves [P, T]."""
    env_key, act_key = jax.random.split(key)
    keys, act_keys = (jax.random.split(k, env.pool.size) for k in (env_key, act_key))
    return rollout(env, make_policy(network, params), jnp.arange(env.pool.size), keys, act_keys)


def _epsilon(config: DQNConfig, hyper: Hyper, state: TrainState) -> Float[Array, ""]:
    share = jnp.minimum(state.iteration / (config.epsilon_fraction * config.iterations), 1.0)
    return hyper.epsilon_start + share * (hyper.epsilon_end - hyper.epsilon_start)


def _optimizer(config: DQNConfig) -> optax.GradientTransformation:
    clip, adam = optax.clip_by_global_norm(config.max_grad_norm), optax.scale_by_adam()
    return optax.chain(clip, adam, *(optax.add_decayed_weights(d) for d in [config.weight_decay] if d))


def _play(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, state: TrainState, key: PRNGKeyArray
) -> tuple[Replay, Float[Array, ""]]:
    """Play one batch of episodes into the replay; also their mean return."""
    start_key, env_key, act_key = jax.random.split(key, 3)
    starts = jax.random.randint(start_key, (config.episodes,), 0, env.pool.size)
    keys, act_keys = (jax.random.split(k, config.episodes) for k in (env_key, act_key))
    policy = make_policy(network, state.params, _epsilon(config, hyper, state), exploring(config))
    episodes = rollout(env, policy, starts, keys, act_keys)
    return write(state.replay, starts, keys, episodes), episodes.rewards.sum(-1).mean()


def _loss(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, state: TrainState, key: PRNGKeyArray,
    i: Int[Array, ""],
) -> Loss:  # fmt: skip
    """What the i-th update of an iteration makes smaller."""
    if config.batch == "episodes":
        return loss_on_episodes(network, config, env, hyper, state.target_params, state.replay, key)
    both = state.params, state.target_params
    return loss_on_steps(network, config, env, hyper, *both, state.replay, key, i)


def _update(
    network: Network, config: DQNConfig, env: GraphEnv, hyper: Hyper, state: TrainState, key: PRNGKeyArray,
    i: Int[Array, ""],
) -> tuple[TrainState, Float[Array, ""]]:  # fmt: skip
    """One gradient update, the i-th of its iteration; also its loss."""
    loss = _loss(network, config, env, hyper, state, key, i)
    value, gradient = jax.value_and_grad(loss)(state.params)
    direction, opt_state = _optimizer(config).update(gradient, state.opt_state, state.params)
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
