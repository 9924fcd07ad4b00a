"""Recommend L items to users: edges of a bipartite graph, each a pick of a user and of an item."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int, UInt32

from envs.checks import check_graphs, check_labels, checked_reward, dense_graphs, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import BitGraph, add_edge, adjacency, neighbour_mask, pack_bits
from lepton_rl.objectives.base import EDGE_ADDED, Edit, Objective

__all__ = ["LinkRecommendation", "make_link_recommendation"]


@struct.dataclass
class LinkRecommendation(Editing):
    """Add ``budget`` links between users (label 0) and items (label 1); each is two picks, 2·budget steps in all.

    Observation, action, reward, termination: as of :class:`envs.editing.Editing`. First pick: a user who lacks an item,
    or an item that a user lacks. Second: one of the other side that it is not linked to.
    Reference: Zhou, Kuscsik, Liu, Medo, Wakeling & Zhang, "Solving the apparent diversity-accuracy dilemma of
    recommender systems", PNAS 107, 2010 (the bipartite setting).
    """

    steps_per_edit: ClassVar[int] = 2
    rule: str = struct.field(pytree_node=False, default="LinkRecommendation")
    operations: ClassVar = (("add", 0, 1),)

    @staticmethod
    def pairs(graph: BitGraph) -> UInt32[Array, "N W"]:
        """Links that are not there, across the two sides."""
        return pack_bits(_across(graph)) & ~graph.rows

    def allowed(self, graph: BitGraph, picks: Int[Array, "1"]) -> Bool[Array, "N"]:
        """Nodes that lack a link; then those of the other side without one to the selected node."""
        across = _across(graph)
        u = jnp.clip(picks[0], 0, graph.capacity - 1)
        lacking = (across & ~adjacency(graph)).any(-1)
        return jnp.where(picks[0] >= 0, across[u] & ~neighbour_mask(graph, u), lacking)

    def apply(self, graph: BitGraph, picks: Int[Array, "2"]) -> tuple[BitGraph, Edit]:
        """The link added."""
        return add_edge(graph, picks[0], picks[1]), Edit(jnp.int32(EDGE_ADDED), picks[0], picks[1])


def _across(graph: BitGraph) -> Bool[Array, "N N"]:
    """Pairs of present nodes of different sides."""
    side, present = jnp.asarray(graph.labels) > 0, graph.node_mask
    return (side[:, None] != side[None, :]) & present[:, None] & present[None, :]


def make_link_recommendation(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> LinkRecommendation:  # fmt: skip
    """Add links between users and items until the budget is spent: a :class:`LinkRecommendation`, checked.

    Raises:
        ValueError: graphs without sides, edges inside a side, a budget below 1 or above the links that a start graph
            lacks; directed graphs; labels that do not fit the objective; an unknown ``reward``;
            see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    check_graphs(pool, objective, "LinkRecommendation", budget, directed=False, adds=True)
    if pool.graphs.labels is None or objective.labels not in ("", "side"):
        raise ValueError(
            "LinkRecommendation reads from the labels which nodes are users (0) and which items (1): give labels "
            "(from_edges(labels=…), --label COLUMN), and an objective that reads sides or none."
        )
    check_labels(pool, objective, "LinkRecommendation")
    masks, labels = np.asarray(pool.graphs.node_mask), np.asarray(pool.graphs.labels)
    for i, dense in enumerate(dense_graphs(pool)):
        items = labels[i, masks[i]] > 0
        inside = dense[items[:, None] == items[None, :]].any()
        lacking = int(items.sum() * (~items).sum() - dense.sum() // 2)
        if inside or lacking < budget:
            what = "an edge between two users or two items" if inside else f"{lacking} links to add, and {budget} asked"
            raise ValueError(f"graph {i} has {what}: use bipartite graphs, and a budget that fits them.")
    return with_cost(LinkRecommendation(pool, objective, budget, reward, False, stop), cost, cost_budget)
