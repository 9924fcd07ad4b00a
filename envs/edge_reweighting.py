"""Make L edges weigh more, or less: lines to strengthen, ties to loosen; two node picks an edge."""

import math
from dataclasses import replace
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int, UInt32

from envs.checks import check_graphs, check_labels, check_weights, checked_reward, degrees_of, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import BitGraph, degree, has_edge, neighbour_mask
from lepton_rl.objectives.base import EDGE_REWEIGHTED, Edit, Objective
from lepton_rl.weights import set_weight, weight_of

__all__ = ["EdgeReweighting", "make_edge_reweighting"]


@struct.dataclass
class EdgeReweighting(Editing):
    """Multiply the weights of ``budget`` edges by ``factor``; each is two picks of a node, 2·budget steps in all.

    Observation, action, reward, termination: as of :class:`envs.editing.Editing`. First pick: a node with an edge (in
    a directed graph: one that goes out). Second: one of its neighbours. An edge may be reweighted again. Start graphs
    without edge features begin with the weight 1 everywhere.
    Reference: Ghosh, Boyd & Saberi, "Minimizing effective resistance of a graph", SIAM Review 50, 2008 (conductances
    to be allotted to the edges of a network).

    Attributes:
        factor: static, > 0 and not 1.
    """

    factor: float = struct.field(pytree_node=False, default=2.0)

    steps_per_edit: ClassVar[int] = 2
    rule: str = struct.field(pytree_node=False, default="EdgeReweighting")
    operations: ClassVar = (("scale", 0, 1),)

    @staticmethod
    def pairs(graph: BitGraph) -> UInt32[Array, "N W"]:
        """Edges that are there."""
        return graph.rows

    def begin(self, graph: BitGraph) -> BitGraph:
        """The graph with weights."""
        if graph.edge_features is not None:
            return graph
        return replace(graph, edge_features=jnp.ones((graph.capacity, graph.capacity, 1)))

    def allowed(self, graph: BitGraph, picks: Int[Array, "1"]) -> Bool[Array, "N"]:
        """Nodes with an edge; then the neighbours of the selected one."""
        return jnp.where(picks[0] >= 0, neighbour_mask(graph, picks[0]), degree(graph) > 0)

    def apply(self, graph: BitGraph, picks: Int[Array, "2"]) -> tuple[BitGraph, Edit]:
        """The edge reweighted."""
        u, v = picks[0], picks[1]
        before = jnp.where(has_edge(graph, u, v), weight_of(graph, u, v), 0.0)
        after = set_weight(graph, u, v, self.factor * before)
        return after, Edit(jnp.int32(EDGE_REWEIGHTED), u, v, (self.factor - 1) * before)


def make_edge_reweighting(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf, factor: float = 2.0,
) -> EdgeReweighting:  # fmt: skip
    """Reweight edges, each by two picks of a node, until the budget is spent: an :class:`EdgeReweighting`, checked.

    Raises:
        ValueError: a factor that is not above 0, or is 1; a budget below 1; a start graph without edges; graphs or
            labels that do not fit the objective, or an objective that does not read weights; an unknown ``reward``;
            see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    if not (np.isfinite(factor) and factor > 0) or factor == 1:
        raise ValueError(f"the factor multiplies a weight: give a number above 0 and not 1; got {factor}.")
    check_graphs(pool, objective, "EdgeReweighting", budget, directed=True)
    check_labels(pool, objective, "EdgeReweighting")
    check_weights(objective, "EdgeReweighting")
    empty = degrees_of(pool).sum(-1) == 0
    if empty.any():
        raise ValueError(f"graph {int(np.argmax(empty))} has no edge to reweight: leave it out.")
    return with_cost(EdgeReweighting(pool, objective, budget, reward, False, stop, factor=factor), cost, cost_budget)
