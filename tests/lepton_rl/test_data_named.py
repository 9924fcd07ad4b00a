import networkx as nx
import numpy as np
import pytest

from lepton_rl.data import DataError, NamedGraph, from_networkx, load
from lepton_rl.data.cleaning import Cleaning
from lepton_rl.data.named import MAX_NODES
from lepton_rl.data.names import Names
from lepton_rl.data.parts import largest_component
from lepton_rl.graph import to_networkx

COUNTS = {"karate": (34, 78), "les_miserables": (77, 254), "florentine": (15, 20), "davis": (32, 89)}


@pytest.mark.parametrize("name", list(COUNTS))
def test_named_sets_have_their_published_counts(name):
    graph = load(name)
    assert (graph.name, graph.num_nodes, len(graph.edges)) == (name, *COUNTS[name])
    assert nx.is_connected(graph.to_networkx())


def test_named_sets_keep_their_weights_and_name_a_near_match():
    graph = load("les_miserables")
    weights = {frozenset((u, v)): w for u, v, w in nx.les_miserables_graph().edges(data="weight")}
    names = [frozenset((graph.names[u], graph.names[v])) for u, v in graph.edges]
    assert dict(zip(names, graph.weights.tolist(), strict=True)) == weights
    with pytest.raises(ValueError, match="Did you mean 'karate'"):
        load("karaté")


def test_round_trip_through_the_editable_graph_keeps_the_names():
    graph = load("florentine")
    want = nx.florentine_families_graph()
    got = to_networkx(graph.to_bitgraph(capacity=20), graph.names)
    assert list(got.nodes) == list(graph.to_networkx().nodes) == list(want.nodes)
    assert nx.utils.edges_equal(got.edges, want.edges)
    assert nx.utils.edges_equal(graph.to_networkx().edges, want.edges)


def test_from_networkx_cleans_and_reports():
    source = nx.MultiDiGraph([(1, 2), (1, 2), (2, 1), (3, 3)])
    source.add_edge(2, 3, colour="red")
    graph = from_networkx(source, "mixed", Cleaning(directed=False))
    assert graph.names == ("1", "2", "3")
    assert graph.edges.tolist() == [[0, 1], [1, 2]]
    assert graph.edge_data.to_pydict() == {"colour": [None, "red"]}
    assert [line.split(",")[0] for line in graph.report] == [
        "1 self-loop(s) dropped", "1 duplicate edge(s) merged", "1 reciprocal edge(s) merged (undirected)",
    ]  # fmt: skip
    directed = from_networkx(source, "mixed")
    assert directed.edges.tolist() == [[0, 1], [1, 0], [1, 2]]


@pytest.mark.parametrize(
    ("graph", "message"), [(nx.Graph([(1, 2), ("1", 3)]), "same name as text"), (nx.empty_graph(3), "no edge")]
)
def test_from_networkx_refuses(graph, message):
    with pytest.raises(DataError, match=message):
        from_networkx(graph, "bad")


def test_largest_component_keeps_names_and_reports_what_went():
    source = nx.Graph([("x", "y"), ("a", "b"), ("b", "c"), ("c", "a")])
    source.add_node("alone")
    part = largest_component(from_networkx(source, "parts"))
    assert part.names == ("a", "b", "c")
    assert nx.utils.edges_equal(part.to_networkx().edges, [("a", "b"), ("b", "c"), ("c", "a")])
    assert part.report == ("largest component of 3: 3 of 6 nodes, 3 of 4 edges kept",)
    assert largest_component(part) is part


def test_too_many_nodes_for_a_bitset_or_a_capacity():
    path = np.stack([np.arange(MAX_NODES), np.arange(1, MAX_NODES + 1)], axis=1).astype(np.int32)
    long = NamedGraph("long", path, Names(np.arange(MAX_NODES + 1)))
    with pytest.raises(DataError, match=rf"needs {MAX_NODES + 1} node slots, the limit is {MAX_NODES} \(memory"):
        long.to_bitgraph()
    with pytest.raises(DataError, match="has 15 nodes: give a capacity"):
        load("florentine").to_bitgraph(capacity=14)
