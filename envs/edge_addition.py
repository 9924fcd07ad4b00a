"""Add L edges to a graph, two node picks an edge (RNet-DQN: Darvariu, Hailes & Musolesi, Proc. R. Soc. A, 2021)."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int

from envs.checks import check_graphs, check_labels, checked_reward, degrees_of, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import BitGraph, add_edge, num_nodes, unpack_bits
from lepton_rl.objectives.base import EDGE_ADDED, Edit, Objective

__all__ = ["EdgeAddition", "make_edge_addition"]


@struct.dataclass
class EdgeAddition(Editing):
    """Add ``budget`` edges; each is two picks of a node, so an episode has 2·budget steps.

    Observation, action, reward, termination: as of :class:`envs.editing.Editing`. First pick: a present node that
    lacks at least one edge. Second: a node that it is not joined to (in a directed graph: that it does not point to).
    Reference: Darvariu, Hailes & Musolesi, "Goal-directed graph construction using reinforcement learning", 2021, §3.
    """

    steps_per_edit: ClassVar[int] = 2
    rule: str = struct.field(pytree_node=False, default="EdgeAddition")
    operations: ClassVar = (("add", 0, 1),)

    def allowed(self, graph: BitGraph, picks: Int[Array, "1"]) -> Bool[Array, "N"]:
        """Nodes that lack an edge; then those that the selected one is not joined to."""
        N = graph.capacity
        # No popcount detour: a node lacks a partner when its degree is one less than the nodes present.
        lacking = jax.lax.population_count(graph.rows).sum(-1).astype(jnp.int32) < num_nodes(graph) - 1
        u = jnp.maximum(picks[0], 0)
        second = ~unpack_bits(graph.rows[u], N) & (jnp.arange(N) != u)
        return jnp.where(picks[0] >= 0, second, lacking)

    def apply(self, graph: BitGraph, picks: Int[Array, "2"]) -> tuple[BitGraph, Edit]:
        """The edge added."""
        return add_edge(graph, picks[0], picks[1]), Edit(jnp.int32(EDGE_ADDED), picks[0], picks[1])


def make_edge_addition(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> EdgeAddition:  # fmt: skip
    """Add edges, each by two picks of a node, until the budget is spent: an :class:`EdgeAddition`, checked.

    Raises:
        ValueError: a budget below 1 or above the edges a start graph lacks; graphs or labels that do not fit the
            objective; an unknown ``reward``; see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    check_graphs(pool, objective, "EdgeAddition", budget, directed=True, adds=True)
    check_labels(pool, objective, "EdgeAddition")
    n = np.asarray(pool.graphs.node_mask).sum(-1)
    lacking = (n * (n - 1) - degrees_of(pool).sum(-1)) // (1 if pool.graphs.directed else 2)
    if (lacking < budget).any():
        i = int(np.argmax(lacking < budget))
        raise ValueError(f"graph {i} lacks {lacking[i]} edges, fewer than the budget of {budget}: lower the budget.")
    return with_cost(EdgeAddition(pool, objective, budget, reward, sensitivity, stop), cost, cost_budget)
