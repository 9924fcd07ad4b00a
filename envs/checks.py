"""What the builders of environments check of their arguments, once, on the host."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from scipy.sparse.csgraph import connected_components

from envs.pools import Pool
from lepton_rl.edge_graph import EdgeGraph
from lepton_rl.objectives.base import Objective
from lepton_rl.registry import near_match

__all__ = ["check_graphs", "check_labels", "checked_reward", "degrees_of", "dense_graphs"]


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


def check_graphs(pool: Pool, objective: Objective, rule: str, budget: int, *, directed: bool) -> None:
    """Refuse what no rule can use.

    Args:
        directed: the rule edits directed graphs too.

    Raises:
        ValueError: a budget below 1; directed graphs where the rule or the objective takes none; a start graph in
            several parts where the objective needs a connected one.
    """
    if budget < 1:
        raise ValueError(f"the budget is the number of edits: give at least 1; got {budget}.")
    if pool.graphs.directed and not directed:
        raise ValueError(f"{rule} edits undirected graphs: build the pool from graphs with directed=False.")
    if pool.graphs.directed and not objective.directed:
        raise ValueError("this objective is defined on undirected graphs: build the pool with directed=False.")
    if objective.needs_connected:
        for i, dense in enumerate(dense_graphs(pool)):
            if connected_components(dense, directed=False, return_labels=False) != 1:
                raise ValueError(
                    f"graph {i} is not connected, and the objective is about staying connected: use its largest "
                    "component."
                )


def check_labels(pool: Pool, objective: Objective, rule: str, *, written: str = "") -> None:
    """Refuse an objective whose labels the graphs lack, or the rule does not write.

    Args:
        written: what the rule writes into the labels ("chosen", "spin"); "" = it edits edges.

    Raises:
        ValueError: the message says what fits instead.
    """
    reads = objective.labels
    if written and reads != written:
        fitting = ", ".join(_reading(written))
        raise ValueError(
            f"{rule} sets labels of nodes ({written}), and the objective reads "
            f"{reads or 'edges only'}: choose one of {fitting}."
        )
    if reads and not written and pool.graphs.labels is None:
        raise ValueError(
            f"the objective reads a label of every node ({reads}), and the graphs have none: give them labels "
            "(from_edges(labels=…), --label COLUMN)."
        )


def _reading(kind: str) -> list[str]:
    """Names of the objectives that read labels of a kind."""
    from lepton_rl.objectives import OBJECTIVES, get_objective  # noqa: PLC0415 - all families, for a message only

    return [name for name in OBJECTIVES if get_objective(name).labels == kind]
