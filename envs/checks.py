"""What the builders of environments check of their arguments, once, on the host."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from scipy.sparse.csgraph import connected_components

from envs.costs import COSTS, get_cost
from envs.editing import Editing
from envs.pools import Pool
from lepton_rl.edge_graph import EdgeGraph
from lepton_rl.graph import BitGraph, adjacency
from lepton_rl.objectives.base import Objective
from lepton_rl.registry import near_match
from lepton_rl.weights import pair_weights

__all__ = ["check_graphs", "check_labels", "check_weights", "checked_reward", "degrees_of", "dense_graphs", "with_cost"]

Rule = TypeVar("Rule", bound=Editing)


def with_cost(env: Rule, cost: str | None, cost_budget: float) -> Rule:
    """The environment with a budget of cost beside that of edits; ``env`` itself where ``cost`` is None.

    Raises:
        ValueError: a budget without a cost, an unknown cost or one that does not fit the rule; a budget that is not
            above 0 or that pays for no edit of a start graph; graphs without the node features that the cost reads, or
            costs below 0.
    """
    if cost is None:
        if cost_budget != math.inf:
            raise ValueError(f"cost_budget {cost_budget} limits a cost: give one of {', '.join(COSTS)} too.")
        return env
    found, graphs = get_cost(cost), env.pool.graphs
    if found.picks != env.steps_per_edit:
        fitting = [name for name in COSTS if get_cost(name).picks == env.steps_per_edit]
        raise ValueError(f"{env.rule} has no cost '{cost}': give one of {', '.join(fitting) or 'none'}.")
    if not 0 < cost_budget < math.inf:
        raise ValueError(f"what edits may cost together is a number above 0: give a cost_budget; got {cost_budget}.")
    if (features := graphs.node_features.shape[-1]) < len(found.reads):
        raise ValueError(
            f"the cost '{cost}' reads {' and '.join(found.reads)} of every node, and the graphs have {features} node "
            f"feature(s): give these first, node_features=, or as columns of a table of nodes."
        )
    env = replace(env, cost=cost, cost_budget=float(cost_budget))
    nothing = jnp.full((env.steps_per_edit - 1,), -1, jnp.int32)

    def cheapest(graph: BitGraph) -> tuple[Array, Array]:
        graph = env.begin(graph)
        prices, here = env.prices(graph), graph.node_mask
        there = here if found.picks == 1 else here[:, None] & here
        return env.legal(graph, nothing).any(), jnp.where(there, prices, 0.0).min()

    some, least = map(np.asarray, jax.lax.map(cheapest, graphs))
    if not (least >= 0).all():
        raise ValueError(f"graph {int(np.argmin(least >= 0))} has a cost of {least.min():g}: costs are not below 0.")
    if not some.all():
        raise ValueError(f"graph {int(np.argmin(some))} has no edit of a {cost} up to {cost_budget:g}: raise it.")
    return env


def checked_reward(reward: str) -> Literal["end", "edit"]:
    """``reward``, when there is such a one.

    Raises:
        ValueError: neither "end" nor "edit".
    """
    if reward not in ("end", "edit"):
        raise ValueError(f"unknown reward '{reward}'.{near_match(reward, ('end', 'edit'))} Allowed: end, edit.")
    return "edit" if reward == "edit" else "end"


def dense_graphs(pool: Pool) -> Iterator[np.ndarray]:
    """The adjacency bool[n, n] of the nodes present, graph after graph."""
    for rows, node_mask in zip(np.asarray(pool.graphs.rows), np.asarray(pool.graphs.node_mask), strict=True):
        bits = np.unpackbits(rows.astype("<u4").view(np.uint8), axis=-1, bitorder="little")
        yield bits[node_mask, : len(node_mask)][:, node_mask].astype(bool)


def degrees_of(pool: Pool) -> np.ndarray:
    """Out-degrees i64[P, N]."""
    if isinstance(pool.graphs, EdgeGraph):
        return np.asarray(pool.graphs.degrees, np.int64)
    return np.bitwise_count(np.asarray(pool.graphs.rows)).sum(-1, dtype=np.int64)


def check_graphs(
    pool: Pool, objective: Objective, rule: str, budget: int, *, directed: bool, adds: bool = False
) -> None:
    """Refuse what no rule can use.

    Args:
        directed: the rule edits directed graphs too. ``adds``: it adds edges, which weigh what their pair says.

    Raises:
        ValueError: a budget below 1; directed graphs where the rule or the objective takes none; a start graph in
            several parts where the objective needs a connected one; weights that are not above 0 where it needs that.
    """
    if budget < 1:
        raise ValueError(f"the budget is the number of edits: give at least 1; got {budget}.")
    if pool.graphs.directed and not directed:
        raise ValueError(f"{rule} edits undirected graphs: build the pool from graphs with directed=False.")
    if pool.graphs.directed and not objective.directed:
        raise ValueError("this objective is defined on undirected graphs: build the pool with directed=False.")
    if objective.weighted == "positive" and pool.graphs.edge_features is not None:
        least = np.asarray(jax.vmap(_least_weight, in_axes=(0, None))(pool.graphs, adds))
        if not (least > 0).all():
            i = int(np.argmin(least > 0))
            raise ValueError(
                f"graph {i} has {'a pair' if adds else 'an edge'} of weight {least[i]:g} (the first edge feature), and "
                f"the objective is defined for weights above 0: give others{', to pairs without an edge too' * adds}, "
                "or leave the edge features out."
            )
    if objective.needs_connected:
        for i, dense in enumerate(dense_graphs(pool)):
            if connected_components(dense, directed=False, return_labels=False) != 1:
                raise ValueError(
                    f"graph {i} is not connected, and the objective is about staying connected: use its largest "
                    "component."
                )


def _least_weight(graph: BitGraph, of_pairs: bool) -> Array:
    """The least weight of an edge, or of a pair of different present slots; infinite where there is none."""
    slots = jnp.arange(graph.capacity)
    there = graph.node_mask[:, None] & graph.node_mask & (slots[:, None] != slots)
    there &= of_pairs | adjacency(graph)
    return jnp.where(there, pair_weights(graph), jnp.inf).min()


def check_weights(objective: Objective, rule: str) -> None:
    """Refuse an objective that does not read the weights that the rule changes.

    Raises:
        ValueError: the message names those that do.
    """
    if not objective.weighted:
        fitting = ", ".join(name for name, one in _objectives() if one.weighted)
        raise ValueError(f"{rule} changes weights of edges, and the objective reads none: choose one of {fitting}.")


def check_labels(pool: Pool, objective: Objective, rule: str, *, written: str = "") -> None:
    """Refuse an objective whose labels the graphs lack, or the rule does not write.

    Args:
        written: what the rule writes into the labels ("chosen", "spin"); "" = it edits edges.

    Raises:
        ValueError: the message says what fits instead.
    """
    reads = objective.labels
    if written and reads != written:
        fitting = ", ".join(name for name, one in _objectives() if one.labels == written)
        raise ValueError(
            f"{rule} sets labels of nodes ({written}), and the objective reads "
            f"{reads or 'edges only'}: choose one of {fitting}."
        )
    if reads and not written and pool.graphs.labels is None:
        raise ValueError(
            f"the objective reads a label of every node ({reads}), and the graphs have none: give them labels "
            "(from_edges(labels=…), --label COLUMN)."
        )


def _objectives() -> list[tuple[str, Objective]]:
    from lepton_rl.objectives import OBJECTIVES, get_objective  # noqa: PLC0415 - all families, for a message only

    return [(name, get_objective(name)) for name in OBJECTIVES]
