"""Flip L labels of nodes between -1 and +1, reversibly: spins, sides of a cut (ECO-DQN: Barrett et al., 2020)."""

import math
from dataclasses import replace
from typing import ClassVar

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Int

from envs.checks import check_graphs, check_labels, checked_reward, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import BitGraph, set_label
from lepton_rl.objectives.base import LABEL_SET, Edit, Objective

__all__ = ["NodeFlip", "make_node_flip"]


@struct.dataclass
class NodeFlip(Editing):
    """Flip the label of ``budget`` nodes, one a step; a node may be flipped back.

    Labels begin as the graphs have them, or all at +1. Observation, action, reward, termination: as of
    :class:`envs.editing.Editing`. Legal: every present node.
    Reference: Barrett, Clements, Foerster & Lvovsky, "Exploratory combinatorial optimization with reinforcement
    learning", AAAI 2020.
    """

    rule: str = struct.field(pytree_node=False, default="NodeFlip")
    operations: ClassVar = (("flip", 0, None),)

    def begin(self, graph: BitGraph) -> BitGraph:
        """Labels of ±1."""
        start = jnp.ones(graph.capacity) if graph.labels is None else jnp.where(graph.labels < 0, -1.0, 1.0)
        return replace(graph, labels=jnp.where(graph.node_mask, start, 0.0))

    def allowed(self, graph: BitGraph, picks: Int[Array, "0"]) -> Bool[Array, "N"]:
        """Everybody."""
        return graph.node_mask

    def apply(self, graph: BitGraph, picks: Int[Array, "1"]) -> tuple[BitGraph, Edit]:
        """The label turned round."""
        u = picks[0]
        flipped = -jnp.asarray(graph.labels)[jnp.clip(u, 0, graph.capacity - 1)]
        return set_label(graph, u, flipped), Edit(jnp.int32(LABEL_SET), u, u)


def make_node_flip(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> NodeFlip:  # fmt: skip
    """Flip labels until the budget is spent: a :class:`NodeFlip`, checked.

    Raises:
        ValueError: a budget below 1; an objective that does not read spins; an unknown ``reward``;
            see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    check_graphs(pool, objective, "NodeFlip", budget, directed=True)
    check_labels(pool, objective, "NodeFlip", written="spin")
    return with_cost(NodeFlip(pool, objective, budget, reward, False, stop), cost, cost_budget)
