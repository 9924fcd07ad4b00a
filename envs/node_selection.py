"""Choose L nodes of a network: whom to seed, whom to watch (S2V-DQN: Dai, Khalil, Zhang, Dilkina & Song, 2017)."""

import math
from dataclasses import replace
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int

from envs.checks import check_graphs, check_labels, checked_reward, with_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.graph import set_label
from lepton_rl.objectives.base import LABEL_SET, Edit, Objective
from lepton_rl.storage import Graph

__all__ = ["NodeSelection", "make_node_selection"]


@struct.dataclass
class NodeSelection(Editing):
    """Choose ``budget`` nodes, one a step: their label becomes 1, all others have 0.

    Observation, action, reward, termination: as of :class:`envs.editing.Editing`. Legal: nodes that are not chosen.
    Reference: Dai, Khalil, Zhang, Dilkina & Song, "Learning combinatorial optimization algorithms over graphs",
    NeurIPS 2017; Kempe, Kleinberg & Tardos, "Maximizing the spread of influence through a social network", KDD 2003.
    """

    rule: str = struct.field(pytree_node=False, default="NodeSelection")
    operations: ClassVar = (("choose", 0, None),)

    def begin(self, graph: Graph) -> Graph:
        """Nobody is chosen."""
        return replace(graph, labels=jnp.zeros(graph.capacity))

    def allowed(self, graph: Graph, picks: Int[Array, "0"]) -> Bool[Array, "N"]:
        """Who is not chosen."""
        return jnp.asarray(graph.labels) == 0

    def apply(self, graph: Graph, picks: Int[Array, "1"]) -> tuple[Graph, Edit]:
        """The node chosen."""
        return set_label(graph, picks[0], 1.0), Edit(jnp.int32(LABEL_SET), picks[0], picks[0])


def make_node_selection(
    pool: Pool, objective: Objective, budget: int, reward: str = "end", sensitivity: bool = False, stop: bool = False,
    cost: str | None = None, cost_budget: float = math.inf,
) -> NodeSelection:  # fmt: skip
    """Choose nodes until the budget is spent: a :class:`NodeSelection`, checked.

    Raises:
        ValueError: a budget below 1 or above the nodes of a start graph; an objective that does not read who is
            chosen; an unknown ``reward``; see :func:`envs.checks.with_cost`.
    """
    reward = checked_reward(reward)
    check_graphs(pool, objective, "NodeSelection", budget, directed=True)
    check_labels(pool, objective, "NodeSelection", written="chosen")
    nodes = np.asarray(pool.graphs.node_mask).sum(-1)
    if (nodes < budget).any():
        i = int(np.argmax(nodes < budget))
        raise ValueError(f"graph {i} has {nodes[i]} nodes, fewer than the budget of {budget}: lower the budget.")
    return with_cost(NodeSelection(pool, objective, budget, reward, False, stop), cost, cost_budget)
