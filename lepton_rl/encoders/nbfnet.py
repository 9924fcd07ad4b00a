"""Query-conditioned propagation: Neural Bellman–Ford networks (Zhu, Zhang, Xhonneux & Tang, NeurIPS 2021)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.storage import Slot
from lepton_rl.triple_graph import TripleGraph
from lepton_rl.triple_messages import relation_sum

__all__ = ["NBFNet"]


class Propagation(nnx.Module):
    """One round: h + relu(norm(W h + U (Σ h_s ∘ w_r + boundary))), messages as DistMult's products (their table 3)."""

    def __init__(self, num_relations: int, width: int, dense: bool | None, *, rngs: nnx.Rngs) -> None:
        self.dense = dense
        self.weights = nnx.Param(jax.random.normal(rngs.params(), (2 * num_relations, width)))
        self.own = Linear(width, width, rngs=rngs)
        self.received = Linear(width, width, use_bias=False, rngs=rngs)
        self.norm = nnx.LayerNorm(width, rngs=rngs)

    def __call__(
        self, h: Float[Array, "N D"], boundary: Float[Array, "N D"], graph: TripleGraph
    ) -> Float[Array, "N D"]:
        """One round; the boundary is received again in each, as a message from the query to its entity."""
        total = relation_sum(h, self.weights[...], graph, self.dense) + boundary
        return h + jax.nn.relu(self.norm(self.own(h) + self.received(total)))


class NBFNet(nnx.Module):
    """Embeddings of every entity as an answer to one query (h, r, ?): what the paths from h to it are like.

    Starts from the query's embedding at h and zeros elsewhere; relations have weights, entities have none, so that it
    works on entities and graphs it was not trained on.

    Args:
        num_relations: R. ``width``: D. ``rounds``: the longest paths that are seen.
        dense: the layout, see :func:`~lepton_rl.triple_messages.relation_sum`.
    """

    def __init__(
        self, num_relations: int, width: int = 32, rounds: int = 3, *, dense: bool | None = None, rngs: nnx.Rngs
    ) -> None:
        self.queries = nnx.Param(jax.random.normal(rngs.params(), (2 * num_relations, width)))
        self.rounds = nnx.List([Propagation(num_relations, width, dense, rngs=rngs) for _ in range(rounds)])

    def __call__(self, graph: TripleGraph, h: Slot, r: Slot) -> Float[Array, "N D"]:
        """Embed every entity for the query of entity h and relation r in [0, 2R)."""
        start = (jnp.arange(graph.capacity) == h)[:, None]
        embedded = boundary = jnp.where(start, self.queries[r], 0.0)
        for layer in self.rounds:
            embedded = layer(embedded, boundary, graph)
        return embedded
