"""R-GCN: a matrix a relation, made of a few shared ones (Schlichtkrull et al., ESWC 2018)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.compgcn import mean_of_relations
from lepton_rl.encoders.linear import Linear
from lepton_rl.triple_graph import TripleGraph
from lepton_rl.triple_messages import arc_counts, relation_sum

__all__ = ["RGCN"]


class RelationRound(nnx.Module):
    """One round: W h + Σ_b V_b Σ a_rb h_s over the arcs (their eq. 2 and 3), divided by all arcs of the entity.

    The paper divides by the arcs of each relation; the sum over bases is made before its matrices are applied.
    """

    def __init__(self, num_relations: int, width: int, bases: int, *, rngs: nnx.Rngs) -> None:
        self.shares = nnx.Param(jax.random.normal(rngs.params(), (2 * num_relations, bases)))
        self.bases = nnx.List([Linear(width, width, use_bias=False, rngs=rngs) for _ in range(bases)])
        self.own = Linear(width, width, rngs=rngs)
        self.norm = nnx.LayerNorm(width, rngs=rngs)

    def __call__(self, h: Float[Array, "N D"], graph: TripleGraph) -> Float[Array, "N D"]:
        """Entities after the round."""
        D, B = h.shape[1], len(self.bases)
        sums = relation_sum(jnp.tile(h, B), jnp.repeat(self.shares[...], D, axis=1), graph)
        mixed = sum(basis(part) for basis, part in zip(self.bases, jnp.split(sums, B, axis=1), strict=True))
        counts = jnp.maximum(arc_counts(graph), 1).astype(h.dtype)[:, None]
        return h + jax.nn.relu(self.norm(mixed / counts + self.own(h)))


class RGCN(nnx.Module):
    """``(graph) -> (entities f32[N, D], relations f32[2R, D])``, without a parameter an entity.

    Entities start as the mean of their relations' embeddings, which are also what a DistMult decoder reads.

    Args:
        num_relations: R. ``width``: D. ``rounds``: of message passing. ``bases``: matrices a round.
    """

    def __init__(
        self, num_relations: int, width: int = 32, rounds: int = 2, *, bases: int = 4, rngs: nnx.Rngs
    ) -> None:
        self.relations = nnx.Param(jax.random.normal(rngs.params(), (2 * num_relations, width)))
        self.rounds = nnx.List([RelationRound(num_relations, width, bases, rngs=rngs) for _ in range(rounds)])

    def __call__(self, graph: TripleGraph) -> tuple[Float[Array, "N D"], Float[Array, "R2 D"]]:
        """Embed everything."""
        z = self.relations[...]
        h = mean_of_relations(z, graph)
        for layer in self.rounds:
            h = layer(h, graph)
        return h, z
