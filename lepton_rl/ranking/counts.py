"""How often an entity is the answer to a relation: what any ranker must beat."""

from functools import cache
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.ranking.base import Ranker
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.triple_graph import TripleGraph, messages

__all__ = ["frequency"]


def _count(key: PRNGKeyArray, graph: TripleGraph) -> Float[Array, "R2 N"]:
    arcs = messages(graph)
    counts = jnp.zeros((2 * graph.num_relations, graph.capacity))
    return counts.at[arcs.relations, arcs.targets].add(arcs.present)


def _look_up(params: Any, graph: TripleGraph, h: Any, r: Any) -> Float[Array, "N"]:
    return params[r]


@cache
def frequency(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """The number of facts (·, r, t), whatever the head."""
    return Ranker(_count, _look_up, False)
