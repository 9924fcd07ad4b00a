"""Message passing with a message function: h_i <- σ(θ(h_i + Σ_{j in N(i)} ψ(h_j, e_ij))) (Gilmer et al., ICML 2017)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.message_passing import Reduce, aggregate, aggregate_messages, present_edge_features
from lepton_rl.storage import Graph

__all__ = ["NeighbourMessage"]


class MessageRound(nnx.Module):
    """One round; ψ is relu of a linear map of (norm(h_j), e_ij), θ a linear map, σ a relu."""

    def __init__(
        self, width: int, edge_features: int, reduce: Reduce, max_degree: int | None, *, rngs: nnx.Rngs
    ) -> None:
        self.reduce, self.max_degree = reduce, max_degree
        self.norm = nnx.LayerNorm(width, use_scale=False, use_bias=False, rngs=rngs)
        self.message = Linear(width, width, rngs=rngs)
        self.edge = Linear(edge_features, width, use_bias=False, rngs=rngs) if edge_features else None
        self.update = Linear(width, width, rngs=rngs)

    def __call__(
        self, h: Float[Array, "N D"], graph: Graph, features: Float[Array, "N N Fe"] | None
    ) -> Float[Array, "N D"]:
        """One round."""
        message = self.message(self.norm(h))
        if self.edge is None or features is None:
            total = aggregate(jax.nn.relu(message), graph, self.reduce, self.max_degree)
        else:
            total = aggregate_messages(jax.nn.relu(message[None] + self.edge(features)), graph, self.reduce)
        return jax.nn.relu(self.update(h + total))


class NeighbourMessage(nnx.Module):
    """``rounds`` of message passing with learned messages that may read edge features.

    Args:
        in_features: F. ``width``: D. ``rounds``: of message passing. ``edge_features``: Fe read by ψ, 0 = none; a
            graph without edge features is read without.
        reduce: "mean" (the default) transfers across sizes and degrees; "sum", "max". ``max_degree``: the layout where
            no edge features are read, see :func:`~lepton_rl.message_passing.aggregate`.
    """

    def __init__(
        self, in_features: int, width: int = 64, rounds: int = 3, *, edge_features: int = 0, reduce: Reduce = "mean",
        max_degree: int | None = None, rngs: nnx.Rngs,
    ) -> None:  # fmt: skip
        self.inputs = Linear(in_features, width, rngs=rngs)
        self.rounds = nnx.List(
            [MessageRound(width, edge_features, reduce, max_degree, rngs=rngs) for _ in range(rounds)]
        )

    def __call__(self, x: Float[Array, "N F"], graph: Graph) -> Float[Array, "N D"]:
        """Embed every node; zero at absent ones."""
        present = graph.node_mask[:, None]
        h = jax.nn.relu(self.inputs(jnp.where(present, x, 0.0))) * present
        features = present_edge_features(graph)
        for layer in self.rounds:
            h = layer(h, graph, features) * present
        return h
