"""Convolutions that embed the graph once for all queries, and DistMult's product as the decoder."""

from collections.abc import Callable
from functools import cache
from typing import Any

from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.compgcn import CompGCN
from lepton_rl.encoders.rgcn import RGCN
from lepton_rl.ranking.base import Ranker, ranker_from_module
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.storage import Slot
from lepton_rl.triple_graph import TripleGraph

__all__ = ["compgcn", "rgcn"]


class ProductRanker(nnx.Module):
    """Σ h z_r t of embeddings that an encoder makes of the graph, which no query changes."""

    def __init__(
        self, encoder: Callable[..., Any], config: RankerConfig, num_relations: int, *, rngs: nnx.Rngs
    ) -> None:
        self.encoder = encoder(num_relations, config.width, config.rounds, rngs=rngs)

    def __call__(self, graph: TripleGraph, h: Slot, r: Slot) -> Float[Array, "N"]:
        """Score every entity as the answer."""
        entities, relations = self.encoder(graph)
        return entities @ (entities[h] * relations[r]) / entities.shape[1] ** 0.5


@cache
def compgcn(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """:class:`~lepton_rl.encoders.compgcn.CompGCN` with DistMult's product."""
    return ranker_from_module(lambda rngs: ProductRanker(CompGCN, config, num_relations, rngs=rngs))


@cache
def rgcn(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """:class:`~lepton_rl.encoders.rgcn.RGCN` with DistMult's product."""
    return ranker_from_module(lambda rngs: ProductRanker(RGCN, config, num_relations, rngs=rngs))
