"""A network for tables of candidate edits: each by its own evidence, all by the mean of those that may be made.

Letters: A candidates, F numbers of evidence, D width, O operations.
"""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from lepton_rl.encoders.linear import Linear
from lepton_rl.heads import Network, network_from_module
from lepton_rl.proposals import OPERATIONS, STOP

__all__ = ["CandidateNetwork", "candidate_network"]


class CandidateNetwork(nnx.Module):
    """Values of A candidate edits from their evidence, operation and relation, the budget left, and a set's context.

    The context is the mean over the candidates that may be made now (deep sets: Zaheer et al., NeurIPS 2017). STOP is
    worth nothing, which is its true value: no reward follows. The last layer starts at zero, so does every value.
    """

    def __init__(self, evidence: int, relations: int, width: int, *, rngs: nnx.Rngs) -> None:
        self.own = Linear(evidence + len(OPERATIONS), width, rngs=rngs)
        self.relation = nnx.Param(0.1 * jax.random.normal(rngs.params(), (relations, width)))
        self.left = nnx.Param(jnp.zeros(width))
        self.second = Linear(width, width, rngs=rngs)
        self.context = nnx.Linear(width, width, use_bias=False, rngs=rngs)
        self.last = nnx.Param(jnp.zeros(width))
        self.linear = nnx.Param(jnp.zeros(evidence + len(OPERATIONS)))

    def encode(self, observation: Any) -> tuple[Float[Array, "A"], Float[Array, "A D"]]:
        """What does not depend on the budget or on which edits may be made."""
        operation, _, relation, _, _ = observation.candidates.T
        inputs = jnp.concatenate([observation.evidence, jax.nn.one_hot(operation, len(OPERATIONS))], axis=-1)
        return inputs @ self.linear[...], self.own(inputs) + self.relation[...][relation]

    def head(self, encoded: Any, observation: Any) -> Float[Array, "A"]:
        """Values of all candidates."""
        linear, own = encoded
        first = nnx.relu(own + observation.marks[0, 1] * self.left[...])
        legal = observation.legal.astype(first.dtype)
        mean = (legal @ first) / jnp.maximum(legal.sum(), 1)
        values = nnx.relu(self.second(first) + self.context(mean)) @ self.last[...] + linear
        return jnp.where(observation.candidates[:, 0] == STOP, 0.0, values)


@cache
def candidate_network(evidence: int, num_relations: int, width: int = 64) -> Network:
    """A network for :class:`envs.kg_repair.KGRepair`; equal arguments give the same object.

    Args:
        evidence: F. ``num_relations``: R.
    """
    return network_from_module(lambda rngs: CandidateNetwork(evidence, 2 * num_relations + 1, width, rngs=rngs))
