"""Remove L edges from a graph, two node picks an edge: links to cut, not nodes."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int, UInt32

from envs.checks import check_graphs, check_labels, checked_reward, degrees_of, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import BitGraph, degree, neighbour_mask, remove_edge
from lepton_rl.objectives.base import EDGE_REMOVED, Edit, Objective

__all__ = ["EdgeRemoval", "make_edge_removal"]


@struct.dataclass
class EdgeRemoval(Editing):
    """Remove ``budget`` edges; each is two picks of a node, so an episode has 2·budget steps.

    Observation, action, reward, termination: as of :class:`envs.editing.Editing`. First pick: a node with an edge (in
    a directed graph: one that goes out). Second: one of its neighbours. The value is what grows, so an attack asks for
    the negative of what it wants to lower, as in ``"-efficiency"``.
    Reference: Tong, Prakash, Eliassi-Rad, Faloutsos & Faloutsos, "Gelling, and melting, large graphs by edge
    manipulation", CIKM 2012 (the task of choosing edges to delete).
    """

    steps_per_edit: ClassVar[int] = 2
    rule: str = struct.field(pytree_node=False, default="EdgeRemoval")
    operations: ClassVar = (("remove", 0, 1),)

    @staticmethod
    def pairs(graph: BitGraph) -> UInt32[Array, "N W"]:
        """Edges that are there."""
        return graph.rows

    def allowed(self, graph: BitGraph, picks: Int[Array, "1"]) -> Bool[Array, "N"]:
        """Nodes with an edge; then the neighbours of the selected one."""
        return jnp.where(picks[0] >= 0, neighbour_mask(graph, picks[0]), degree(graph) > 0)

    def apply(self, graph: BitGraph, picks: Int[Array, "2"]) -> tuple[BitGraph, Edit]:
        """The edge removed."""
        return remove_edge(graph, picks[0], picks[1]), Edit(jnp.int32(EDGE_REMOVED), picks[0], picks[1])


def make_edge_removal(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> EdgeRemoval:  # fmt: skip
    """Remove edges, each by two picks of a node, until the budget is spent: an :class:`EdgeRemoval`, checked.

    Raises:
        ValueError: a budget below 1 or above the edges of a start graph; graphs or labels that do not fit the
            objective; an unknown ``reward``; see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    check_graphs(pool, objective, "EdgeRemoval", budget, directed=True)
    check_labels(pool, objective, "EdgeRemoval")
    edges = degrees_of(pool).sum(-1) // (1 if pool.graphs.directed else 2)
    if (edges < budget).any():
        i = int(np.argmax(edges < budget))
        raise ValueError(f"graph {i} has {edges[i]} edges, fewer than the budget of {budget}: lower the budget.")
    return with_cost(EdgeRemoval(pool, objective, budget, reward, False, stop), cost, cost_budget)
