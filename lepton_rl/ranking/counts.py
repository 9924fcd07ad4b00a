"""Rankers that are counted and not trained; here, how often an entity is the answer to a relation."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.metrics import Score
from lepton_rl.ranking import default_config, get_ranker
from lepton_rl.ranking.base import Ranker, scorer
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.triple_graph import TripleGraph, messages

__all__ = ["counted", "frequency"]


def counted(name: str, graph: TripleGraph) -> Score:
    """The scores of a ranker by name, counted on a graph.

    Raises:
        ValueError: an unknown ranker, or one that must be trained.
    """
    ranker = get_ranker(name, default_config(name), graph.capacity, graph.num_relations)
    if ranker.trained:
        raise ValueError(
            f"'{name}' must be trained before it proposes: give 'frequency' or 'rules', or, where candidates are asked "
            "for, what lepton_rl.ranking.candidates.propose makes of its scores."
        )
    return scorer(ranker, ranker.init(jax.random.key(0), graph), graph)


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
