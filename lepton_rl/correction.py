"""Networks that begin as a classical criterion and learn what to correct of it.

Fixed columns say where a node stands, the criterion among them and averages over neighbours if need be; what is learnt
is one hidden layer that every node shares (of the kind of SIGN: Frasca, Rossi, Eynard, Chamberlain, Bronstein & Monti,
"SIGN: Scalable inception graph neural networks", 2020). Columns that do not depend on the size of a graph make a policy
that does not either. Letters: N node slots, K columns, H hidden units, A actions.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lepton_rl.heads import Network

__all__ = ["correction_network"]

Columns = Callable[[Any], Float[Array, "N K"]]


@cache
def correction_network(columns: Columns, width: int = 16) -> Network:
    """Scores x_0 + MLP(x, mean of x over the nodes present), an action a node; a fresh one scores x_0, the criterion.

    Args:
        columns: ``observation -> f32[N, K]``, the criterion first; a function that is the same object from call to
            call. ``width``: H.
    """

    def init(key: PRNGKeyArray, observation: Any) -> dict[str, Array]:
        K = jax.eval_shape(columns, observation).shape[-1]
        first = jax.random.normal(key, (2 * K, width)) / jnp.sqrt(2.0 * K)
        return {"first": first, "bias": jnp.zeros(width), "linear": jnp.zeros(K), "last": jnp.zeros(width)}

    def encode(params: dict[str, Array], observation: Any) -> tuple[Array, Array]:
        x, present = columns(observation), observation.graph.node_mask.astype(jnp.float32)
        return x, (present @ x) / jnp.maximum(present.sum(), 1)

    def score(params: dict[str, Array], h: tuple[Array, Array], observation: Any) -> Float[Array, "A"]:
        x, mean = h
        own, shared = jnp.split(params["first"], 2)
        hidden = jax.nn.relu(x @ own + mean @ shared + params["bias"])
        return x[:, 0] + x @ params["linear"] + hidden @ params["last"]

    return Network(init, encode, score)
