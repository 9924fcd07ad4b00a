"""Remove L nodes from a network: dismantling, and immunisation (FINDER: Fan, Zeng, Sun & Liu, 2020)."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int

from envs.checks import check_graphs, check_labels, checked_reward, degrees_of, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import degree, isolate
from lepton_rl.objectives.base import REBUILT, Edit, Objective
from lepton_rl.storage import Graph

__all__ = ["NodeRemoval", "make_node_removal"]


@struct.dataclass
class NodeRemoval(Editing):
    """Remove up to ``budget`` nodes, one a step.

    A removed node loses its edges and stays, alone: objectives go on counting the nodes of the start graph, as curves
    of dismantling do. Observation, action, reward, termination: as of :class:`envs.editing.Editing`. Legal: nodes with
    an edge, so that an episode ends when no edge is left. The value is what grows: to dismantle, ask for a negative, as
    in ``"-largest_component"``.
    Reference: Fan, Zeng, Sun & Liu, "Finding key players in complex networks through deep reinforcement learning",
    Nature Machine Intelligence 2, 2020.
    """

    rule: str = struct.field(pytree_node=False, default="NodeRemoval")
    operations: ClassVar = (("remove node", 0, None),)

    def allowed(self, graph: Graph, picks: Int[Array, "0"]) -> Bool[Array, "N"]:
        """Nodes with an edge."""
        return degree(graph) > 0

    def apply(self, graph: Graph, picks: Int[Array, "1"]) -> tuple[Graph, Edit]:
        """The node without its edges."""
        return isolate(graph, picks[0]), Edit(jnp.int32(REBUILT), picks[0], picks[0])


def make_node_removal(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> NodeRemoval:  # fmt: skip
    """Remove nodes until the budget is spent or no edge is left: a :class:`NodeRemoval`, checked.

    Raises:
        ValueError: a budget below 1 or above the nodes of a start graph; a start graph without edges; graphs or labels
            that do not fit the objective; an objective about staying connected; an unknown ``reward``;
            see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    if objective.needs_connected:
        raise ValueError(
            "NodeRemoval takes a network apart, and this objective asks how far a connected one is from that: choose "
            "one that is defined on every graph (largest_component, pairwise_connectivity, efficiency)."
        )
    check_graphs(pool, objective, "NodeRemoval", budget, directed=False)
    check_labels(pool, objective, "NodeRemoval")
    joined = (degrees_of(pool) > 0).sum(-1)
    if (joined < max(budget, 2)).any():
        i = int(np.argmax(joined < max(budget, 2)))
        raise ValueError(f"graph {i} has {joined[i]} nodes with edges, and the budget is {budget}: lower it.")
    return with_cost(NodeRemoval(pool, objective, budget, reward, False, stop), cost, cost_budget)
