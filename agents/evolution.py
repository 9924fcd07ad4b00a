"""Evolution strategies on graph-editing environments: parameters climb the mean return of greedy episodes.

Of use where a few hundred parameters correct a strong estimate: Q-learning has to tell graphs apart before it can tell
actions apart, a return has not. Every member of a population plays the same graphs under the same noise, and returns
are compared graph by graph. A learner of the same form as :func:`agents.dqn.make_learner`'s, for the same outer loop.
Reference: Salimans, Ho, Chen, Sidor & Sutskever, "Evolution strategies as a scalable alternative to reinforcement
learning", 2017. Letters: M members, E episodes, D parameters.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from agents.config import EvolutionConfig
from agents.dqn import Learner, make_policy
from agents.training import Runs
from envs.base import GraphEnv, rollout
from lepton_rl.batching import POPULATION_AXIS
from lepton_rl.heads import Network

__all__ = ["EvolutionHyper", "EvolutionState", "evolution_runs", "make_evolution"]


@struct.dataclass
class EvolutionHyper:
    """Settings that may differ between the runs of one program; f32[] each. See :class:`EvolutionConfig`."""

    learning_rate: Float[Array, "*S"]
    spread: Float[Array, "*S"]


@struct.dataclass
class EvolutionState:
    """Everything a run carries: the centre of the population, the best one validated, and what makes the next."""

    params: Any
    best_params: Any
    best_value: Float[Array, "*S"]
    opt_state: Any
    key: Key[Array, "*S"]
    iteration: Int[Array, "*S"]


def advantages(returns: Float[Array, "M E"]) -> Float[Array, "M"]:
    """How much better each member did than the others, f32[M]: standardised episode by episode, then averaged."""
    apart = returns - returns.mean(0)
    return (apart / (returns.std(0) + 1e-6)).mean(1)


def _returns(
    network: Network, config: EvolutionConfig, env: GraphEnv, members: Any, key: PRNGKeyArray
) -> Float[Array, "M E"]:
    """What each member's greedy policy gets on the same episodes."""
    start_key, env_key, act_key = jax.random.split(key, 3)
    starts = jax.random.randint(start_key, (config.episodes,), 0, env.pool.size)
    keys, act_keys = (jax.random.split(k, config.episodes) for k in (env_key, act_key))

    def one(params: Any) -> Float[Array, "E"]:
        return rollout(env, make_policy(network, params), starts, keys, act_keys).rewards.sum(-1)

    return jax.vmap(one, axis_name=POPULATION_AXIS)(members)


def _iterate(
    network: Network, config: EvolutionConfig, env: GraphEnv, hyper: EvolutionHyper, state: EvolutionState
) -> tuple[EvolutionState, tuple[Array, ...]]:
    """One generation: perturb both ways, play, step uphill by Adam."""
    key, noise_key, play_key = jax.random.split(state.key, 3)
    centre, unravel = ravel_pytree(state.params)
    half = jax.random.normal(noise_key, (config.population // 2, centre.size))
    noise = jnp.concatenate([half, -half])
    returns = _returns(network, config, env, jax.vmap(unravel)(centre + hyper.spread * noise), play_key)
    uphill = (advantages(returns)[:, None] * noise).mean(0)
    direction, opt_state = optax.scale_by_adam().update(unravel(uphill), state.opt_state)
    rate = hyper.learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * state.iteration / config.iterations))
    params = jax.tree.map(lambda p, d: p + rate * d, state.params, direction)
    outputs = returns.std(0).mean(), returns.mean(), hyper.spread
    return replace(state, params=params, opt_state=opt_state, key=key, iteration=state.iteration + 1), outputs


@cache
def make_evolution(network: Network, config: EvolutionConfig) -> Learner:
    """A learner by evolution strategies: ``init(env, hyper, key)``, ``chunk(env, hyper, state)``.

    A chunk's outputs are the returns' spread over the population, their mean, and the perturbations' size.
    """

    def init(env: GraphEnv, hyper: Any, key: PRNGKeyArray) -> Any:
        params_key, key = jax.random.split(key)
        _, observation = env.reset(jnp.int32(0), jax.random.key(0))  # the same for every run: never batched
        params = network.init(params_key, observation)
        best = jax.tree.map(jnp.copy, params)  # donated buffers must not alias
        opt_state = optax.scale_by_adam().init(params)
        return EvolutionState(params, best, jnp.float32(-jnp.inf), opt_state, key, jnp.zeros((), jnp.int32))

    def chunk(env: GraphEnv, hyper: Any, state: Any) -> tuple[Any, tuple[Array, ...]]:
        state, outputs = jax.lax.scan(
            lambda state, _: _iterate(network, config, env, hyper, state), state, None,
            length=config.iterations // config.chunks,
        )  # fmt: skip
        return state, tuple(x.mean() for x in outputs)

    return Learner(init, chunk)


def evolution_runs(network: Network, config: EvolutionConfig, count: int) -> Runs:
    """S = ``count`` runs of evolution strategies in one program."""
    rates = (jnp.full(count, getattr(config, name), jnp.float32) for name in ("learning_rate", "spread"))
    return Runs(network, make_evolution(network, config), EvolutionHyper(*rates), config)
