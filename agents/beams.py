"""Where walks of a trained agent end: a beam of entities, and ranks of answers by what the last step is worth.

Letters: N entities, A actions, K the beam's width, P queries of the pool.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.base import whole
from envs.kg_walk import KGWalk
from lepton_rl.heads import Network
from lepton_rl.metrics import Known, Protocol, Ranking, evaluate, facts_of

__all__ = ["beam_ranking", "beam_scores"]

_BATCH = 32


@partial(jax.jit, static_argnames=("network", "width"))
def beam_scores(
    network: Network, env: KGWalk, params: Any, queries: Int[Array, "B"], *, width: int = 100
) -> Float[Array, "B N"]:
    """What ending at every entity is worth after a beam search from the queries of those numbers; -inf = not reached.

    After each step the ``width`` entities stay that the network values most, by the best step that leads there. Under
    the protocol "minerva" other known answers are masked at the last step, as its beam search does (Das et al. 2018).
    """
    return jax.vmap(partial(_search, network, env, params, width))(queries)


def _search(network: Network, env: KGWalk, params: Any, width: int, query: Int[Array, ""]) -> Float[Array, "N"]:
    N = env.pool.capacity
    begun, seen = env.reset(query, jax.random.key(0))  # walks draw nothing
    h = network.encode(params, whole(env, seen))

    def expand(at: Int[Array, ""], t: Int[Array, ""]) -> tuple[Array, Array]:
        observation = env.observe(replace(begun, at=at, t=t))
        values = network.score(params, h, whole(env, observation))
        return jnp.where(observation.legal, values, -jnp.inf), observation.candidates[:, 3]

    def step(t: Int[Array, ""], scores: Float[Array, "N"]) -> Float[Array, "N"]:
        best, entities = jax.lax.top_k(scores, min(width, N))
        values, targets = jax.vmap(expand, in_axes=(0, None))(entities, t)
        values = jnp.where(best[:, None] > -jnp.inf, values, -jnp.inf)
        return jnp.full(N, -jnp.inf).at[targets].max(values)

    start = jnp.where(jnp.arange(N) == begun.at, 0.0, -jnp.inf)
    scores = jax.lax.fori_loop(0, env.horizon, step, start)
    bar = jax.lax.top_k(scores, min(width, N))[0][-1]
    return jnp.where(scores >= bar, scores, -jnp.inf)


def beam_ranking(
    network: Network, env: KGWalk, params: Any, known: Known, protocol: Protocol, *, width: int = 100
) -> Ranking:
    """Ranks of the answers of all queries of the pool, which are those of facts from one side.

    Args:
        env: its own protocol says whether other answers are masked at the last step. ``known``: what ranks are
            filtered by. ``protocol``: :data:`lepton_rl.metrics.MINERVA`, or one of another convention.

    Raises:
        ValueError: the pool's queries are not of the protocol's side.
    """
    asked, R = np.asarray(env.pool.asked), known.num_relations
    tail = (asked[:, 1] < R).all()
    if protocol.side != ("tail" if tail else "head") or (not tail and (asked[:, 1] < R).any()):
        raise ValueError(f"the queries are not for {protocol.side}s: make the environment with side='{protocol.side}'.")
    facts = facts_of(asked, R)
    parts = [
        np.asarray(beam_scores(network, env, params, jnp.asarray(part), width=width))
        for part in np.resize(np.arange(len(asked)), (-(-len(asked) // _BATCH), _BATCH))
    ]
    scores, served = np.concatenate(parts)[: len(asked)], iter(range(0, len(asked), _BATCH))

    def score(entities: np.ndarray, relations: np.ndarray) -> np.ndarray:  # called in the order of the queries
        begin = next(served)
        return np.resize(scores[begin : begin + _BATCH], (_BATCH, scores.shape[1]))

    return evaluate(score, facts, known, protocol, batch=_BATCH)
