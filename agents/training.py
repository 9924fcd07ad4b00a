"""The outer loop of training: one jitted program for all seeds, in chunks, with Python in between.

Validation is a program of its own, :func:`play`: tests on as many graphs of the same size need no other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from agents.config import DQNConfig, EvolutionConfig
from agents.dqn import Hyper, Learner, Metrics, TrainState, greedy_episodes, keep_best, make_hyper, make_learner
from envs.base import GraphEnv, Trajectory, whole
from lepton_rl.batching import RUN_AXIS
from lepton_rl.features import node_inputs, num_inputs
from lepton_rl.graph import absent_rows
from lepton_rl.heads import Network, build_network

__all__ = ["Runs", "fitting", "make_runs", "network_for", "play", "started_with"]

VALIDATION_SEED = 0x7A11D  # one fixed noise for every validation of every run: comparable, apart from all others


class Runs(NamedTuple):
    """A learner over S runs at once, compiled.

    Attributes:
        network: scores actions. ``learner``: the single run, by DQN or evolution. ``hyper``: its settings that are
            arrays, leaves f32[S]. ``config``: static settings.
    """

    network: Network
    learner: Learner
    hyper: Any
    config: DQNConfig | EvolutionConfig

    def init(self, env: GraphEnv, seeds: Sequence[int]) -> Any:
        """The S initial states, one a seed."""
        return _init(self.learner, env, self.hyper, jnp.asarray(list(seeds), jnp.uint32))

    def chunks_done(self, state: Any) -> int:
        """How many chunks lie behind ``state``."""
        length = self.config.iterations // self.config.chunks
        return int(state.iteration.reshape(-1)[0]) // length

    def chunks(self, env: GraphEnv, valid: GraphEnv, state: Any) -> Iterator[tuple[Any, Metrics]]:
        """Run the chunks that are left, yielding state and metrics (leaves f32[S]) after each.

        The state given in is donated: use the one that comes back.
        """
        for _ in range(self.chunks_done(state), self.config.chunks):
            state, (loss, episode_return, epsilon) = _chunk(self.learner, env, self.hyper, state)
            episodes = play(self.network, valid, state.params, jax.random.key(VALIDATION_SEED))
            state, value = _validated(state, episodes.rewards)
            yield state, Metrics(loss, episode_return, epsilon, value)


@partial(jax.jit, static_argnums=0)
def _init(learner: Learner, env: GraphEnv, hyper: Any, seeds: jax.Array) -> Any:
    keys = jax.vmap(jax.random.key)(seeds)
    return jax.vmap(learner.init, in_axes=(None, 0, 0), axis_name=RUN_AXIS)(env, hyper, keys)


@partial(jax.jit, static_argnums=0, donate_argnums=3)
def _chunk(
    learner: Learner, env: GraphEnv, hyper: Any, state: Any
) -> tuple[Any, tuple[Float[Array, "S"], ...]]:
    return jax.vmap(learner.chunk, in_axes=(None, 0, 0), axis_name=RUN_AXIS)(env, hyper, state)


@partial(jax.jit, static_argnums=0)
def play(network: Network, env: GraphEnv, params: Any, key: PRNGKeyArray) -> Trajectory:
    """Greedy episodes of S parameter sets (leading axis of every leaf) on all P graphs, leaves [S, P, T]."""
    return jax.vmap(lambda params: greedy_episodes(network, env, params, key), axis_name=RUN_AXIS)(params)


@partial(jax.jit, donate_argnums=0)
def _validated(state: Any, rewards: Float[Array, "S P T"]) -> tuple[Any, Float[Array, "S"]]:
    value = rewards.sum(-1).mean(-1)
    return jax.vmap(keep_best)(state, value), value


def make_runs(network: Network, config: DQNConfig, count: int, hyper: Hyper | None = None) -> Runs:
    """S = ``count`` runs of the DQN learner; ``hyper`` (leaves f32[S]) overrides the settings of ``config``."""
    if hyper is None:
        hyper = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count,)), make_hyper(config))
    return Runs(network, make_learner(network, config), hyper, config)


def started_with(state: TrainState, given: Any, placed: Callable[[Any, Any], Any]) -> TrainState:
    """The first state of S runs with other parameters, the same in each.

    Args:
        state: of :meth:`Runs.init`. ``given``: parameters of one run. ``placed``: ``(own, given)`` -> what a run begins
            with, of all runs together (a leading axis S).
    """
    runs = state.iteration.shape[0]
    everywhere = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (runs, *leaf.shape)), given)
    # One copy each: donated buffers must not alias.
    copies = [jax.tree.map(jnp.copy, placed(own, everywhere))
              for own in (state.params, state.target_params, state.best_params)]  # fmt: skip
    return replace(state, params=copies[0], target_params=copies[1], best_params=copies[2])


def fitting(env: GraphEnv, config: DQNConfig) -> DQNConfig:
    """``config`` with a head that fits the environment: scores of pairs serve edits of two picks in either order.

    A head of single nodes has to learn every pick of an edit, not the last alone. Where edits have a cost, a first
    pick is not worth its best second, which may be beyond what is left: no task for a head of pairs.
    """
    pairs = env.steps_per_edit == 2 and not env.pool.graphs.directed and not getattr(env, "cost", "")
    return config if config.head != "node" and pairs else replace(config, head="node", picks="all")


def network_for(env: GraphEnv, config: DQNConfig) -> Network:
    """The network ``config`` names, with inputs as wide as the environment's observations; see :func:`fitting`."""

    def widths(env: GraphEnv) -> tuple[jax.Array, ...]:
        _, observation = env.reset(jnp.int32(0), jax.random.key(0))
        inputs = node_inputs(whole(env, observation).graph, config.structural)
        return inputs, observation.marks, observation.pairs, observation.legal

    inputs, marks, pairs, legal = jax.eval_shape(widths, env)
    config, features = fitting(env, config), inputs.shape[-1] - num_inputs(config.structural)
    return build_network(
        config.encoder, config.head, features=features, marks=marks.shape[-1], pairs=pairs.shape[0],
        width=config.width, rounds=config.rounds, structural=config.structural,
        partners=getattr(env, "pairs", absent_rows), stop=legal.shape[-1] > env.pool.capacity,
    )  # fmt: skip
