"""Take a network apart by its nodes, paid at every removal for what is left in one piece."""

from dataclasses import replace
from functools import singledispatch
from typing import Any

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from envs.editing import EditState
from envs.node_removal import NodeRemoval, make_node_removal
from envs.pools import Pool
from lepton_rl.connected import component_labels
from lepton_rl.edge_graph import EdgeGraph
from lepton_rl.graph import degree, num_nodes
from lepton_rl.objectives import get_objective
from lepton_rl.objectives.base import Edit
from lepton_rl.storage import Graph

__all__ = ["SHARE", "Dismantling", "make_dismantling", "pruned"]

SHARE = 0.1  # of the nodes, below which a component is no part of the network any more


@singledispatch
def _without(graph: Any, gone: Bool[Array, "N"]) -> Any:
    """The graph without the edges of the nodes ``gone``, which have none to others."""
    rows = jnp.where(gone[:, None], jnp.uint32(0), graph.rows)
    return replace(graph, rows=rows)


@_without.register(EdgeGraph)
def _large_without(graph: EdgeGraph, gone: Bool[Array, "N"]) -> EdgeGraph:
    return replace(graph, cut=graph.cut | gone, degrees=jnp.where(gone, 0, graph.degrees))


def pruned(graph: Graph) -> Any:
    """The graph without the edges of components of fewer than SHARE of the nodes, unless they are the largest."""
    labels = component_labels(graph)
    sizes = jnp.zeros(graph.capacity, jnp.int32).at[labels].add(graph.node_mask.astype(jnp.int32))
    small = (sizes < SHARE * num_nodes(graph)) & (jnp.arange(graph.capacity) != jnp.argmax(sizes))
    return _without(graph, small[labels])


@struct.dataclass
class Dismantling(NodeRemoval):
    """Remove nodes one a step until the largest component has fewer than a tenth of them.

    Components under a tenth of the nodes that are not the largest lose their edges as they come off: nobody spends
    removals on them. Observation and action: as of :class:`envs.editing.Editing`; legal are nodes with an edge.
    Reward: - the share of the nodes in the largest component after each removal, so that a return is - the area under
    the curve. Termination: as said above, or after ``budget`` removals.
    Reference: the protocol of FINDER (Fan, Zeng, Sun & Liu, Nature Machine Intelligence 2, 2020) with the pruning and
    the end that later comparisons of dismantling use.
    """

    rule: str = struct.field(pytree_node=False, default="Dismantling")

    def begin(self, graph: Graph) -> Any:
        """The start graph without its small components."""
        return pruned(graph)

    def allowed(self, graph: Graph, picks: Int[Array, "0"]) -> Bool[Array, "N"]:
        """Nodes with an edge, while the network holds together.

        Once the largest component is under the share it alone has edges, so that counting those nodes tells.
        """
        joined = degree(graph) > 0
        return joined & (joined.sum() >= SHARE * num_nodes(graph))

    def apply(self, graph: Graph, picks: Int[Array, "1"]) -> tuple[Any, Edit]:
        """The node without its edges, and the network without what came off."""
        graph, edit = super().apply(graph, picks)
        return pruned(graph), edit

    def _rewarded(
        self, state: EditState, successor: EditState, edit: Edit, ends: Bool[Array, ""]
    ) -> tuple[Any, Float[Array, ""]]:
        carry, _ = super()._rewarded(state, successor, edit, ends)
        return carry, jnp.where(edit.operation > 0, carry.value, 0.0)


def make_dismantling(pool: Pool, budget: int) -> Dismantling:
    """Take networks apart, at most ``budget`` nodes of each: a :class:`Dismantling`, checked.

    Raises:
        ValueError: as of :func:`envs.node_removal.make_node_removal`.
    """
    plain = make_node_removal(pool, get_objective("-largest_component"), budget, "edit")
    return Dismantling(plain.pool, plain.objective, budget, "edit")
