"""A network for editors that judge facts by evidence: what deleting each is worth, and stopping.

Letters: W facts, F columns of evidence, H hidden units, A actions.
"""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from lepton_rl.heads import Network, network_from_module

__all__ = ["evidence_network", "relative"]

_SCALE = 0.3  # evidence is in natural logarithms, which go to a few units


def relative(evidence: Float[Array, "W F"], there: Bool[Array, "W"]) -> Float[Array, "W F"]:
    """Each column less its mean over the facts that are there, in standard deviations; 0 where nothing differs."""
    count = jnp.maximum(there.sum(), 1)
    mean = jnp.where(there[:, None], evidence, 0).sum(0) / count
    spread = jnp.where(there[:, None], evidence - mean, 0)
    return spread / jnp.sqrt((spread**2).sum(0) / count + 1e-6)


class EvidenceNetwork(nnx.Module):
    """Values of deleting each of W facts, of stopping, and where labels may be bought of those.

    A fact is wrong with probability σ(z), z from two layers over its evidence as it stands and beside the other facts'
    of the graph. Deleting it is worth (1 + c) σ(z) - c for the penalty c, which is what it brings; stopping is worth 0;
    a label is worth a line in σ(z). What comes later is left out: evidence does not change in an episode, so the best
    order of deletions is that of σ(z), whatever the budget. So a value rises with the probability that a fact is wrong.
    """

    def __init__(self, features: int, width: int, penalty: float, *, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(2 * features, width, rngs=rngs)
        self.second = nnx.Linear(width, width, rngs=rngs)
        self.last = nnx.Linear(width + 2 * features, 1, kernel_init=nnx.initializers.zeros, rngs=rngs)
        self.label = nnx.Param(jnp.zeros(2))
        self.penalty = penalty

    def encode(self, observation: Any) -> Float[Array, "W"]:
        """The log-odds z that each fact is wrong."""
        evidence = observation.evidence
        inputs = jnp.concatenate([_SCALE * evidence, relative(evidence, (evidence != 0).any(1))], axis=1)
        hidden = nnx.gelu(self.second(nnx.gelu(self.first(inputs))))
        return self.last(jnp.concatenate([hidden, inputs], axis=1))[:, 0]

    def head(self, logits: Float[Array, "W"], observation: Any) -> Float[Array, "A"]:
        """Values of deleting, of stopping, of labels."""
        wrong, more = jax.nn.sigmoid(logits), observation.legal.shape[0] - logits.shape[0] - 1
        labels = self.label[0] + self.label[1] * wrong
        return jnp.concatenate([(1 + self.penalty) * wrong - self.penalty, jnp.zeros(1), labels[:more]])


@cache
def evidence_network(features: int, width: int = 32, penalty: float = 1.0) -> Network:
    """A network for :class:`envs.kg_refinement.KGRefinement`; equal arguments give the same object.

    Args:
        features: F, the environment's own column among them. ``width``: H. ``penalty``: the environment's.
    """
    return network_from_module(lambda rngs: EvidenceNetwork(features, width, penalty, rngs=rngs))
