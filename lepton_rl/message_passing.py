"""Gather, message, reduce: the only file that knows how a graph's neighbourhoods are laid out.

Small graphs reduce by a dense product with the unpacked adjacency: under ``vmap`` one batched matmul, forward and
backward. Letters: N node slots, D width.
"""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from lepton_rl.graph import BitGraph, adjacency, degree

__all__ = ["Reduce", "aggregate"]

Reduce = Literal["sum", "mean"]


def aggregate(h: Float[Array, "N D"], graph: BitGraph, reduce: Reduce = "sum") -> Float[Array, "N D"]:
    """Reduce the embeddings of every node's out-neighbours, f32[N, D]; 0 where there is none.

    "mean" divides by the degree, so that its size does not grow with the graph.
    """
    total = adjacency(graph).astype(h.dtype) @ h
    return total if reduce == "sum" else total / jnp.maximum(degree(graph), 1).astype(h.dtype)[:, None]
