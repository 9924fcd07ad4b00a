"""structure2vec, mean-field variant (Dai, Dai & Song, ICML 2016), as S2V-DQN and RNet-DQN use it."""

import jax
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.graph import BitGraph
from lepton_rl.message_passing import Reduce, aggregate

__all__ = ["Structure2Vec"]


class Structure2Vec(nnx.Module):
    """mu <- relu(W1 x + W2 Σ_{j in N(i)} mu_j) from mu = 0; the same weights in every round (Khalil et al. 2017, eq. 3).

    Args:
        in_features: F. ``width``: D. ``rounds``: of message passing. ``reduce``: "sum" (the paper's) or "mean".
    """

    def __init__(
        self, in_features: int, width: int = 64, rounds: int = 3, *, reduce: Reduce = "sum", rngs: nnx.Rngs
    ) -> None:
        self.count, self.reduce = rounds, reduce
        self.inputs = nnx.Linear(in_features, width, rngs=rngs)
        self.neighbours = nnx.Linear(width, width, use_bias=False, rngs=rngs)

    def __call__(self, x: Float[Array, "N F"], graph: BitGraph) -> Float[Array, "N D"]:
        """Embed every node; zero at absent ones."""
        present = graph.node_mask[:, None]
        own = self.inputs(x)
        mu = jax.nn.relu(own) * present  # the first round, from mu = 0
        for _ in range(self.count - 1):
            mu = jax.nn.relu(own + self.neighbours(aggregate(mu, graph, self.reduce))) * present
        return mu
