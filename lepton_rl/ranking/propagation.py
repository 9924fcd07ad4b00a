"""The query-conditioned ranker: one pass scores all tails of a query, over the whole graph or what is near."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.encoders.nbfnet import NBFNet
from lepton_rl.neighbourhoods import neighbourhood
from lepton_rl.ranking.base import Ranker, ranker_from_module
from lepton_rl.ranking.config import RankerConfig, default_config
from lepton_rl.storage import Slot
from lepton_rl.triple_graph import TripleGraph

__all__ = ["nbfnet", "nbfnet_near"]


class TailScore(nnx.Module):
    """A number an entity from its embedding and the query's: two layers."""

    def __init__(self, width: int, *, rngs: nnx.Rngs) -> None:
        self.own = Linear(width, 2 * width, rngs=rngs)
        self.query = nnx.Linear(width, 2 * width, use_bias=False, rngs=rngs)
        self.last = nnx.Linear(2 * width, 1, use_bias=False, rngs=rngs)

    def __call__(self, h: Float[Array, "N D"], query: Float[Array, "D"]) -> Float[Array, "N"]:
        """Score every entity."""
        return self.last(jax.nn.relu(self.own(h) + self.query(query)))[:, 0]


class QueryRanker(nnx.Module):
    """An encoder that is told the query, and a head."""

    def __init__(self, config: RankerConfig, num_relations: int, *, rngs: nnx.Rngs) -> None:
        dense = False if config.hops else None  # a neighbourhood is no other query's: there is no matrix to share
        self.encoder = NBFNet(num_relations, config.width, config.rounds, dense=dense, rngs=rngs)
        self.head = TailScore(config.width, rngs=rngs)
        self.hops, self.facts = config.hops, config.facts

    def __call__(self, graph: TripleGraph, h: Slot, r: Slot) -> Float[Array, "N"]:
        """Score every entity as the answer; outside of a neighbourhood all alike, as one that no fact is of."""
        if not self.hops:
            return self.head(self.encoder(graph, h, r), self.encoder.queries[r])
        near = neighbourhood(graph, h, self.hops, self.facts)
        scores = self.head(self.encoder(near.graph, near.center, r), self.encoder.queries[r])
        return jnp.full(graph.capacity, scores[-1]).at[near.entities].set(scores, mode="drop")


@cache
def nbfnet(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """:class:`~lepton_rl.encoders.nbfnet.NBFNet` and a head of two layers; knows relations and no entity.

    With ``config.hops`` it reads the facts near a query's entity alone (:mod:`lepton_rl.neighbourhoods`).
    """
    return ranker_from_module(lambda rngs: QueryRanker(config, num_relations, rngs=rngs))


@cache
def nbfnet_near(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """The same on the facts within ``config.hops`` steps, the usual number where that is 0."""
    return nbfnet(replace(config, hops=config.hops or default_config("nbfnet-near").hops), num_entities, num_relations)
