"""The large storage against BitGraph and networkx: edits, refusals, reductions, components, inputs of networks."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl import edge_graph as eg
from lepton_rl import graph as bg

PRESENT, CAPACITY, EDITS, LIST = 40, 44, 60, 24


def example(directed=False, seed=0):
    """Edges of a graph with a hub of more neighbours than the widest table, and a node without any."""
    rng = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(PRESENT, 0.12, seed=seed, directed=directed)
    graph.add_edges_from((0, int(v)) for v in rng.choice(np.arange(1, PRESENT), 30, replace=False))
    graph.remove_edges_from([edge for edge in list(graph.edges) if 7 in edge])
    return graph


def both(directed=False, seed=0, max_edits=LIST, **options):
    edges = list(example(directed, seed).edges)
    options = {"capacity": CAPACITY, "directed": directed, **options}
    return (bg.from_edges(edges, PRESENT, **options), eg.from_edges(edges, PRESENT, max_edits=max_edits, **options))


def draw_edits(seed, number=EDITS):
    """(operation, u, v): 0 – 2 edit an edge, 3 isolates u; few slots, so that edits meet, some of them out of range."""
    rng = np.random.default_rng(seed)
    slots = np.concatenate([np.arange(12), [-1, PRESENT - 1, PRESENT + 1, CAPACITY, 0, 0]])
    operations = rng.choice(4, number, p=[0.3, 0.3, 0.3, 0.1])
    return jnp.asarray(np.stack([operations, *rng.choice(slots, (2, number))], axis=1), jnp.int32)


@jax.jit
def play(graph, edits):
    def step(graph, edit):
        isolated = lambda graph, u, v: bg.isolate(graph, u)  # noqa: E731
        graph = jax.lax.switch(edit[0], [bg.add_edge, bg.remove_edge, bg.toggle_edge, isolated], graph, *edit[1:])
        return graph, (bg.has_edge(graph, edit[1], edit[2]), bg.degree(graph))

    return jax.lax.scan(step, graph, edits)


def pairs_of(graph):
    return {tuple(pair) for pair in eg.to_edges(graph).tolist()}


@pytest.mark.parametrize("directed", [False, True])
def test_edits_equal_those_of_bitset_rows(directed):
    for seed in range(8):
        bits, large = both(directed, seed % 3)
        edits = draw_edits(seed)
        (bits, (present, degrees)), (large, (found, counted)) = play(bits, edits), play(large, edits)
        assert eg.refused(large) == 0
        np.testing.assert_array_equal(found, present)
        np.testing.assert_array_equal(counted, degrees)
        assert pairs_of(large) == set(bg.to_networkx(bits).edges)
        assert bg.num_edges(large) == bg.num_edges(bits) and bg.num_nodes(large) == PRESENT
