"""Random graphs: one for each seed (:func:`generate`), or many at once from one seed (:func:`stream`)."""

import inspect
from collections.abc import Iterable
from typing import Any

import networkx as nx
import numpy as np

from lepton_rl.data.generators.batch import EdgeBatch, join, plain_graph
from lepton_rl.registry import near_match, resolve

__all__ = ["FAMILIES", "GENERATORS", "EdgeBatch", "generate", "stream"]

PROTOCOL = {
    "ba": "lepton_rl.data.generators.protocol:barabasi_albert",
    "er": "lepton_rl.data.generators.protocol:erdos_renyi",
}  # (num_nodes, seed) -> networkx graph
FAMILIES = {
    "ba_star": "lepton_rl.data.generators.growth:barabasi_albert",
    "holme_kim": "lepton_rl.data.generators.growth:holme_kim",
    "gnp": "lepton_rl.data.generators.pairs:gnp",
    "gnm": "lepton_rl.data.generators.pairs:gnm",
    "sbm": "lepton_rl.data.generators.pairs:stochastic_block",
    "watts_strogatz": "lepton_rl.data.generators.small_world:watts_strogatz",
    "gabriel": "lepton_rl.data.generators.gabriel:gabriel",
    "user_item": "lepton_rl.data.generators.user_item:user_item",
}  # (rng, count, num_nodes, **parameters) -> EdgeBatch
GENERATORS = PROTOCOL | FAMILIES

MAX_NODES = 46_340  # twice the number of pairs still fits 32 bits
_BLOCK_SLOTS = 2**17  # node slots drawn from one generator; part of what a seed means


def stream(
    kind: str, num_nodes: int, indices: Iterable[int] | np.ndarray, seed: int = 0, **parameters: Any
) -> EdgeBatch:
    """Graphs of an endless stream, many at once; which ones are asked for together changes none of them.

    The stream is drawn in blocks of some hundred graphs (a number that depends on ``num_nodes`` only), block b from
    ``PCG64([seed, b])``. A graph costs its whole block: ask for ranges. NumPy promises equal random streams within one
    of its versions.

    Args:
        kind: a name in :data:`FAMILIES`.
        num_nodes: nodes of every graph.
        indices: which graphs, in which order: ``range(1000)`` for the first thousand, ``range(1000, 1100)`` for others.
        seed: streams of different seeds are independent.
        parameters: the family's own, by name; its docstring has them and their defaults.

    Raises:
        ValueError: unknown ``kind`` or parameter, negative ``seed`` or index, or values that the family refuses.

    >>> graphs = stream("ba_star", 20, range(1000), seed=1, m=3)
    >>> graphs.size, graphs.edges.shape
    (1000, (1000, 51, 2))
    """
    family = resolve(FAMILIES, kind, "family of graphs in streams")
    known = list(inspect.signature(family).parameters)[3:]
    for name in parameters:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"{kind} has no parameter '{name}'.{near_match(name, known)} Allowed: {allowed}.")
    wanted = np.array([*indices], np.int64)
    if seed < 0 or wanted.min(initial=0) < 0:
        raise ValueError(f"seed {seed}, least index {wanted.min(initial=0)}: give whole numbers of at least 0.")
    if not 2 <= num_nodes <= MAX_NODES:
        raise ValueError(f"graphs of {num_nodes} node(s): give 2 … {MAX_NODES}.")
    size = min(max(_BLOCK_SLOTS // num_nodes, 16), 1024)
    blocks, place = wanted // size, wanted % size
    order = np.argsort(blocks, kind="stable")
    found, members = np.unique(blocks, return_counts=True)
    parts = []
    for block, group in zip(found.tolist(), np.split(order, members.cumsum()[:-1]), strict=False):
        rng = np.random.Generator(np.random.PCG64([seed, block]))
        drawn: EdgeBatch = family(rng, size, num_nodes, **parameters)
        parts.append(drawn.take(place[group]))
    return join(parts, num_nodes).take(np.argsort(order))


def generate(kind: str, num_nodes: int, seeds: Iterable[int] | np.ndarray) -> list[nx.Graph]:
    """One networkx graph for each seed, with the family's default parameters.

    Args:
        kind: a name in :data:`GENERATORS`. Graph s of one in :data:`FAMILIES` is graph s of its stream of seed 0; where
            its nodes lie (gabriel) are their attributes x and y.
        num_nodes: nodes of every graph.
        seeds: the test sets of RNet-DQN use 10100 … 10199.

    Raises:
        ValueError: unknown ``kind``, or too few nodes for it.

    >>> [graph.number_of_edges() for graph in generate("ba", 20, range(3))]
    [36, 36, 36]
    """
    generator = resolve(GENERATORS, kind, "graph generator")
    if kind in PROTOCOL:
        return [generator(num_nodes, int(seed)) for seed in seeds]
    batch = stream(kind, num_nodes, seeds)
    places = [None] * batch.size if batch.points is None else batch.points
    return [plain_graph(num_nodes, edges.tolist(), points) for edges, points in
            zip(batch.members(), places, strict=True)]  # fmt: skip
