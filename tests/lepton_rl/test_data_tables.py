"""Tables of nodes beside the edges; data frames, arrow tables and PyG, both ways."""

import gzip
import sys
from types import ModuleType, SimpleNamespace

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_rl.data import Cleaning, Columns, DataError, NamedGraph, load, read_graph, write_graph
from lepton_rl.data.difference import difference
from lepton_rl.data.foreign import from_networkx, from_table, to_tables
from lepton_rl.data.names import Names
from lepton_rl.data.pyg import from_pyg, to_pyg

EDGES = "source,target\nanna,bo\nbo,cy\n"


def write(path, content):
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_a_table_of_nodes_beside_the_edges_is_found(tmp_path, suffix):
    delimiter = "\t" if "tsv" in suffix else ","
    path = write(tmp_path / f"net{suffix}", EDGES.replace(",", delimiter))
    beside = write(tmp_path / f"net.nodes{suffix}", "age;id;town\n31; cy ;Ulm\n;dee;\n7;anna;\n")
    graph = read_graph(path)
    assert graph.names == ("cy", "dee", "anna", "bo")
    assert graph.edges.tolist() == [[2, 3], [0, 3]]
    assert graph.node_data.to_pydict() == {"age": [31, None, 7, None], "town": ["Ulm", None, None, None]}
    assert graph.report[-1] == f"{beside}: 3 nodes, 1 of them in no edge; 1 nodes are not listed"
    assert read_graph(path, cleaning=Cleaning(isolated="drop")).names == ("cy", "anna", "bo")


@pytest.mark.parametrize("edges", ["g.txt", "g.csv", "g.mtx"])
def test_a_table_of_nodes_is_named_whatever_the_format_of_the_edges(tmp_path, edges):
    content = "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n"
    write(tmp_path / edges, {"g.txt": "1 2\n2 3\n", "g.csv": "1,2\n2,3\n", "g.mtx": content}[edges])
    pq.write_table(pa.table({"who": [3, 2, 17, 1], "x": [0.5, 1.0, None, 2.0]}), tmp_path / "people.parquet")
    graph = read_graph(tmp_path / edges, nodes=tmp_path / "people.parquet")
    assert graph.names == ("3", "2", "17", "1")
    assert graph.node_data.to_pydict() == {"x": [0.5, 1.0, None, 2.0]}
    assert {frozenset(edge) for edge in graph.to_networkx().edges} == {frozenset("12"), frozenset("23")}


def test_how_the_column_of_names_is_told(tmp_path):
    write(tmp_path / "e.csv", EDGES)
    tables = "name,Node_ID\nx,anna\ny,bo\n", "NAME,x\nanna,x\nbo,y\n", "person,id2\nanna,x\nbo,y\n", "id\nanna\nbo\n"
    for text in tables:
        write(tmp_path / "n.csv", text)
        graph = read_graph(tmp_path / "e.csv", nodes=tmp_path / "n.csv")
        assert graph.names == ("anna", "bo", "cy")
        values = [] if graph.node_data is None else graph.node_data.column(0).to_pylist()
        assert values == ([] if text.startswith("id") else ["x", "y", None])


@pytest.mark.parametrize(("content", "message"), [
    ("id,age\nanna,3\nbo,4\nanna,5\n", r"n\.csv:4: node 'anna' again, first at .*n\.csv:2: keep one row a node"),
    ("id,age\nanna,3\n\n,4\n", r"n\.csv:4: empty node name"),
    ("anna,3\nbo,4\n", r"n\.csv: its first row begins with the node 'anna': give it a header"),
    ("id,age\nAnna,3\nBo,4\n", r"n\.csv lists none of the nodes of the edges \('Anna' …, but .* 'anna' …\)"),
    ("id,age\n", r"n\.csv has no rows"),
    ("\n\n", r"n\.csv has no rows"),
    ("id,age\nanna,3,4\n", r"n\.csv:2: 3 column"),
])  # fmt: skip
def test_bad_tables_of_nodes(tmp_path, content, message):
    write(tmp_path / "e.csv", EDGES)
    with pytest.raises(DataError, match=message):
        read_graph(tmp_path / "e.csv", nodes=write(tmp_path / "n.csv", content))


def test_tables_of_nodes_that_cannot_be(tmp_path):
    write_graph(load("karate"), tmp_path / "g.json")
    write(tmp_path / "n.csv", "id,age\n0,3\n")
    with pytest.raises(DataError, match="has node attributes of its own"):
        read_graph(tmp_path / "g.json", nodes=tmp_path / "n.csv")
    with pytest.raises(DataError, match=r"a table of nodes is read from \.csv, \.tsv, \.parquet"):
        read_graph(tmp_path / "g.json", nodes=tmp_path / "g.json")
    with pytest.raises(DataError, match="no file"):
        read_graph(tmp_path / "g.json", nodes=tmp_path / "m.csv")


def test_parquet_names_are_taken_as_they_are(tmp_path):
    path = tmp_path / "g.parquet"
    big = np.array([2**63 - 1, -(2**63), 5])
    pq.write_table(pa.table({"u": big, "v": big[[1, 2, 0]]}), path)
    assert read_graph(path).names == tuple(map(str, big))
    pq.write_table(pa.table({"u": pa.array([2**64 - 1, 1], pa.uint64()), "v": [" a ", "NA"]}), path)
    assert read_graph(path).names == (str(2**64 - 1), " a ", "1", "NA")
    pq.write_table(pa.table({"x": [1, 2], "From": pa.array(["a", "b"]).dictionary_encode(), "to": ["b", "c"]}), path)
    assert read_graph(path).names == tuple("abc")


@pytest.mark.parametrize(("table", "message"), [
    (pa.table({"u": ["a", None], "v": ["b", "c"]}), "row 2: empty source name"),
    (pa.table({"u": ["a", "b"], "v": ["b", ""]}), "row 2: empty target name"),
    (pa.table({"u": [1, None], "v": [2, 3]}), "row 2: empty source name"),
    (pa.table({"u": [1.0, 2.0], "v": [2, 3]}), "source names of type double: give text or whole numbers"),
    (pa.table({"u": ["x" * 20_000], "v": ["b"]}), "a source name of 20,000 bytes"),
    (pa.table({"u": ["a"]}), "has one column only"),
    (pa.table({"u": pa.array([], pa.string()), "v": pa.array([], pa.string())}), "has no edge"),
])  # fmt: skip
def test_bad_parquet(tmp_path, table, message):
    pq.write_table(table, tmp_path / "g.parquet")
    with pytest.raises(DataError, match=message):
        read_graph(tmp_path / "g.parquet")


def test_another_column_may_hold_the_weights(tmp_path):
    for name, content in (
        ("g.csv", "source,target,weight,strength\na,b,7,1\nb,c,8,2\n"),
        ("g.json", '[{"source": "a", "target": "b", "weight": 7, "strength": 1},'
                   ' {"source": "b", "target": "c", "weight": 8, "strength": 2}]'),
    ):  # fmt: skip
        graph = read_graph(write(tmp_path / name, content), columns=Columns(weight="strength"))
        assert graph.edge_data.to_pydict() == {"weight (2)": [7, 8], "weight": [1, 2]}
    nx.write_graphml(nx.path_graph(3), tmp_path / "g.graphml")
    with pytest.raises(DataError, match=r"no edge attribute 'strength' for the weight\. Attributes: none"):
        read_graph(tmp_path / "g.graphml", columns=Columns(weight="strength"))


@pytest.mark.parametrize(("name", "content"), [
    ("g.csv", "start,end,source,target\n1990,1995,a,b\n1991,1992,b,c\n"),
    ("g.csv", "end,start,origin,To,From\n1995,1990,x,b,a\n1992,1991,x,c,b\n"),
    ("g.json", '{"links": [{"start": 1990, "end": 1995, "source": "a", "target": "b"}, '
               '{"start": 1991, "end": 1992, "source": "b", "target": "c"}]}'),
])  # fmt: skip
def test_edges_may_have_a_start_and_an_end(tmp_path, name, content):
    graph = read_graph(write(tmp_path / name, content))
    assert (graph.names, graph.edges.tolist()) == (tuple("abc"), [[0, 1], [1, 2]])
    times = graph.edge_data.select(["start", "end"])
    assert times.to_pydict() == {"start": [1990, 1991], "end": [1995, 1992]}
    assert read_graph(write(tmp_path / "e.csv", "end,start\nb,a\nc,b\n"), cleaning=Cleaning(directed=True)).names == (
        "a", "b", "c",
    )  # fmt: skip


def test_data_frames_both_ways():
    pandas = pytest.importorskip("pandas")
    edges = pandas.DataFrame({"weight": [1.5, 2.0], "src": ["a", "b"], "dst": ["b", "c"]}, index=[7, 3])
    nodes = pandas.DataFrame({"id": ["c", "d", "a"], "town": pandas.Categorical(["Ulm", None, "Bonn"])})
    graph = from_table(edges, "frame", nodes)
    assert (graph.name, graph.names, graph.edges.tolist()) == ("frame", tuple("cdab"), [[2, 3], [0, 3]])
    assert graph.node_data["town"].to_pylist() == ["Ulm", None, "Bonn", None]
    ties, people = (table.to_pandas() for table in to_tables(graph))
    assert ties.columns.tolist() == ["source", "target", "weight"]
    assert people["id"].tolist() == list("cdab")
    assert difference(graph, from_table(ties, "again", people)) is None


def test_arrow_tables_both_ways():
    graph = load("karate")
    edges, nodes = to_tables(graph)
    assert edges.schema.types[:2] == [pa.int64()] * 2
    assert difference(graph, from_table(edges, "again", nodes)) is None
    words = from_table(pa.table({"u": ["017", "6"], "v": ["6", "900"]}))
    assert to_tables(words)[0].to_pydict() == {"source": ["017", "6"], "target": ["6", "900"]}
    twice = pa.table([pa.array([1]), pa.array([2]), pa.array([3]), pa.array([4])], names=["u", "v", "x", "x"])
    assert from_table(twice).edge_data.to_pydict() == {"x": [3], "x (4)": [4]}


def test_bad_tables():
    with pytest.raises(DataError, match="dict is no table: give a pandas"):
        from_table({"u": [1], "v": [2]})
    with pytest.raises(DataError, match=r"friends has no column 'frm' for the source\. Did you mean 'from'"):
        from_table(pa.table({"from": [1], "to": [2]}), "friends", columns=Columns(source="frm"))
    with pytest.raises(DataError, match="nodes of friends, row 1: node '1' again, first at nodes of friends, row 0"):
        from_table(pa.table({"from": [1], "to": [2]}), "friends", pa.table({"id": [1, 1]}))
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="a table that arrow cannot take"):
        from_table(pandas.DataFrame({"u": ["a", 1], "v": ["b", 2]}, dtype=object))


def test_networkx_both_ways():
    graph = from_networkx(nx.les_miserables_graph(), "g")
    assert difference(graph, from_networkx(graph.to_networkx(), "again")) is None
    with pytest.raises(DataError, match="half a character"):
        from_networkx(nx.Graph([("\ud800", "a")]), "g")


def data(edges, **others):
    return SimpleNamespace(edge_index=np.array(edges).T, **others)


def test_pyg_graphs_of_both_directions_are_undirected():
    x, y = np.array([[1.0, 2], [3, 4], [5, 6], [7, 8]]), np.array([0, 1, 1, 0])
    both = data([[0, 1], [1, 2], [1, 0], [2, 1]], x=x, y=y, edge_attr=np.array([[5], [6], [5], [6]]), num_nodes=4)
    graph = from_pyg(both, "pyg")
    assert (graph.names, graph.directed, graph.edges.tolist(), graph.report) == (
        tuple("0123"), False, [[0, 1], [1, 2]], (),
    )  # fmt: skip
    assert graph.edge_data.to_pydict() == {"edge_attr0": [5, 6]}
    assert graph.node_data.to_pydict() == {"x0": [1, 3, 5, 7], "x1": [2, 4, 6, 8], "y": [0, 1, 1, 0]}
    uneven = data([[0, 1], [1, 0]], edge_weight=np.array([0.5, 0.25]))
    graph = from_pyg(uneven)
    assert (graph.directed, graph.edges.tolist(), graph.weights.tolist()) == (True, [[0, 1], [1, 0]], [0.5, 0.25])
    assert from_pyg(data([[0, 1], [2, 1]])).directed
    assert not from_pyg(data([[0, 1], [2, 1]]), cleaning=Cleaning(directed=False)).directed


@pytest.mark.parametrize(("given", "message"), [
    (SimpleNamespace(), "give 'edge_index'"),
    (data([[0, 1, 2]]), "give 'edge_index'"),
    (data([[0.0, 1.0]]), "give 'edge_index'"),
    (data([[0, 4]], num_nodes=3), "'edge_index' goes from 0 to 4, but there are 3 nodes"),
    (data([[-1, 1]]), "goes from -1 to 1"),
    (data([[0, 1]], edge_attr=np.zeros((2, 1))), r"'edge_attr' has shape \[2, 1\]: give 1 rows"),
    (data([[0, 1]], y=np.zeros((2, 1, 1))), r"'y' has shape \[2, 1, 1\]"),
])  # fmt: skip
def test_bad_pyg_graphs(given, message):
    with pytest.raises(DataError, match=message):
        from_pyg(given)


@pytest.fixture
def pyg(monkeypatch):
    """PyTorch Geometric, or stand-ins that keep arrays where it is not installed."""
    try:
        import torch_geometric  # noqa: F401
    except ImportError:
        for name, members in (("torch", {"from_numpy": lambda array: array}), ("torch_geometric", {}),
                              ("torch_geometric.data", {"Data": SimpleNamespace})):  # fmt: skip
            module = ModuleType(name)
            vars(module).update(members)
            monkeypatch.setitem(sys.modules, name, module)


def test_pyg_both_ways(pyg):
    weights = pa.table({"weight": [0.5, 0.25]})
    for directed in (False, True):
        graph = NamedGraph("g", np.array([[0, 1], [1, 3]], np.int32), Names(np.arange(4)), directed, None, weights)
        made = to_pyg(graph)
        index = np.asarray(made.edge_index)
        assert (index.dtype, made.num_nodes) == (np.int64, 4)
        assert index.T.tolist() == [[0, 1], [1, 3]] + [[1, 0], [3, 1]] * (not directed)
        assert difference(graph, from_pyg(made)) is None
