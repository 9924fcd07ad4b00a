"""The query-conditioned ranker: one pass scores all tails of a query."""

from functools import cache

import jax
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.encoders.nbfnet import NBFNet
from lepton_rl.ranking.base import Ranker, ranker_from_module
from lepton_rl.ranking.config import RankerConfig
from lepton_rl.storage import Slot
from lepton_rl.triple_graph import TripleGraph

__all__ = ["nbfnet"]


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
        self.encoder = NBFNet(num_relations, config.width, config.rounds, rngs=rngs)
        self.head = TailScore(config.width, rngs=rngs)

    def __call__(self, graph: TripleGraph, h: Slot, r: Slot) -> Float[Array, "N"]:
        """Score every entity as the answer."""
        return self.head(self.encoder(graph, h, r), self.encoder.queries[r])


@cache
def nbfnet(config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """:class:`~lepton_rl.encoders.nbfnet.NBFNet` and a head of two layers; knows relations and no entity."""
    return ranker_from_module(lambda rngs: QueryRanker(config, num_relations, rngs=rngs))
