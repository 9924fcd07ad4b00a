"""Rewire L edges: swap the ends of two, which keeps every degree, or move one end of one, which keeps their number."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int

from envs.checks import check_graphs, check_labels, checked_reward, degrees_of, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import BitGraph, add_edge, adjacency, degree, neighbour_mask, num_nodes, pack_bits, remove_edge
from lepton_rl.objectives.base import REBUILT, Edit, Objective

__all__ = ["EdgeMove", "Rewiring", "make_edge_move", "make_rewiring"]


@struct.dataclass
class Rewiring(Editing):
    """Swap the ends of ``budget`` pairs of edges; each is four picks a, b, c, d: a–b and c–d become a–d and c–b.

    Every degree stays. Observation, action, reward, termination: as of :class:`envs.editing.Editing`. Legal: picks
    that lead to a swap, so a–b and c–d are edges of four different nodes, a–d and c–b are none.
    Reference: Maslov & Sneppen, "Specificity and stability in topology of protein networks", Science 296, 2002; Yang,
    Ma, Tan, Zhang & Wang, "Learning to boost resilience of complex networks via neural edge rewiring" (ResiNet), TMLR
    2023.
    """

    steps_per_edit: ClassVar[int] = 4
    rule: str = struct.field(pytree_node=False, default="Rewiring")
    operations: ClassVar = (("remove", 0, 1), ("remove", 2, 3), ("add", 0, 3), ("add", 2, 1))

    def allowed(self, graph: BitGraph, picks: Int[Array, "3"]) -> Bool[Array, "N"]:
        """Nodes that some swap begins with, given the picks so far."""
        N, rows = graph.capacity, graph.rows
        edges, self_ = adjacency(graph), jnp.eye(N, dtype=bool)
        near = rows | pack_bits(self_)  # bits of absent slots are clear, and no edge ends there
        # third[c, a], c ≠ a: some d with c–d, not a–d, d ≠ a; second[a, b]: an edge with some such c, not c–b.
        third = ((rows[:, None] & ~near[None, :]) != 0).any(-1) & ~self_
        second = edges & ((pack_bits(third.T)[:, None] & ~near[None, :]) != 0).any(-1)
        a, b, c = (jnp.clip(picks[i], 0, N - 1) for i in range(3))
        first = second.any(1)
        far = ~edges & ~self_
        fourth = edges[c] & far[a] & (jnp.arange(N) != b)
        masks = jnp.stack([first, second[a], third[:, a] & far[b], fourth])
        return masks[(picks >= 0).sum()]

    def apply(self, graph: BitGraph, picks: Int[Array, "4"]) -> tuple[BitGraph, Edit]:
        """The ends swapped."""
        a, b, c, d = picks
        without = remove_edge(remove_edge(graph, a, b), c, d)
        return add_edge(add_edge(without, a, d), c, b), Edit(jnp.int32(REBUILT), a, b)


@struct.dataclass
class EdgeMove(Editing):
    """Move one end of ``budget`` edges; each is three picks u, v, w: the edge u–v becomes u–w.

    Observation, action, reward, termination: as of :class:`envs.editing.Editing`. Legal: u has an edge and lacks one,
    v is its neighbour, w is not.
    """

    steps_per_edit: ClassVar[int] = 3
    rule: str = struct.field(pytree_node=False, default="EdgeMove")
    operations: ClassVar = (("remove", 0, 1), ("add", 0, 2))

    def allowed(self, graph: BitGraph, picks: Int[Array, "2"]) -> Bool[Array, "N"]:
        """Nodes that an edge can be moved at, given the picks so far."""
        d, u = degree(graph), picks[0]
        near = neighbour_mask(graph, u)
        masks = jnp.stack([(d > 0) & (d < num_nodes(graph) - 1), near, ~near & (jnp.arange(graph.capacity) != u)])
        return masks[(picks >= 0).sum()]

    def apply(self, graph: BitGraph, picks: Int[Array, "3"]) -> tuple[BitGraph, Edit]:
        """The end moved."""
        u, v, w = picks
        return add_edge(remove_edge(graph, u, v), u, w), Edit(jnp.int32(REBUILT), u, v)


def _checked(pool: Pool, objective: Objective, rule: type[Editing], budget: int, *, directed: bool) -> None:
    check_graphs(pool, objective, rule.__name__, budget, directed=directed, adds=True)
    check_labels(pool, objective, rule.__name__)
    if (degrees_of(pool).sum(-1) == 0).any():
        i = int(np.argmin(degrees_of(pool).sum(-1)))
        raise ValueError(f"graph {i} has no edge to rewire: leave it out.")


def make_rewiring(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> Rewiring:  # fmt: skip
    """Swap ends of pairs of edges until the budget is spent or no swap is left: a :class:`Rewiring`, checked.

    Raises:
        ValueError: a budget below 1; a start graph without edges; directed graphs; graphs or labels that do not fit
            the objective; an unknown ``reward``; see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    _checked(pool, objective, Rewiring, budget, directed=False)
    return with_cost(Rewiring(pool, objective, budget, reward, False, stop), cost, cost_budget)


def make_edge_move(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> EdgeMove:  # fmt: skip
    """Move ends of edges until the budget is spent: an :class:`EdgeMove`, checked.

    Raises:
        ValueError: a budget below 1; a start graph without edges; graphs or labels that do not fit the objective; an
            unknown ``reward``.
    """
    reward = checked_reward(reward)
    _checked(pool, objective, EdgeMove, budget, directed=True)
    return with_cost(EdgeMove(pool, objective, budget, reward, False, stop), cost, cost_budget)
