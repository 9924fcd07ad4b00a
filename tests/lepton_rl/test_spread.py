import networkx as nx
import numpy as np
import pytest

from lepton_rl.spread import cascade_sizes

PATH = np.array([[0, 1], [1, 2], [2, 3], [5, 4]])


def test_mean_spread_along_a_path_is_the_geometric_sum():
    sizes = cascade_sizes(PATH, 6, np.array([0]), 0.5, worlds=4000)
    assert sizes.mean() == pytest.approx(1 + 0.5 + 0.25 + 0.125, abs=0.06)
    np.testing.assert_array_equal(sizes, cascade_sizes(PATH, 6, np.array([0, 0]), 0.5, worlds=4000))
    assert (cascade_sizes(PATH, 6, np.array([], int), 0.5, worlds=3) == 0).all()


@pytest.mark.parametrize("directed", [False, True])
def test_certain_edges_give_reachability(directed):
    graph = nx.gnp_random_graph(30, 0.05, seed=2, directed=directed)
    edges, seeds = np.array(graph.edges), [3, 17, 20]
    certain = np.arange(len(edges)) % 3 > 0
    kept = graph.edge_subgraph([tuple(edge) for edge in edges[certain]]).copy()
    kept.add_nodes_from(graph)
    reached = set(seeds).union(*(nx.descendants(kept, node) for node in seeds))
    chances = certain.astype(float)
    assert (cascade_sizes(edges, 30, np.array(seeds), chances, worlds=3, directed=directed) == len(reached)).all()


def test_directions_count():
    assert cascade_sizes(PATH, 6, np.array([4]), 1.0, worlds=1, directed=True) == 1
    assert cascade_sizes(PATH, 6, np.array([5]), 1.0, worlds=1, directed=True) == 2


@pytest.mark.parametrize(("seeds", "chance"), [([-1], 0.5), ([6], 0.5), ([0], 1.5)])
def test_refusals_say_why(seeds, chance):
    with pytest.raises(ValueError, match=r"leave out|between 0 and 1"):
        cascade_sizes(PATH, 6, np.array(seeds), chance)
