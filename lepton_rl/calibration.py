"""From evidence to probabilities: a small network fitted on labelled rows, and what its log-odds mean by other rows.

Letters: m rows, F columns, H hidden units.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.optimize import minimize

__all__ = ["Fitted", "Platt", "calibrated", "fit", "logits", "moved_prior", "platt"]

HIDDEN = 16
STEPS, RATE = 400, 0.02
DECAY = 0.1  # less of it is a little better on such rows as were fitted, and much worse on rows of another kind
_FAR = 6.0  # standard deviations; what lies farther is no more extreme than this


class Fitted(NamedTuple):
    """A fitted network.

    Attributes:
        mean, scale: f64[F], of the columns. ``params``: of the network.
    """

    mean: np.ndarray
    scale: np.ndarray
    params: Any


class Platt(NamedTuple):
    """What log-odds mean: probability = sigmoid(slope · log-odds + offset) (Platt 1999)."""

    slope: float
    offset: float


def fit(features: np.ndarray, labels: np.ndarray, seed: int = 0) -> Fitted:
    """Fit a network to rows f[m, F] with labels bool[m] by cross-entropy.

    Raises:
        ValueError: labels of one kind only.
    """
    _need_both(labels)
    mean, scale = features.mean(0), features.std(0) + 1e-6
    rows, wanted = _scaled(features, mean, scale), jnp.asarray(labels, jnp.float32)
    return Fitted(mean, scale, _fit(rows, wanted, jax.random.key(seed)))


def logits(model: Fitted, features: np.ndarray) -> np.ndarray:
    """Log-odds of rows f[m, F] as the network has them, before they are calibrated, f64[m]."""
    return np.asarray(_network(model.params, _scaled(features, model.mean, model.scale)), np.float64)


def platt(logits: np.ndarray, labels: np.ndarray) -> Platt:
    """What log-odds f[m] mean by labels bool[m] of rows that nothing was fitted to.

    Slope and offset of least cross-entropy with Platt's targets, which are never 0 or 1, so that both are finite.

    Raises:
        ValueError: labels of one kind only.
    """
    _need_both(labels)
    true, false = labels.sum(), (~labels).sum()
    wanted = np.where(labels, (true + 1) / (true + 2), 1 / (false + 2))
    scale = logits.std() + 1e-6
    rows = np.stack([logits / scale, np.ones_like(logits)], 1)

    def loss(found: np.ndarray) -> tuple[float, np.ndarray]:
        raw = rows @ found
        return float((np.logaddexp(0, raw) - wanted * raw).mean()), rows.T @ (_sigmoid(raw) - wanted) / len(raw)

    bounds = [(1e-3, None), (None, None)]  # a higher score is never less likely
    slope, offset = minimize(loss, np.array([scale, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Platt(float(slope / scale), float(offset))


def calibrated(scale: Platt, logits: np.ndarray) -> np.ndarray:
    """The probabilities f64[m] that log-odds f[m] mean."""
    return np.asarray(_sigmoid(scale.slope * logits + scale.offset))


def moved_prior(probability: np.ndarray, ratio: float) -> np.ndarray:
    """Probabilities f[m] as they are where the prior odds are ``ratio`` times those of the rows that were fitted.

    Bayes' rule multiplies odds by it (Saerens, Latinne & Decaestecker, Neural Computation 14, 2002).
    """
    return np.asarray(ratio * probability / (ratio * probability + 1 - probability))


def _scaled(features: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> Float[Array, "m F"]:
    return jnp.asarray(np.clip((features - mean) / scale, -_FAR, _FAR), jnp.float32)


def _need_both(labels: np.ndarray) -> None:
    if labels.all() or not labels.any():
        raise ValueError("probabilities need rows of both kinds to fit and to calibrate on: give more facts.")


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))


@jax.jit
def _network(params: Any, rows: Float[Array, "m F"]) -> Float[Array, "m"]:
    """A linear part, and one hidden layer."""
    hidden = jnp.tanh(rows @ params["inner"] + params["bias"])
    return rows @ params["linear"] + hidden @ params["outer"] + params["offset"]


@partial(jax.jit, static_argnames="steps")
def _fit(
    rows: Float[Array, "m F"], labels: Float[Array, "m"], key: PRNGKeyArray, steps: int = STEPS
) -> dict[str, Array]:
    F = rows.shape[1]
    inner = jax.random.normal(key, (F, HIDDEN)) / jnp.sqrt(F)
    nothing = {"linear": jnp.zeros(F), "bias": jnp.zeros(HIDDEN), "outer": jnp.zeros(HIDDEN), "offset": jnp.zeros(())}
    params: dict[str, Array] = nothing | {"inner": inner}
    optimiser = optax.adamw(optax.cosine_decay_schedule(RATE, steps), weight_decay=DECAY)

    def loss(params: dict[str, Array]) -> Float[Array, ""]:
        return optax.sigmoid_binary_cross_entropy(_network(params, rows), labels).mean()

    def update(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        params, state = carry
        step, state = optimiser.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, step), state), None

    return jax.lax.scan(update, (params, optimiser.init(params)), None, length=steps)[0][0]
