"""Graph isomorphism network (Xu, Hu, Leskovec & Jegelka, "How powerful are graph neural networks?", ICLR 2019)."""

import jax
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.graph import BitGraph
from lepton_rl.message_passing import Reduce, aggregate

__all__ = ["GIN"]


class GINRound(nnx.Module):
    """h + MLP(norm(h) W + aggregate(norm(h)) U): eq. 4.1 with separate weights for the node and its neighbours.

    The separate weights contain GIN's (1 + ε) h + Σ h as U = W / (1 + ε); the residual and the layer norm before it
    keep deep stacks trainable without running statistics.
    """

    def __init__(self, width: int, reduce: Reduce, *, rngs: nnx.Rngs) -> None:
        self.reduce = reduce
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.own = nnx.Linear(width, width, rngs=rngs)
        self.neighbours = nnx.Linear(width, width, use_bias=False, rngs=rngs)
        self.out = nnx.Linear(width, width, rngs=rngs)

    def __call__(self, h: Float[Array, "N D"], graph: BitGraph) -> Float[Array, "N D"]:
        """One round."""
        normed = self.norm(h)
        mixed = self.own(normed) + aggregate(self.neighbours(normed), graph, self.reduce)
        return h + self.out(jax.nn.relu(mixed))


class GIN(nnx.Module):
    """``rounds`` of GIN over an input layer.

    Args:
        in_features: F. ``width``: D. ``rounds``: of message passing.
        reduce: "mean" (the default) transfers across sizes and degrees; "sum" is the paper's. Give degrees as inputs.
    """

    def __init__(
        self, in_features: int, width: int = 64, rounds: int = 3, *, reduce: Reduce = "mean", rngs: nnx.Rngs
    ) -> None:
        self.inputs = nnx.Linear(in_features, width, rngs=rngs)
        self.rounds = nnx.List([GINRound(width, reduce, rngs=rngs) for _ in range(rounds)])

    def __call__(self, x: Float[Array, "N F"], graph: BitGraph) -> Float[Array, "N D"]:
        """Embed every node; zero at absent ones."""
        present = graph.node_mask[:, None]
        h = jax.nn.relu(self.inputs(x))
        for layer in self.rounds:
            h = layer(h, graph)
        return h * present
