"""Greedy editors of a knowledge graph: one column of evidence, calibrated on training draws, and a threshold.

Letters: P episodes, A actions, L edits, F numbers of evidence.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.optimize import isotonic_regression

from agents.repair import by_rank, gains, told
from envs.base import Policy, Trajectory, rollout
from envs.kg_repair import KGRepair
from lepton_rl.proposals import ADD, DELETE, RELABEL, REPLACE, SCORES, STOP

__all__ = ["BY_VALUE", "RANDOM", "Editor", "best_editor", "by_all", "by_column", "played", "random_episodes"]

_THRESHOLDS = (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.5)  # of what an edit is expected to bring


class Editor(NamedTuple):
    """What each candidate is expected to bring: ``values(env) -> f[P, A]``; and the least for which it is made."""

    name: str
    values: Callable[[KGRepair], np.ndarray]
    threshold: float = 0.0


def _by_value(key: Any, h: Any, observation: Any) -> Int[Array, ""]:
    return jnp.argmax(jnp.where(observation.legal, observation.evidence[:, 0], -jnp.inf)).astype(jnp.int32)


def _random(key: Any, h: Any, observation: Any) -> Int[Array, ""]:
    draws = jax.random.uniform(key, observation.legal.shape)
    return jnp.argmax(jnp.where(observation.legal, draws, -1.0)).astype(jnp.int32)


BY_VALUE = Policy(lambda observation: (), _by_value)
"""The candidate of the largest value, which stands where the evidence does."""
RANDOM = Policy(lambda observation: (), _random)
"""Any that may be made, STOP among them."""


@jax.jit
def _play(env: KGRepair, values: Float[Array, "P A"], key: Any) -> Trajectory:
    return _rolled(told(env, values[:, :, None]), BY_VALUE, key)


def _rolled(env: KGRepair, policy: Policy, key: Any) -> Trajectory:
    env_key, act_key = jax.random.split(key)
    keys, act_keys = (jax.random.split(one, env.pool.size) for one in (env_key, act_key))
    return rollout(env, policy, jnp.arange(env.pool.size), keys, act_keys)


def random_episodes(env: KGRepair) -> Trajectory:
    """An episode of random edits on each focus."""
    return _random_episodes(env, jax.random.key(0))


@jax.jit
def _random_episodes(env: KGRepair, key: Any) -> Trajectory:
    return _rolled(env, RANDOM, key)


def played(env: KGRepair, editor: Editor) -> Trajectory:
    """An episode on each focus: the best expected edit, as long as it is above the threshold."""
    values = np.where(np.asarray(env.pool.candidates)[..., 0] == STOP, 0, editor.values(env) - editor.threshold)
    return _play(env, jnp.asarray(values, jnp.float32), jax.random.key(0))


def _scores(env: KGRepair, column: int) -> np.ndarray:
    """What a column says for each candidate, f[P, A]: for what comes less for what goes; of types, theirs."""
    seen = np.asarray(env.pool.evidence)
    half = seen.shape[-1] // 2
    gone, came = seen[..., :half], seen[..., half:]
    more = came - gone
    relabels = np.asarray(env.pool.candidates)[..., 0] == RELABEL
    return np.where(relabels, more[..., SCORES.index("type")], more[..., column])


def _kinds(env: KGRepair) -> Iterator[np.ndarray]:
    """Which candidates bool[P, A] add, delete, replace and relabel."""
    operation = np.asarray(env.pool.candidates)[..., 0]
    for kind in ((ADD,), (DELETE,), REPLACE, (RELABEL,)):
        yield np.isin(operation, kind)


def by_column(train: KGRepair, column: int) -> Callable[[KGRepair], np.ndarray]:
    """What candidates are expected to bring by one column: rising with it, one curve a kind of edit.

    Isotonic regression (Barlow, Bartholomew, Bremner & Brunk 1972) on what every candidate of ``train`` brings.
    """
    worth, scores, curves = gains(train), _scores(train, column), []
    for mine in _kinds(train):
        points, place, counts = np.unique(scores[mine], return_inverse=True, return_counts=True)
        if len(points):
            means = np.bincount(place, worth[mine]) / counts
            curves.append((points, isotonic_regression(means, weights=counts).x))
        else:
            curves.append((np.zeros(1), np.zeros(1)))

    def values(env: KGRepair) -> np.ndarray:
        scores, out = _scores(env, column), np.zeros(env.pool.goes.shape)
        for mine, curve in zip(_kinds(env), curves, strict=True):
            out[mine] = np.interp(scores[mine], *curve)
        return out

    return values


def by_all(train: KGRepair) -> Callable[[KGRepair], np.ndarray]:
    """What candidates are expected to bring by all columns, as ranks: least squares on ``train``, for each kind."""
    worth, weights = gains(train), []
    ranked = np.asarray(by_rank(train, train).pool.evidence)
    for mine in _kinds(train):
        inputs = np.c_[ranked[mine], np.ones(mine.sum())]
        square = inputs.T @ inputs + 1e-3 * np.eye(inputs.shape[1])
        weights.append(np.linalg.solve(square, inputs.T @ worth[mine]))

    def values(env: KGRepair) -> np.ndarray:
        seen, out = np.asarray(by_rank(env, train).pool.evidence), np.zeros(env.pool.goes.shape)
        for mine, weight in zip(_kinds(env), weights, strict=True):
            out[mine] = seen[mine] @ weight[:-1] + weight[-1]
        return out

    return values


def best_editor(editors: Sequence[Editor], valid: KGRepair) -> Editor:
    """Of some editors and thresholds those with the largest return on ``valid``."""
    best, most = editors[0], -np.inf
    for editor in editors:
        values = editor.values(valid)
        for bar in _THRESHOLDS:
            tried = editor._replace(threshold=bar)
            gained = float(played(valid, tried._replace(values=lambda env, values=values: values)).rewards.sum())
            if gained > most:
                best, most = tried, gained
    return best
