"""Graphs of the robustness table: a folder of archives, or the same protocol's graphs generated."""

from functools import cache
from pathlib import Path
from typing import Literal

import jax

from envs.pools import Pool, make_pool
from experiments.scoreboards.options import TRAIN_NODES
from lepton_rl.data import NamedGraph, from_networkx, generate, load_graph_arrays

__all__ = ["FIRST_SEED", "graph_pool"]

FIRST_SEED = {"train": 0, "valid": 10_000, "test": 10_100}


@cache
def graph_pool(
    family: str, num_nodes: int, split: Literal["train", "valid", "test"], data: Path | None, count: int
) -> Pool:
    """The first ``count`` graphs of a split (of training graphs in a folder: all).

    Validation graphs of more than 20 nodes are generated in any case: the published sets have none.

    Raises:
        DataError: a file is missing or unsound.
    """
    graphs: list[NamedGraph]
    if data is None or (split == "valid" and num_nodes != TRAIN_NODES):
        seeds = range(FIRST_SEED[split], FIRST_SEED[split] + count)
        graphs = [from_networkx(graph, family) for graph in generate(family, num_nodes, seeds)]
    else:
        graphs = load_graph_arrays(data / f"{family}_n{num_nodes}_{split}.npz")
        graphs = graphs if split == "train" else graphs[:count]
    pool = make_pool([graph.to_bitgraph() for graph in graphs])
    return Pool(jax.device_put(pool.graphs))
