"""From options to environments: start graphs for training, validation and test that never meet."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import networkx as nx

from envs import get_environment
from envs.base import GraphEnv
from envs.pools import Pool, make_pool
from lepton_rl.data import NAMED, DataError, NamedGraph, from_networkx, generate, load, read_graph
from lepton_rl.objectives import get_objective

__all__ = ["Problem", "environment", "generated_pool", "generated_problem", "named_graph", "shuffled_problem"]

VALID_SEED, TEST_SEED = 10_000_000, 20_000_000  # apart from each other and from any training seed
HELD_OUT = 100
SAMPLE_ABOVE, SAMPLE_NODES = 64, 48


class Problem(NamedTuple):
    """The same task on three disjoint pools of start graphs."""

    train: GraphEnv
    valid: GraphEnv
    test: GraphEnv


def environment(env: str, pool: Pool, objective: str, budget: int, reward: str = "end") -> GraphEnv:
    """The environment as every command uses it: the agent sees the objective's first-order account of each pair.

    Raises:
        ValueError: an unknown name, or settings the rule refuses.
    """
    return get_environment(env)(pool, get_objective(objective), budget, reward, sensitivity=True)


def generated_pool(generator: str, num_nodes: int, seeds: Sequence[int]) -> Pool:
    """Generated graphs, one a seed."""
    return make_pool([from_networkx(g, generator).to_bitgraph() for g in generate(generator, num_nodes, seeds)])


def generated_problem(
    env: str, objective: str, budget: int, reward: str, generator: str, num_nodes: int, num_graphs: int
) -> Problem:
    """Training, validation and test pools of generated graphs with disjoint seeds."""
    starts = (range(num_graphs), range(VALID_SEED, VALID_SEED + HELD_OUT), range(TEST_SEED, TEST_SEED + HELD_OUT))
    pools = (generated_pool(generator, num_nodes, seeds) for seeds in starts)
    return Problem(*(environment(env, pool, objective, budget, reward) for pool in pools))


def named_graph(graph: str, objective: str) -> NamedGraph:
    """A named data set or a graph file; its largest component where the objective is about staying connected.

    Raises:
        ValueError: neither a data set nor a readable file, with the reason.
    """
    named = load(graph) if graph in NAMED else None
    if named is None:
        if not Path(graph).suffix and not Path(graph).exists():
            load(graph)  # raises, naming the near match
        named = read_graph(graph)
    if get_objective(objective).needs_connected:
        named = named.largest_component()
    if named.num_nodes < 3:
        raise DataError(f"{named.name} has {named.num_nodes} node(s) after cleaning: give a graph of at least 3.")
    return named


def _shuffled(graph: nx.Graph, seed: int) -> nx.Graph:
    """A connected copy with the same degrees and other edges, sampled down where it is large."""
    copy = nx.convert_node_labels_to_integers(graph)
    rng = random.Random(seed)
    if copy.number_of_edges() >= 4 and copy.number_of_nodes() >= 4 and nx.is_connected(copy):
        nx.connected_double_edge_swap(copy, min(2 * copy.number_of_edges(), 400), seed=rng)
    elif copy.number_of_edges() >= 4 and copy.number_of_nodes() >= 4:
        nx.double_edge_swap(copy, copy.number_of_edges(), max_tries=10**6, seed=rng)
    if len(copy) > SAMPLE_ABOVE:
        first = rng.randrange(len(copy))
        order = [first, *(v for _, v in nx.bfs_edges(copy, first))]
        copy = nx.convert_node_labels_to_integers(copy.subgraph(order[:SAMPLE_NODES]))
    return nx.Graph(copy)


def shuffled_problem(
    named: NamedGraph, env: str, objective: str, budget: int, reward: str, num_graphs: int
) -> Problem:
    """Training and validation on degree-preserving shuffles of ``named``; the test pool is ``named`` alone.

    Shuffles keep size and degrees, so the agent learns the family without ever seeing the graph it is asked about.
    Of graphs above 64 nodes it sees connected samples of 48.
    """
    graph = named.to_networkx()
    count = min(num_graphs, 256)
    shuffles = [from_networkx(_shuffled(graph, seed), named.name).to_bitgraph() for seed in range(count + 32)]
    pools = make_pool(shuffles[:count]), make_pool(shuffles[count:]), make_pool([named.to_bitgraph()])
    try:
        return Problem(*(environment(env, pool, objective, budget, reward) for pool in pools))
    except ValueError as error:
        raise ValueError(f"{named.name}: {error}") from None
