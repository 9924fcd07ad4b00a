"""structure2vec, mean-field variant (Dai, Dai & Song, ICML 2016), as S2V-DQN and RNet-DQN use it."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.message_passing import Reduce, aggregate, aggregate_messages, present_edge_features
from lepton_rl.storage import Graph

__all__ = ["Structure2Vec"]


class Structure2Vec(nnx.Module):
    """mu_i <- relu(W1 x_i + W2 Σ_j mu_j + W3 Σ_j relu(W4 w_ij)) over neighbours j, from mu = 0.

    The same weights in every round (Khalil et al., "Learning combinatorial optimization algorithms over graphs",
    2017, eq. 3); W1 has a bias. The last term is there for graphs with edge features and an encoder that reads them.

    Args:
        in_features: F. ``width``: D. ``rounds``: of message passing. ``edge_features``: Fe read by W4, 0 = none.
        reduce: "sum" (the paper's), "mean" or "max". ``max_degree``: the layout, see
            :func:`~lepton_rl.message_passing.aggregate`.
    """

    def __init__(
        self, in_features: int, width: int = 64, rounds: int = 3, *, edge_features: int = 0, reduce: Reduce = "sum",
        max_degree: int | None = None, rngs: nnx.Rngs,
    ) -> None:  # fmt: skip
        self.count, self.reduce, self.max_degree = rounds, reduce, max_degree
        self.inputs = Linear(in_features, width, rngs=rngs)
        self.neighbours = Linear(width, width, use_bias=False, rngs=rngs)
        self.edge = Linear(edge_features, width, use_bias=False, rngs=rngs) if edge_features else None
        self.edges = Linear(width, width, use_bias=False, rngs=rngs) if edge_features else None

    def __call__(self, x: Float[Array, "N F"], graph: Graph) -> Float[Array, "N D"]:
        """Embed every node; zero at absent ones."""
        present = graph.node_mask[:, None]
        own = self.inputs(jnp.where(present, x, 0.0))
        features = present_edge_features(graph)
        if self.edge is not None and self.edges is not None and features is not None:
            own += self.edges(aggregate_messages(jax.nn.relu(self.edge(features)), graph, self.reduce))
        mu = jax.nn.relu(own) * present  # the first round, from mu = 0
        for _ in range(self.count - 1):
            total = aggregate(mu, graph, self.reduce, self.max_degree)
            mu = jax.nn.relu(own + self.neighbours(total)) * present
        return mu
