"""Embeddings of entities and relations: what a fact's score is made of when nothing is read from the graph.

Heads are asked for by a relation of their own, r + R (reciprocal relations; Lacroix, Usunier & Obozinski, ICML 2018).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.ranking.base import Ranker
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.triple_graph import TripleGraph

__all__ = ["complex_", "distmult", "rotate", "transe"]

Compare = Callable[[Float[Array, "D"], Float[Array, "D"], Float[Array, "N D"]], Float[Array, "N"]]


def _translated(h: Float[Array, "D"], r: Float[Array, "D"], tails: Float[Array, "N D"]) -> Float[Array, "N"]:
    return -jnp.abs(h + r - tails).sum(-1)


def _product(h: Float[Array, "D"], r: Float[Array, "D"], tails: Float[Array, "N D"]) -> Float[Array, "N"]:
    return tails @ (h * r)


def _turned(h: Float[Array, "D"], a: Float[Array, "D2"], b: Float[Array, "D2"]) -> tuple[Array, Array]:
    """Real and imaginary part of h (a + bi); h holds real parts, then imaginary ones."""
    x, y = jnp.split(h, 2)
    return x * a - y * b, x * b + y * a


def _complex_product(h: Float[Array, "D"], r: Float[Array, "D"], tails: Float[Array, "N D"]) -> Float[Array, "N"]:
    return tails @ jnp.concatenate(_turned(h, *jnp.split(r, 2)))


def _rotated(h: Float[Array, "D"], r: Float[Array, "D"], tails: Float[Array, "N D"]) -> Float[Array, "N"]:
    angle = jnp.split(r, 2)[0]
    real, imaginary = _turned(h, jnp.cos(angle), jnp.sin(angle))
    x, y = jnp.split(tails, 2, axis=-1)
    return -jnp.sqrt((real - x) ** 2 + (imaginary - y) ** 2 + 1e-9).sum(-1)


def _ranker(compare: Compare, scale: float, config: RankerConfig, N: int, R: int) -> Ranker:
    def init(key: PRNGKeyArray, graph: TripleGraph) -> Any:
        entities, relations = jax.random.split(key)
        return {
            "entities": scale * jax.random.normal(entities, (N, config.width)),
            "relations": scale * jax.random.normal(relations, (2 * R, config.width)),
        }

    def score(params: Any, graph: TripleGraph, h: Any, r: Any) -> Float[Array, "N"]:
        return compare(params["entities"][h], params["relations"][r], params["entities"])

    return Ranker(init, score, True)


@cache
def transe(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """-|h + r - t|₁ (Bordes et al., NIPS 2013)."""
    return _ranker(_translated, 0.1, config, num_entities, num_relations)


@cache
def distmult(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """Σ h r t (Yang et al., ICLR 2015)."""
    return _ranker(_product, 0.3, config, num_entities, num_relations)


@cache
def complex_(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """Re Σ h r t̄ (Trouillon et al., ICML 2016); an even width, half of it imaginary."""
    return _ranker(_complex_product, 0.3, config, num_entities, num_relations)


@cache
def rotate(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """-Σ |h e^{ir} - t| (Sun et al., ICLR 2019); an even width, half of it imaginary."""
    return _ranker(_rotated, 0.3, config, num_entities, num_relations)
