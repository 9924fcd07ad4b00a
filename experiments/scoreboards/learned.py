"""Train a criterion for a scoreboard: S seeds of evolution strategies in one program."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agents.config import EvolutionConfig
from agents.dqn import keep_best
from agents.evolution import evolution_runs
from agents.training import VALIDATION_SEED, play
from envs.base import GraphEnv
from experiments.scoreboards.results import Note
from lepton_rl.heads import Network

SHARES = (0.0, 0.5, 1.0)

__all__ = ["Learned", "at_larger_sizes", "each", "learn", "untrained"]


class Learned(NamedTuple):
    """S trained parameter sets (a leading axis of every leaf), each the best of its run on validation graphs.

    ``seconds`` of training include what had to be compiled; ``validation`` f32[S] are returns there.
    ``shares``: see :func:`at_larger_sizes`.
    """

    network: Network
    params: Any
    seconds: float
    validation: list[float]
    shares: tuple[float, ...] = ()


def learn(
    network: Network, train: GraphEnv, valid: GraphEnv, config: EvolutionConfig, seeds: int, note: Note
) -> Learned:
    """Train ``seeds`` runs in one program."""
    begin = time.perf_counter()
    runs = evolution_runs(network, config, seeds)
    note("compile")
    state: Any = runs.init(train, range(seeds))
    episodes = play(network, valid, state.params, jax.random.key(VALIDATION_SEED))
    # What training begins with is a classical criterion: nothing worse is kept.
    state = jax.vmap(keep_best)(state, episodes.rewards.sum(-1).mean(-1))
    for done, (state, metrics) in enumerate(runs.chunks(train, valid, state), 1):  # noqa: B007, B020 - donated
        note(f"train {done}/{config.chunks}, validation {float(np.mean(metrics.validation)):+.4f}")
    jax.block_until_ready(state.best_params)
    return Learned(network, state.best_params, time.perf_counter() - begin, np.asarray(state.best_value).tolist())


def each(learned: Learned) -> list[Any]:
    """The parameters of every seed."""
    seeds = jax.tree.leaves(learned.params)[0].shape[0]
    return [jax.tree.map(lambda leaf, s=s: jnp.asarray(leaf[s]), learned.params) for s in range(seeds)]


def at_larger_sizes(learned: Learned, cost: Callable[[list[Any]], np.ndarray]) -> Learned:
    """Of each seed the share of what it learned, from nothing to all, that ``cost`` is the lowest with.

    What pays on small graphs need not pay on large ones: the last word is that of larger validation graphs.

    Args:
        cost: parameter sets -> f64[how many].
    """
    begin, seeds = time.perf_counter(), each(learned)
    tried = [jax.tree.map(lambda leaf, c=c: leaf * c, params) for params in seeds for c in SHARES]
    best = cost(tried).reshape(len(seeds), len(SHARES)).argmin(-1)
    kept = [tried[i * len(SHARES) + place] for i, place in enumerate(best.tolist())]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *kept)
    shares = tuple(SHARES[place] for place in best.tolist())
    return learned._replace(params=stacked, seconds=learned.seconds + time.perf_counter() - begin, shares=shares)


def untrained(learned: Learned, seeds: int = 1) -> Learned:
    """The criterion that training began with, ``seeds`` times."""
    nothing = jax.tree.map(lambda leaf: np.zeros_like(leaf[:seeds]), learned.params)
    return Learned(learned.network, nothing, 0.0, [])
