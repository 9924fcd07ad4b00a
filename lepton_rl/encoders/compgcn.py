"""CompGCN: entities and relations are embedded together (Vashishth, Sanyal, Nitin & Talukdar, ICLR 2020)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.triple_graph import TripleGraph
from lepton_rl.triple_messages import arc_counts, relation_sum

__all__ = ["CompGCN", "mean_of_relations"]


def mean_of_relations(relations: Float[Array, "R2 D"], graph: TripleGraph) -> Float[Array, "N D"]:
    """Every entity as the mean of the relations that lead to it: a start without a parameter an entity."""
    ones = jnp.ones((graph.capacity, relations.shape[1]))
    return relation_sum(ones, relations, graph) / _at_least_one(graph)


def _at_least_one(graph: TripleGraph) -> Float[Array, "N 1"]:
    return jnp.maximum(arc_counts(graph), 1).astype(jnp.float32)[:, None]


class Composition(nnx.Module):
    """One round (their eq. 2, φ a product): own weights for relations, their inverses and the entity itself."""

    def __init__(self, num_relations: int, width: int, *, rngs: nnx.Rngs) -> None:
        self.num_relations = num_relations
        self.along, self.against = (Linear(width, width, use_bias=False, rngs=rngs) for _ in range(2))
        self.own = Linear(width, width, rngs=rngs)
        self.relations = Linear(width, width, use_bias=False, rngs=rngs)
        self.norm = nnx.LayerNorm(width, rngs=rngs)

    def __call__(
        self, h: Float[Array, "N D"], z: Float[Array, "R2 D"], graph: TripleGraph
    ) -> tuple[Float[Array, "N D"], Float[Array, "R2 D"]]:
        """Entities and relations after the round."""
        forward = (jnp.arange(z.shape[0]) < self.num_relations)[:, None]
        along = relation_sum(h, jnp.where(forward, z, 0.0), graph)
        against = relation_sum(h, jnp.where(forward, 0.0, z), graph)
        mixed = (self.along(along) + self.against(against)) / _at_least_one(graph) + self.own(h)
        return h + jax.nn.relu(self.norm(mixed)), self.relations(z)


class CompGCN(nnx.Module):
    """``(graph) -> (entities f32[N, D], relations f32[2R, D])``, without a parameter an entity.

    Entities start as :func:`mean_of_relations` in place of the paper's free embeddings, so that it works on entities it
    was not trained on; sums are divided by the number of arcs.

    Args:
        num_relations: R. ``width``: D. ``rounds``: of message passing.
    """

    def __init__(self, num_relations: int, width: int = 32, rounds: int = 2, *, rngs: nnx.Rngs) -> None:
        self.relations = nnx.Param(jax.random.normal(rngs.params(), (2 * num_relations, width)))
        self.rounds = nnx.List([Composition(num_relations, width, rngs=rngs) for _ in range(rounds)])

    def __call__(self, graph: TripleGraph) -> tuple[Float[Array, "N D"], Float[Array, "R2 D"]]:
        """Embed everything."""
        z = self.relations[...]
        h = mean_of_relations(z, graph)
        for layer in self.rounds:
            h, z = layer(h, z, graph)
        return h, z
