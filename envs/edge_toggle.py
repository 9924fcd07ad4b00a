"""Add or remove L edges, whichever helps: each edit flips one pair of nodes (depolarisation, repair)."""

import math
from typing import ClassVar

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Int, UInt32

from envs.checks import check_graphs, check_labels, checked_reward, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import BitGraph, has_edge, num_nodes, toggle_edge
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, Edit, Objective

__all__ = ["EdgeToggle", "make_edge_toggle"]


@struct.dataclass
class EdgeToggle(Editing):
    """Flip ``budget`` pairs of nodes; each is two picks of a node, so an episode has 2·budget steps.

    Observation, action, reward, termination: as of :class:`envs.editing.Editing`. First pick: any present node.
    Second: any other; an edge that is there goes, one that is not comes. A pair may be flipped back.
    Reference: Racz & Rigobon, "Towards consensus: reducing polarization by perturbing social networks", IEEE
    Transactions on Network Science and Engineering, 2023 (edges added or removed under a budget).
    """

    steps_per_edit: ClassVar[int] = 2
    rule: str = struct.field(pytree_node=False, default="EdgeToggle")
    operations: ClassVar = (("toggle", 0, 1),)

    @staticmethod
    def pairs(graph: BitGraph) -> UInt32[Array, "N W"]:
        """All pairs."""
        return ~jnp.zeros_like(graph.rows)

    def allowed(self, graph: BitGraph, picks: Int[Array, "1"]) -> Bool[Array, "N"]:
        """Everybody, where there are two; then everybody else."""
        return (num_nodes(graph) > 1) & (jnp.arange(graph.capacity) != picks[0])

    def apply(self, graph: BitGraph, picks: Int[Array, "2"]) -> tuple[BitGraph, Edit]:
        """The pair flipped."""
        u, v = picks[0], picks[1]
        operation = jnp.where(has_edge(graph, u, v), EDGE_REMOVED, EDGE_ADDED).astype(jnp.int32)
        return toggle_edge(graph, u, v), Edit(operation, u, v)


def make_edge_toggle(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> EdgeToggle:  # fmt: skip
    """Flip pairs, each by two picks of a node, until the budget is spent: an :class:`EdgeToggle`, checked.

    Raises:
        ValueError: a budget below 1; graphs or labels that do not fit the objective; an unknown ``reward``;
            see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    check_graphs(pool, objective, "EdgeToggle", budget, directed=True, adds=True)
    check_labels(pool, objective, "EdgeToggle")
    return with_cost(EdgeToggle(pool, objective, budget, reward, sensitivity, stop), cost, cost_budget)
