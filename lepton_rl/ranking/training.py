"""Supervised training of rankers: each fact asks for its tail and its head, all entities are candidates.

The facts that a batch asks for are hidden from the graph meanwhile (both directions), so that no query finds its own
edge; other known answers count neither for nor against.
Letters: N entities, R relations, E facts, F of them asked for, S facts of a batch, Q = 2S or S queries.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from lepton_rl.facts import both_ways
from lepton_rl.metrics import Known, Protocol, evaluate
from lepton_rl.ranking.base import Ranker, scorer
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.triple_graph import TripleGraph, answers, hide

__all__ = ["Fitted", "fit"]

Note = Callable[[str], None]


class Fitted(NamedTuple):
    """A ranker's parameters, the validation MRR of every epoch, the epoch they are of, and the seconds it all took."""

    params: Any
    validation: list[float]
    epoch: int
    seconds: float


def _ignore(_: str) -> None:
    pass


def fit(
    ranker: Ranker, config: RankerConfig, graph: TripleGraph, valid: np.ndarray, known: Known, key: PRNGKeyArray,
    protocol: Protocol = Protocol(), note: Note = _ignore, asked: np.ndarray | None = None,  # noqa: B008 - a frozen record
) -> Fitted:  # fmt: skip
    """Train a ranker on the facts of ``graph``; what is counted and not trained comes back as it is.

    Args:
        graph: without edits. ``valid``: int[m, 3], facts that choose the epoch. ``known``: what their ranks are
            filtered by, as usual the facts of all parts.
        key: of everything random. ``protocol``: of validation. ``note``: is told how far it is.
        asked: int[F], numbers of the facts that training asks for; by default all.

    Raises:
        ValueError: no facts to train on or to choose by.
    """
    begin = time.perf_counter()
    first, rest = jax.random.split(key)
    params = ranker.init(first, graph)
    if not ranker.trained:
        return Fitted(params, [], 0, time.perf_counter() - begin)
    numbers = jnp.arange(graph.num_facts) if asked is None else jnp.asarray(asked, jnp.int32)
    if not len(numbers) or not len(valid):
        raise ValueError("training needs facts, and validation facts to choose the epoch by: both must be there.")
    best, validation, state = params, [], _optimiser(config).init(params)
    rates = _rates(config, len(numbers))
    for epoch, one in enumerate(jax.random.split(rest, config.epochs)):
        params, state, loss = _epoch(ranker, config, graph, numbers, params, state, rates[epoch], one)
        ranking = evaluate(scorer(ranker, params, graph), valid, known, protocol)
        validation.append(ranking.metrics()["mrr"])
        note(f"epoch {epoch + 1}/{config.epochs}, loss {float(loss):.3f}, validation {validation[-1]:.4f}")
        if validation[-1] == max(validation):
            best = params
    return Fitted(best, validation, int(np.argmax(validation)), time.perf_counter() - begin)


def _optimiser(config: RankerConfig) -> optax.GradientTransformation:
    return optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(config.weight_decay))


def _steps(config: RankerConfig, facts: int) -> int:
    return -(-facts // config.batch_size)


def _rates(config: RankerConfig, facts: int) -> Float[Array, "epochs steps"]:
    """The learning rate of every update."""
    steps = _steps(config, facts)
    done = jnp.arange(config.epochs * steps) / (config.epochs * steps)
    return (config.learning_rate * (1 + jnp.cos(jnp.pi * done)) / 2).reshape(config.epochs, steps)


@partial(jax.jit, static_argnums=(0, 1))
def _epoch(
    ranker: Ranker, config: RankerConfig, graph: TripleGraph, asked: Int[Array, "F"], params: Any, state: Any,
    rates: Float[Array, "steps"], key: PRNGKeyArray,
) -> tuple[Any, Any, Float[Array, ""]]:  # fmt: skip
    """One pass over the facts asked for in a new order; the last batch is filled up with facts drawn a second time."""
    shuffle, drops = jax.random.split(key)
    size = config.batch_size
    order = jnp.resize(jax.random.permutation(shuffle, asked), (rates.shape[0], size))

    def update(carry: tuple[Any, Any], one: tuple[Array, Array, Array]) -> tuple[tuple[Any, Any], Array]:
        params, state = carry
        numbers, rate, key = one
        loss, gradient = jax.value_and_grad(_loss, 2)(ranker, config, params, graph, numbers, key)
        step, state = _optimiser(config).update(gradient, state, params)
        return (jax.tree.map(lambda p, s: p - rate * s, params, step), state), loss

    batches = order, rates, jax.random.split(drops, rates.shape[0])
    (params, state), losses = jax.lax.scan(update, (params, state), batches)
    return params, state, losses.mean()


def _loss(
    ranker: Ranker, config: RankerConfig, params: Any, graph: TripleGraph, numbers: Int[Array, "S"], key: PRNGKeyArray
) -> Float[Array, ""]:
    """Cross entropy of the answers among all entities that are not known answers too."""
    asked = graph.base.triples[numbers]
    h, r, t = both_ways(asked, graph.num_relations) if config.sides == "both" else asked.T
    seen = hide(_thinned(graph, config.drop, key), numbers)
    scores = jax.vmap(partial(ranker.score, params, seen))(h, r)
    own = jnp.arange(graph.capacity) == t[:, None]
    others: Bool[Array, "Q N"] = jax.vmap(partial(answers, graph))(h, r) & ~own
    among = jax.nn.logsumexp(jnp.where(others, -jnp.inf, scores), axis=-1)
    return (among - (scores * own).sum(-1)).mean()


def _thinned(graph: TripleGraph, drop: float, key: PRNGKeyArray) -> TripleGraph:
    if not drop:
        return graph
    return replace(graph, shown=jax.random.bernoulli(key, 1 - drop, (graph.num_facts,)))
