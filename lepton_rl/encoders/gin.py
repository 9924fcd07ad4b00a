"""Graph isomorphism network (Xu, Hu, Leskovec & Jegelka, "How powerful are graph neural networks?", ICLR 2019)."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.message_passing import Reduce, aggregate
from lepton_rl.storage import Graph

__all__ = ["GIN"]


class GINRound(nnx.Module):
    """h + MLP(norm(h) W + aggregate(norm(h)) U): eq. 4.1 with separate weights for the node and its neighbours.

    The separate weights contain GIN's (1 + ε) h + Σ h as U = W / (1 + ε); the residual and the layer norm before it
    keep deep stacks trainable without running statistics. The norm has no scale and shift: the layers after it do.
    """

    def __init__(self, width: int, reduce: Reduce, max_degree: int | None, *, rngs: nnx.Rngs) -> None:
        self.reduce, self.max_degree = reduce, max_degree
        self.norm = nnx.LayerNorm(width, use_scale=False, use_bias=False, rngs=rngs)
        self.own = Linear(width, width, rngs=rngs)
        self.neighbours = Linear(width, width, use_bias=False, rngs=rngs)
        self.out = Linear(width, width, rngs=rngs)

    def __call__(self, h: Float[Array, "N D"], graph: Graph) -> Float[Array, "N D"]:
        """One round."""
        normed = self.norm(h)
        mixed = self.own(normed) + aggregate(self.neighbours(normed), graph, self.reduce, self.max_degree)
        return h + self.out(jax.nn.relu(mixed))


class GIN(nnx.Module):
    """Graph isomorphism network: ``rounds`` of h + MLP(h, Σ of neighbours' h) over an input layer.

    Args:
        in_features: F. ``width``: D. ``rounds``: of message passing.
        reduce: "mean" (the default) transfers across sizes and degrees; "sum" is the paper's; "max" too. Give degrees
            as inputs. ``max_degree``: the layout, see :func:`~lepton_rl.message_passing.aggregate`.
    """

    def __init__(
        self, in_features: int, width: int = 64, rounds: int = 3, *, reduce: Reduce = "mean",
        max_degree: int | None = None, rngs: nnx.Rngs,
    ) -> None:  # fmt: skip
        self.inputs = Linear(in_features, width, rngs=rngs)
        self.rounds = nnx.List([GINRound(width, reduce, max_degree, rngs=rngs) for _ in range(rounds)])

    def __call__(self, x: Float[Array, "N F"], graph: Graph) -> Float[Array, "N D"]:
        """Embed every node; zero at absent ones."""
        present = graph.node_mask[:, None]
        h = jax.nn.relu(self.inputs(jnp.where(present, x, 0.0)))
        for layer in self.rounds:
            h = layer(h, graph)
        return h * present
