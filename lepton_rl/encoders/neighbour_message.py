"""Message passing with a message function: h_i <- σ(θ(h_i + Σ_{j in N(i)} ψ(h_j, e_ij))) (Gilmer et al., ICML 2017)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.graph import BitGraph, adjacency, degree
from lepton_rl.message_passing import Reduce, aggregate

__all__ = ["NeighbourMessage"]


class MessageRound(nnx.Module):
    """One round; ψ is relu of a linear map of (h_j, e_ij), θ a linear map, σ a relu."""

    def __init__(self, width: int, edge_features: int, reduce: Reduce, *, rngs: nnx.Rngs) -> None:
        self.reduce = reduce
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.message = nnx.Linear(width, width, rngs=rngs)
        self.edge = nnx.Linear(edge_features, width, use_bias=False, rngs=rngs) if edge_features else None
        self.update = nnx.Linear(width, width, rngs=rngs)

    def __call__(self, h: Float[Array, "N D"], graph: BitGraph) -> Float[Array, "N D"]:
        """One round."""
        message = self.message(self.norm(h))
        if self.edge is None or graph.edge_features is None:
            total = aggregate(jax.nn.relu(message), graph, self.reduce)
        else:
            pairs = jax.nn.relu(message[None] + self.edge(graph.edge_features))
            total = jnp.where(adjacency(graph)[..., None], pairs, 0.0).sum(1)
            if self.reduce == "mean":
                total /= jnp.maximum(degree(graph), 1).astype(h.dtype)[:, None]
        return jax.nn.relu(self.update(h + total))


class NeighbourMessage(nnx.Module):
    """``rounds`` of message passing with learned messages that may read edge features.

    Args:
        in_features: F. ``width``: D. ``rounds``: of message passing. ``edge_features``: Fe read by ψ, 0 = none.
        reduce: "mean" (the default) transfers across sizes and degrees.
    """

    def __init__(
        self, in_features: int, width: int = 64, rounds: int = 3, *, edge_features: int = 0, reduce: Reduce = "mean",
        rngs: nnx.Rngs,
    ) -> None:  # fmt: skip
        self.inputs = nnx.Linear(in_features, width, rngs=rngs)
        self.rounds = nnx.List([MessageRound(width, edge_features, reduce, rngs=rngs) for _ in range(rounds)])

    def __call__(self, x: Float[Array, "N F"], graph: BitGraph) -> Float[Array, "N D"]:
        """Embed every node; zero at absent ones."""
        present = graph.node_mask[:, None]
        h = jax.nn.relu(self.inputs(x)) * present
        for layer in self.rounds:
            h = layer(h, graph) * present
        return h
