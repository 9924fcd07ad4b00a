"""The outer loop of training: one jitted program for all seeds, in chunks, with Python in between."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from agents.config import DQNConfig
from agents.dqn import Hyper, Learner, Metrics, TrainState, make_hyper, make_learner
from envs.base import GraphEnv
from lepton_rl.batching import RUN_AXIS
from lepton_rl.heads import Network, build_network

__all__ = ["Runs", "make_runs", "network_for"]


class Runs(NamedTuple):
    """A learner over S runs at once, compiled.

    Attributes:
        learner: the single run. ``hyper``: leaves f32[S]. ``config``: static settings.
    """

    learner: Learner
    hyper: Hyper
    config: DQNConfig

    def init(self, env: GraphEnv, seeds: Sequence[int]) -> TrainState:
        """The S initial states, one a seed."""
        return _init(self.learner, env, self.hyper, jnp.asarray(list(seeds), jnp.uint32))

    def chunks_done(self, state: TrainState) -> int:
        """How many chunks lie behind ``state``."""
        length = self.config.iterations // self.config.chunks
        return int(state.iteration.reshape(-1)[0]) // length

    def chunks(self, env: GraphEnv, valid: GraphEnv, state: TrainState) -> Iterator[tuple[TrainState, Metrics]]:
        """Run the chunks that are left, yielding state and metrics (leaves f32[S]) after each.

        The state given in is donated: use the one that comes back.
        """
        for _ in range(self.chunks_done(state), self.config.chunks):
            state, metrics = _chunk(self.learner, env, valid, self.hyper, state)
            yield state, metrics


@partial(jax.jit, static_argnums=0)
def _init(learner: Learner, env: GraphEnv, hyper: Hyper, seeds: jax.Array) -> TrainState:
    keys = jax.vmap(jax.random.key)(seeds)
    return jax.vmap(learner.init, in_axes=(None, 0, 0), axis_name=RUN_AXIS)(env, hyper, keys)


@partial(jax.jit, static_argnums=0, donate_argnums=4)
def _chunk(
    learner: Learner, env: GraphEnv, valid: GraphEnv, hyper: Hyper, state: TrainState
) -> tuple[TrainState, Metrics]:
    return jax.vmap(learner.chunk, in_axes=(None, None, 0, 0), axis_name=RUN_AXIS)(env, valid, hyper, state)


def make_runs(network: Network, config: DQNConfig, count: int, hyper: Hyper | None = None) -> Runs:
    """S = ``count`` runs of the DQN learner; ``hyper`` (leaves f32[S]) overrides the settings of ``config``."""
    if hyper is None:
        hyper = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count,)), make_hyper(config))
    return Runs(make_learner(network, config), hyper, config)


def network_for(env: GraphEnv, config: DQNConfig) -> Network:
    """The network ``config`` names, with inputs as wide as the environment's observations."""

    def widths(env: GraphEnv) -> tuple[jax.Array, ...]:
        _, observation = env.reset(jnp.int32(0), jax.random.key(0))
        return observation.graph.node_features, observation.marks, observation.pairs

    features, marks, pairs = jax.eval_shape(widths, env)
    return build_network(
        config.encoder, config.head, features=features.shape[-1], marks=marks.shape[-1], pairs=pairs.shape[0],
        width=config.width, rounds=config.rounds,
    )  # fmt: skip
