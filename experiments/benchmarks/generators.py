"""``python -m experiments.benchmarks generators``: graphs a second of each family in streams, beside networkx."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from math import ceil, log
from typing import Any

import networkx as nx
import numpy as np
from rich.console import Console

from envs.pools import pool_from_edges
from experiments.benchmarks.options import Generators
from experiments.benchmarks.timing import fastest
from lepton_rl.data import FAMILIES, stream

__all__ = ["peers", "rows"]

Peer = Callable[[int], nx.Graph]  # by seed


def _connected(draw: Peer, seed: int) -> nx.Graph:
    """The first connected one of the seeds seed, seed + 1000, …, as one would write it with networkx."""
    while not nx.is_connected(graph := draw(seed)):
        seed += 1000
    return graph


def peers(n: int) -> dict[str, tuple[dict[str, Any], Peer | None]]:
    """Each family's parameters, spelt out, and networkx's graph of the same ones (None: networkx has none)."""
    p, m = min(1.0, 2 * log(n) / n), min(n * (n - 1) // 2, ceil(n * log(n)))
    sizes = np.diff(np.linspace(0, n, 5).astype(int)).tolist()
    chances = np.where(np.eye(4, dtype=bool), 0.5, 0.05)
    blocks = partial(nx.stochastic_block_model, sizes, chances)
    return {
        "ba_star": ({"m": 2}, lambda seed: nx.barabasi_albert_graph(n, 2, seed=seed)),
        "holme_kim": ({"m": 2, "p": 0.5}, lambda seed: nx.powerlaw_cluster_graph(n, 2, 0.5, seed=seed)),
        "gnp": ({"p": p}, partial(_connected, lambda seed: nx.gnp_random_graph(n, p, seed=seed))),
        "gnm": ({"m": m}, partial(_connected, lambda seed: nx.gnm_random_graph(n, m, seed=seed))),
        "sbm": ({"sizes": sizes, "p": chances}, partial(_connected, lambda seed: blocks(seed=seed))),
        "watts_strogatz": (
            {"k": 4, "p": 0.1}, lambda seed: nx.connected_watts_strogatz_graph(n, 4, 0.1, seed=seed)
        ),
        "gabriel": ({}, None),
        "user_item": ({}, None),
    }  # fmt: skip


def _measure(family: str, n: int, graphs: int, networkx_graphs: int, seconds: float) -> dict[str, Any]:
    parameters, peer = peers(n)[family]
    ours = partial(stream, family, n, range(graphs), **parameters)
    calls: list[Callable[[], Any]] = [ours, lambda: pool_from_edges(ours()).graphs]
    if peer is not None:
        calls.append(lambda: [peer(seed).number_of_edges() for seed in range(networkx_graphs)])
    bare, pooled, *other = fastest(calls, seconds)
    theirs = networkx_graphs / other[0] if other else None
    return {
        "graphs_per_second": graphs / bare, "pooled_graphs_per_second": graphs / pooled,
        "networkx_graphs_per_second": theirs, "times_networkx": graphs / bare / theirs if theirs else None,
    }  # fmt: skip


def rows(options: Generators, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one."""
    if options.quick:
        options = replace(options, nodes=(20,), networkx_graphs=5, seconds=0.05)
    for n, family in product(options.nodes, FAMILIES):
        row = _measure(family, n, options.graphs, options.networkx_graphs, options.seconds)
        yield {"family": family, "n": n, "batch": options.graphs, **row}
