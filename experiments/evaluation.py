"""Measuring: the same held-out graphs, the same scoring noise and the same budget for every method.

Three noises never meet: episodes of training, a method's own search or play, and the reported score. Letters:
P graphs, S seeds, T steps.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from agents import training
from envs.base import GraphEnv
from lepton_rl.graph import BitGraph
from lepton_rl.heads import Network
from lepton_rl.objectives import score

__all__ = ["Interval", "entry", "final_graphs", "interval", "paired_interval", "plan", "play", "values"]

SEARCH, SCORE = 1, 2  # folded into a seed: a method's own noise, the reported score's


class Interval(NamedTuple):
    """A mean and its 95 % confidence interval ``[low, high]``."""

    mean: float
    low: float
    high: float


def entry(result: Interval) -> dict[str, Any]:
    """A mean with its interval, as JSON."""
    return {"mean": result.mean, "ci95": [result.low, result.high]}


def play(network: Network, env: GraphEnv, params: Any, seed: int) -> Int[Array, "S P T"]:
    """Actions of greedy episodes of S parameter sets (leading axis of every leaf) on all P graphs, i32[S, P, T].

    -1 after the end of an episode that is over early.
    """
    episodes = training.play(network, env, params, jax.random.fold_in(jax.random.key(seed), SEARCH))
    over = jnp.roll(episodes.terminated, 1, axis=-1).at[..., 0].set(False)
    return jnp.where(over, -1, episodes.actions)


@partial(jax.jit, static_argnums=0)
def _plan(planner: Any, env: GraphEnv, keys: PRNGKeyArray) -> Int[Array, "P T"]:
    return jax.vmap(planner, in_axes=(None, 0, 0))(env, jnp.arange(env.pool.size), keys)


def plan(planner: Any, env: GraphEnv, seed: int) -> Int[Array, "P T"]:
    """A planner's actions on all P graphs, with search noise of its own, i32[P, T]."""
    key = jax.random.fold_in(jax.random.key(seed), SEARCH)
    return _plan(planner, env, jax.random.split(key, env.pool.size))


@jax.jit
def final_graphs(env: GraphEnv, actions: Int[Array, "P T"]) -> BitGraph:
    """The P graphs after the actions of one episode on each."""

    def one(start: Array, actions: Array) -> BitGraph:
        # The graph does not depend on the episode's noise, so any key serves.
        return env.graph(env.rebuild(start, jax.random.key(0), actions, jnp.int32(env.horizon)))

    return jax.vmap(one)(jnp.arange(env.pool.size), actions)


@partial(jax.jit, static_argnums=(1, 2))
def _values(graphs: BitGraph, objective: Any, draws: int, key: PRNGKeyArray) -> Float[Array, "P"]:
    def one(graph: BitGraph, key: PRNGKeyArray) -> Array:
        return jax.lax.map(lambda i: score(objective, graph, jax.random.fold_in(key, i)), jnp.arange(draws)).mean()

    return jax.vmap(one)(graphs, jax.random.split(key, graphs.rows.shape[0]))


def values(graphs: BitGraph, objective: Any, seed: int, draws: int = 10) -> np.ndarray:
    """The reported value of P graphs, f32[P]: the mean over ``draws`` draws of the objective's noise.

    Graph i is scored with the same noise whatever the method, so that differences are paired.
    """
    key = jax.random.fold_in(jax.random.key(seed), SCORE)
    return np.asarray(_values(graphs, objective, draws, key))


def interval(samples: np.ndarray, resamples: int = 4000, seed: int = 0) -> Interval:
    """Mean and 95 % percentile bootstrap of ``samples`` f[S, P] (or f[P]): seeds and graphs are both resampled."""
    table = np.atleast_2d(np.asarray(samples, np.float64))
    rng = np.random.default_rng(seed)
    S, P = table.shape
    by_seed = rng.multinomial(S, np.full(S, 1 / S), size=resamples) / S
    by_graph = rng.multinomial(P, np.full(P, 1 / P), size=resamples) / P
    means = np.einsum("rs,sp,rp->r", by_seed, table, by_graph, optimize=True)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(table.mean()), float(low), float(high))


def paired_interval(samples: np.ndarray, reference: np.ndarray) -> Interval:
    """Interval of ``samples`` f[S, P] minus ``reference`` f[P] (or f[S', P], averaged over S'), paired by graph."""
    return interval(np.atleast_2d(samples) - np.atleast_2d(reference).mean(0))
