"""Every format both ways: what is written is read again, or refused; networkx, scipy and pandas as second opinions."""

import gzip
import json
import os
import re
from dataclasses import replace

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl.data import FORMATS, Cleaning, Columns, DataError, NamedGraph, load, read_graph, write_graph
from lepton_rl.data.difference import difference
from lepton_rl.data.names import Names

SUFFIXES = [entry.suffixes[0] for entry in FORMATS.values()] + [".tsv"]
ODD = [
    "NA", "017", "17", "-3", "+3", "1e5", "1.0", "nan", "null", "None", "true", "2020-01-01", "source", "id", "node",
    "New York", "a,b", "a;b", "a|b", "tab\there", 'the "Duke"', "it's", '"', " x ", "#1", "%2", "{}", "[", "]", "<a>",
    "&amp;", "&#65;", "Ångström", "日本", "\x07", "\x7f", "\u2028", "\ufeff", "\u00a0", "=1+1", "a\\", "9" * 30,
]  # fmt: skip
ODD_OR_ANY = st.sampled_from(ODD) | st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=5)
WORDS = st.from_regex(r"[a-z]{1,3}[0-9]{0,2}", fullmatch=True)
VALUES = [
    st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False), st.booleans(),
    st.from_regex(r"w[a-z ]{0,5}w", fullmatch=True),
]  # fmt: skip
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FEWER = {"edgelist": [], "gml": [st.integers(-(2**31), 2**31 - 1), VALUES[1], VALUES[3]]}  # what it has no type for


def fits(kind, names):
    """Whether a format promises to hold these names."""
    if kind == "edgelist":
        return all(re.fullmatch(r"[a-z]+[0-9]*", name) for name in names)
    if kind == "csv":
        return all(name.strip() and name == name.strip() and name.isprintable() for name in names)
    return kind != "graphml" or not any(NOT_XML.search(name) for name in names)


@st.composite
def tables(draw, rows, kinds, more=()):
    columns = {
        name: draw(st.lists(st.none() | kind, min_size=rows, max_size=rows))
        for name, kind in zip("pqrs", draw(st.lists(st.sampled_from(kinds), max_size=3)), strict=False)
    }
    filled = {name: values for name, values in [*more, *columns.items()] if any(v is not None for v in values)}
    return pa.table(filled) if filled else None


@st.composite
def graphs(draw, names, kinds, directed, isolated=True):
    """What makes simple graphs of 2 to 6 nodes, with attributes of the given kinds and perhaps weights."""
    found = draw(st.lists(names, min_size=2, max_size=6, unique=True))
    pairs = [(u, v) for u in range(len(found)) for v in range(len(found)) if (u != v if directed else u < v)]
    edges = np.array(draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True)), np.int32)
    if not isolated:
        kept, flat = np.unique(edges, return_inverse=True)
        found, edges = [found[i] for i in kept], flat.reshape(-1, 2).astype(np.int32)
        edges = edges if directed else np.sort(edges, axis=1)
    weights = draw(st.none() | st.lists(st.integers(-9, 9), min_size=len(edges), max_size=len(edges))
                   | st.lists(VALUES[1], min_size=len(edges), max_size=len(edges)))  # fmt: skip
    more = [("weight", weights)] if weights and kinds else []
    node_data = draw(tables(len(found), kinds)) if kinds else None
    return edges, found, directed, node_data, draw(tables(len(edges), kinds, more)) if kinds else None


def made(edges, names, directed, node_data, edge_data):
    return NamedGraph("g", edges, Names.of(names), directed, node_data, edge_data)


def content(graph):
    """Nodes and edges with their attributes, in no order."""
    graph = graph.to_networkx()
    ends = tuple if graph.is_directed() else frozenset
    return graph.is_directed(), dict(graph.nodes(data=True)), {ends((u, v)): d for u, v, d in graph.edges(data=True)}


def written_and_read(graph, folder, suffix):
    """The graph after the round trip; None where the writer refused, in one line and without leaving anything."""
    for name in os.listdir(folder):
        os.unlink(folder / name)
    path = folder / f"g{suffix}"
    try:
        write_graph(graph, path)
    except DataError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        assert os.listdir(folder) == []
        return None
    says = suffix.removesuffix(".gz") not in (".csv", ".tsv", ".txt")
    return read_graph(path, cleaning=Cleaning(None if says else graph.directed, negative_weights="keep"))


def kind_of(suffix):
    return next(kind for kind, entry in FORMATS.items() if suffix.removesuffix(".gz") in entry.suffixes)


ROUND_TRIP = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".mtx"])
@ROUND_TRIP
@given(data=st.data())
def test_round_trips_keep_everything_and_refuse_only_what_the_format_cannot_hold(tmp_path, suffix, data):
    kind = kind_of(suffix)
    kinds = FEWER.get(kind, VALUES)
    names = WORDS if kind == "edgelist" else WORDS | ODD_OR_ANY.filter(bool)
    graph = made(*data.draw(graphs(names, kinds, data.draw(st.booleans()), isolated=kind != "edgelist")))
    read = written_and_read(graph, tmp_path, suffix + data.draw(st.sampled_from(["", ".gz"])))
    if read is None:
        assert not fits(kind, graph.names)
    else:
        assert content(read) == content(graph)
        assert difference(graph, read) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
@ROUND_TRIP
@given(data=st.data())
def test_anything_at_all_is_kept_or_refused(tmp_path, suffix, data):
    kinds = [*VALUES, ODD_OR_ANY, st.lists(st.integers(0, 3), max_size=3), st.dates()]
    graph = made(*data.draw(graphs(ODD_OR_ANY, kinds, data.draw(st.booleans()))))
    read = written_and_read(graph, tmp_path, suffix)
    assert read is None or content(read) == content(graph)


@ROUND_TRIP
@given(data=st.data(), order=st.permutations("12345"), directed=st.booleans(), kind=st.sampled_from(["", "f8", "i8"]))
def test_matrices_keep_graphs_of_numbered_nodes(tmp_path, data, order, directed, kind):
    pairs = [(u, v) for u in range(5) for v in range(5) if (u != v if directed else u < v)]
    edges = np.array(data.draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True)), np.int32)
    weights = np.arange(3, 3 + len(edges)) / (7 if kind == "f8" else 1)
    graph = made(edges, order, directed, None, pa.table({"weight": weights.astype(kind)}) if kind else None)
    read = written_and_read(graph, tmp_path, ".mtx")
    assert read is not None
    assert content(read) == content(graph)


def sample(directed, names="abcd"):
    """A graph with every kind of attribute that all formats but edge lists and matrices hold."""
    edges = np.array([[0, 1], [1, 2], [2, 0]] if directed else [[0, 1], [1, 2], [0, 2]], np.int32)
    nodes = pa.table({"age": [30, None, 5, 61], "town": ["Ulm", "Köln", None, "Bad Ems"]})
    ties = pa.table({"weight": [1.5, 0.25, 2.0], "kind": ["kin", "work", None]})
    return NamedGraph("g", edges, Names.of(names), directed, nodes, ties)


READ_BY_OTHERS = {
    ".json": lambda path: nx.node_link_graph(json.loads(path.read_text()), edges="edges"),
    ".graphml": nx.read_graphml,
    ".gml": nx.read_gml,
}
WRITTEN_BY_OTHERS = {
    "edges.json": lambda graph, path: path.write_text(json.dumps(nx.node_link_data(graph, edges="edges"))),
    "links.json": lambda graph, path: path.write_text(json.dumps(nx.node_link_data(graph, edges="links"))),
    "g.graphml": nx.write_graphml,
    "g.gml": nx.write_gml,
    "g.gml.gz": nx.write_gml,
}


@pytest.mark.parametrize("suffix", READ_BY_OTHERS)
@pytest.mark.parametrize("directed", [False, True])
def test_networkx_reads_what_is_written(tmp_path, suffix, directed):
    graph = sample(directed)
    write_graph(graph, tmp_path / f"g{suffix}")
    found, want = READ_BY_OTHERS[suffix](tmp_path / f"g{suffix}"), graph.to_networkx()
    assert found.is_directed() == directed
    assert dict(found.nodes(data=True)) == dict(want.nodes(data=True))
    assert nx.utils.edges_equal(found.edges(data=True), want.edges(data=True), directed=directed)


@pytest.mark.parametrize("name", WRITTEN_BY_OTHERS)
@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_what_networkx_writes_is_read(tmp_path, name, kind):
    want = kind(sample(issubclass(kind, nx.DiGraph)).to_networkx())
    WRITTEN_BY_OTHERS[name](want, tmp_path / name)
    graph = read_graph(tmp_path / name)
    assert graph.directed == want.is_directed()
    assert content(graph)[1] == dict(want.nodes(data=True))
    assert content(graph)[2] == {
        (tuple if graph.directed else frozenset)((u, v)): data for u, v, data in want.edges(data=True)
    }
    assert list(graph.names) == list(want)


@pytest.mark.parametrize("directed", [False, True])
def test_scipy_reads_and_writes_the_same_matrices(tmp_path, directed):
    want = nx.gnp_random_graph(12, 0.3, seed=3, directed=directed)
    for i, edge in enumerate(want.edges):
        want.edges[edge]["weight"] = i / 3
    matrix = nx.to_scipy_sparse_array(want)
    scipy.io.mmwrite(tmp_path / "scipy.mtx", matrix)
    graph = read_graph(tmp_path / "scipy.mtx")
    assert (graph.directed, graph.names) == (directed, tuple(map(str, range(1, 13))))
    write_graph(graph, tmp_path / "ours.mtx")
    again = scipy.io.mmread(tmp_path / "ours.mtx")
    assert (abs(again - matrix)).max() < 1e-15
    assert again.nnz == matrix.nnz


def test_pandas_reads_and_writes_the_same_tables(tmp_path):
    pandas = pytest.importorskip("pandas")
    graph = sample(False)
    write_graph(graph, tmp_path / "g.csv.gz")
    write_graph(graph, tmp_path / "g.parquet")
    for read, suffix in ((pandas.read_csv, ".csv.gz"), (pandas.read_parquet, ".parquet")):
        edges, nodes = read(tmp_path / f"g{suffix}"), read(tmp_path / f"g.nodes{suffix}")
        assert edges[["source", "target", "weight"]].values.tolist() == [
            ["a", "b", 1.5], ["b", "c", 0.25], ["a", "c", 2.0],
        ]  # fmt: skip
        assert nodes["id"].tolist() == list("abcd")
        assert nodes["age"].dropna().tolist() == [30, 5, 61]
        assert nodes["town"].fillna("").tolist() == ["Ulm", "Köln", "", "Bad Ems"]
    frame = pandas.DataFrame({"likes": [0.5, 1.0], "From": [7, 8], "to": [8, 17]}, index=[5, 3])
    frame.to_parquet(tmp_path / "p.parquet")
    frame.to_csv(tmp_path / "p.csv", index=False)
    frame.to_json(tmp_path / "p.json", orient="records")
    frame.to_json(tmp_path / "p.jsonl", orient="records", lines=True)
    for suffix in (".parquet", ".csv", ".json", ".jsonl"):
        graph = read_graph(tmp_path / f"p{suffix}", columns=Columns(weight="likes"))
        assert content(graph)[2] == {frozenset(("7", "8")): {"weight": 0.5}, frozenset(("8", "17")): {"weight": 1.0}}


def test_gml_of_other_programs(tmp_path):
    """As Newman's collection writes it, with a list of keys, labels that repeat, entities and numbers as names."""
    path = tmp_path / "lesmis.gml"
    path.write_text(
        'Creator "Mark &amp; others"\n# a comment\ngraph\n[\n  node\n  [\n    id 7\n    label "Myriel"\n  ]\n'
        '  node [ id 8 label "Baptistine &#38; caf&eacute; &unknown;" graphics [ x 1.5 y -.5E+1 ] tag 1 tag 2 ]\n'
        "  edge\n  [\n    source 7\n    target 8\n    value 3\n  ]\n]\n"
    )
    graph = read_graph(path, columns=Columns(weight="value"))
    assert graph.names == ("Myriel", "Baptistine & café &unknown;")
    assert (graph.directed, graph.weights.tolist()) == (False, [3])
    assert graph.node_data.to_pydict() == {"tag": [None, [1, 2]]}
    assert graph.report == ("node attribute 'graphics' is a list of keys: left out",)
    path.write_text("graph [ directed 1 node [ id 1 label 5 ] node [ id 2 label 5 ] edge [ source 2 target 1 ] ]")
    graph = read_graph(path)
    assert (graph.names, graph.directed, graph.edges.tolist()) == (("1", "2"), True, [[1, 0]])
    assert graph.node_data.to_pydict() == {"label": [5, 5]}
    assert graph.report == ("nodes are named by id, for some have no label or the same one",)


def test_directions_are_the_files_own_unless_cleaning_says_otherwise(tmp_path):
    arrows = NamedGraph("g", np.array([[0, 1], [1, 0], [1, 2]], np.int32), Names(np.arange(1, 4)), True)
    for suffix in (".json", ".graphml", ".gml", ".mtx", ".parquet"):
        write_graph(arrows, tmp_path / f"g{suffix}")
        assert read_graph(tmp_path / f"g{suffix}").edges.tolist() == [[0, 1], [1, 0], [1, 2]]
        merged = read_graph(tmp_path / f"g{suffix}", cleaning=Cleaning(directed=False))
        assert (merged.directed, merged.edges.tolist()) == (False, [[0, 1], [1, 2]])
        assert merged.report[0].startswith("1 reciprocal edge(s) merged (undirected), the first at ")
    write_graph(arrows, tmp_path / "g.csv")
    assert not read_graph(tmp_path / "g.csv").directed
    assert read_graph(tmp_path / "g.csv", cleaning=Cleaning(directed=True)).edges.tolist() == arrows.edges.tolist()
    (tmp_path / "mixed.graphml").write_text(
        '<graphml><graph edgedefault="undirected"><node id="a"/><node id="b"/><node id="c"/>'
        '<edge source="b" target="a" directed="true"/><edge source="b" target="c"/></graph></graphml>'
    )
    mixed = read_graph(tmp_path / "mixed.graphml")
    assert (mixed.directed, mixed.report) == (
        False, ("edges of both kinds, directed and undirected: undirected unless Cleaning(directed=True)",),
    )  # fmt: skip


def test_json_shapes(tmp_path):
    path = tmp_path / "g.json"
    for text in (
        '[{"from": "a", "to": 1}, {"from": 1, "to": "c", "since": 1990}]',
        '{"from": "a", "to": 1}\n\n{"from": 1, "to": "c", "since": 1990}\n',
        '{"links": [{"source": "a", "target": 1}, {"source": 1, "target": "c", "since": 1990}]}',
    ):
        path.write_text(text)
        graph = read_graph(path)
        assert content(graph) == (
            False, {"a": {}, "1": {}, "c": {}}, {frozenset("a1"): {}, frozenset("1c"): {"since": 1990}},
        )  # fmt: skip
    path.write_text('{"one": "a", "two": "b"}')
    assert content(read_graph(path))[2] == {frozenset("ab"): {}}


GML = "graph [\nnode [ id 1 ]\nnode [ id 2 ]\n"
MTX = "%%MatrixMarket matrix coordinate "
BAD = [
    ("cut.json", '{"nodes": [\n{"id": 1}', r"cut.json:2: malformed JSON \("),
    ("deep.json", "[" * 100_000, "deep.json: JSON that cannot be read"),
    ("long.json", "9" * 5000, "long.json: JSON that cannot be read"),
    ("number.json", "3", r'is JSON, but no graph: give \{"nodes"'),
    ("pairs.json", '[["a", "b"]]', "pairs.json, record 1 is no object"),
    ("void.json", '{"nodes": [{"id": 1}], "links": []}', "has no edge"),
    ("one.json", '[{"a": 1}]', "one column only"),
    ("float.json", '[{"source": 1, "target": 2}, {"source": 1.5, "target": 2}]', r"record 2: 'source' is 1\.5"),
    ("hole.json", '[{"source": 1, "target": 2}, {"source": 1}]', "record 2: 'target' is null"),
    ("lost.json", '{"nodes": [{"id": 1}], "edges": [{"source": 1, "target": "1 "}]}', "edge 1: edge to '1 '"),
    ("twice.json", '{"nodes": [{"id": 1}, {"id": "1"}], "edges": [{"source": 1, "target": 1}]}', "node 2: node '1'"),
    ("d3v3.json", '{"nodes": [{"name": "a"}], "links": [{"source": 0, "target": 1}]}', "node 1: 'id' is null"),
    ("half.json", '[{"source": "\\ud800", "target": 2}]', "half a character"),
    ("lines.jsonl", '{"source": 1, "target": 2}\n{"source": 1,\n', "lines.jsonl:2: malformed JSON"),
    ("list.jsonl", '{"source": 1, "target": 2}\n[3]\n', "list.jsonl:2: no object"),
    ("text.parquet", "PAR1 no more PAR1", "text.parquet is no sound Parquet file"),
    ("cut.gml", f"{GML}edge [ source 1", r"cut.gml:4: 'edge \[' is not closed"),
    ("open.gml", f'{GML}label "a', "open.gml:4: cannot read"),
    ("key.gml", f"{GML}3 4 ]", "key.gml:4: 3 where a key should stand"),
    ("value.gml", f"{GML}label\n]", r"value.gml:5: \] where the value of 'label' should stand"),
    ("end.gml", "graph", "the end of the file where the value of 'graph'"),
    ("none.gml", 'label "a"', "holds 0 graphs"),
    ("scalar.gml", "graph [ node 3 ]", "'node' is no list"),
    ("lost.gml", f"{GML}edge [ source 1 target 3 ]\n]", "lost.gml:4: edge to 3, which no node declares"),
    ("half.gml", f"{GML}edge [ source 1 ]\n]", "half.gml:4: edge without a 'target'"),
    ("twice.gml", f"{GML}node [ id 1 ]\n]", "twice.gml:4: node 1 again"),
    ("digits.gml", f"{GML}x {'9' * 5000} ]", "digits.gml:4: a number of 5,000 digits"),
    ("deep.gml", "graph [" * 100_000, "is not closed"),
    ("banner.mtx", "2 2 1\n1 2\n", "banner.mtx:1: no Matrix Market banner"),
    ("field.mtx", f"{MTX}complex general\n2 2 1\n1 2 1 1\n", "'complex' matrices are not read"),
    ("dense.mtx", "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n", "'array' matrices are not read"),
    ("sign.mtx", f"{MTX}real skew-symmetric\n2 2 1\n2 1 1\n", "'skew-symmetric' matrices are not read"),
    ("sizes.mtx", f"{MTX}real general\n% nothing\n", "sizes of the matrix are missing"),
    ("sizes.mtx", f"{MTX}real general\n%\n2 x 1\n", "sizes.mtx:3: the sizes of the matrix are missing"),
    ("wide.mtx", f"{MTX}pattern general\n2 3 1\n1 2\n", "a matrix of 2 × 3: an adjacency matrix is square"),
    ("huge.mtx", f"{MTX}pattern general\n{10**12} {10**12} 1\n1 2\n", "states 1,000,000,000,000 nodes for 1 entries"),
    ("claim.mtx", f"{MTX}pattern general\n9 9 {10**12}\n1 2\n", "has 1 entries, but states 1000000000000"),
    ("more.mtx", f"{MTX}pattern general\n2 2 1\n1 2 7\n", "more.mtx:3: 3 columns where a pattern matrix has 2"),
    ("less.mtx", f"{MTX}real general\n2 2 1\n1 2\n", "no column '3' for the weight"),
    ("out.mtx", f"{MTX}pattern general\n2 2 2\n1 2\n\n0 1\n", "out.mtx:5: '0' is no node: .* from 1 to 2"),
    ("word.mtx", f"{MTX}pattern general\n2 2 2\n1 2\n2 x\n", "word.mtx:4: 'x' is no node"),
    ("void.mtx", f"{MTX}pattern general\n2 2 0\n", "has no entry"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[case[0] for case in BAD])
def test_bad_files_give_one_line_with_the_cure(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_graph(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value) or name == "half.json"


PIECES = {
    "json": ["{", "}", "[", "]", ",", ":", '"nodes"', '"edges"', '"links"', '"id"', '"source"', '"target"', '"a"', "1",
             "null", "1e999", '{"source": 1, "target": 2}', '[{"id": 1}]', "\n", '"weight"', '"\\ud800"'],
    "gml": ["graph", "[", "]", "node", "edge", "id", "source", "target", "1", "2", '"a"', "label", "\n",
            "node [ id 1 ]", "node [ id 2 ]", "edge [ source 1 target 2 ]", "NAN", "+INF", "directed 1", "#", '"'],
    "mtx": ["%%MatrixMarket matrix coordinate", "real", "pattern", "general", "symmetric", "\n", "2 2 1", "1 2", "2",
            "-1", "0.5", "%", "9999999999999999999", "nan"],
}  # fmt: skip


@pytest.mark.parametrize("name", PIECES)
@ROUND_TRIP
@given(data=st.data())
def test_any_words_of_a_format_give_a_graph_or_a_data_error(tmp_path, name, data):
    words = data.draw(st.lists(st.sampled_from(PIECES[name]), max_size=20))
    path = tmp_path / "any"
    path.write_text(" ".join(words))
    try:
        assert len(read_graph(path, format=name).edges) >= 1
    except DataError as error:
        assert "\n" not in str(error)


@ROUND_TRIP
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_damaged_parquet_gives_a_graph_or_a_data_error(tmp_path, place, byte, cut):
    write_graph(sample(False), tmp_path / "g.parquet")
    data = bytearray((tmp_path / "g.parquet").read_bytes())
    data[place % len(data)] = byte
    (tmp_path / "damaged.parquet").write_bytes(data[: place % len(data)] if cut else data)
    try:
        assert len(read_graph(tmp_path / "damaged.parquet").edges) >= 1
    except DataError as error:
        assert "\n" not in str(error)


def changed(**changes):
    return replace(sample(False), **changes)


@pytest.mark.parametrize(("name", "graph", "message"), [
    ("g.cvs", sample(False), "unknown suffix '.cvs'. Did you mean '.csv'"),
    ("g.txt", sample(False), r"g\.txt cannot hold g \(edge lists keep no attributes\): .* write \.json or \.parquet"),
    ("g.txt", changed(edge_data=None, node_data=None), "edge lists keep no nodes without an edge"),
    ("g.txt", made(np.array([[0, 1]]), ["New York", "b"], False, None, None), "the name 'New York'"),
    ("g.mtx", changed(node_data=None), "numbers its nodes 1 to n and keeps no names"),
    ("g.mtx", sample(False, "1234"), "edge attribute 'kind' is not there"),
    ("g.jsonl", sample(False), "end the name in .json"),
    ("g.csv", changed(node_data=pa.table({"code": ["017", "18", "19", "20"]})), r"string becomes int64.*\.json"),
    ("g.csv", changed(names=Names.of(["a ", "b", "c", "d"])), "node 'a ' is not there"),
    ("g.csv", changed(edge_data=pa.table({"Weight": [1, 2, 3]})), "'Weight' is not there"),
    ("g.csv", changed(edge_data=pa.table({"source": [1, 2, 3]})), "'source' is called as the column of names"),
    ("g.parquet", changed(node_data=pa.table({"id": [1, 2, 3, 4]})), r"'id' is called as .* or write \.json\.$"),
    ("g.gml", changed(edge_data=pa.table({"my key": [1, 2, 3]})), "cannot hold g"),
    ("g.gml", changed(edge_data=pa.table({"p": [True, False, True]})), "'p': bool becomes int64"),
    ("g.graphml", changed(names=Names.of(["\x07", "b", "c", "d"])), "cannot hold g"),
    ("g.json", changed(edge_data=pa.table({"p": pa.array([0, 1, 2], pa.date32())})), "cannot hold g"),
    ("no/g.json", sample(False), r"no/g\.json cannot be written \(No such file"),
])  # fmt: skip
def test_what_cannot_be_written_is_refused_and_nothing_is_left(tmp_path, name, graph, message):
    with pytest.raises(DataError, match=message):
        write_graph(graph, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_refused_graph_leaves_the_old_file(tmp_path):
    write_graph(sample(False), tmp_path / "g.csv")
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    with pytest.raises(DataError):
        write_graph(changed(names=Names.of(["a ", "b", "c", "d"])), tmp_path / "g.csv")
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before
    assert sorted(before) == ["g.csv", "g.nodes.csv"]


def test_an_older_table_of_nodes_never_joins_a_newer_graph(tmp_path):
    write_graph(sample(False), tmp_path / "g.csv")
    write_graph(load("florentine"), tmp_path / "g.csv")
    assert content(read_graph(tmp_path / "g.csv")) == content(load("florentine"))


def test_format_option_and_gzip_when_writing(tmp_path):
    write_graph(sample(True), tmp_path / "g.dat.gz", format="json")
    assert json.loads(gzip.decompress((tmp_path / "g.dat.gz").read_bytes()))["directed"] is True
    assert content(read_graph(tmp_path / "g.dat.gz", format="json")) == content(sample(True))
    with pytest.raises(DataError, match="Did you mean 'json'"):
        write_graph(sample(True), tmp_path / "g.dat", format="jsn")


@pytest.mark.parametrize(("other", "said"), [
    (changed(names=Names.of("abce")), "node 'd' is not there"),
    (NamedGraph("g", sample(False).edges, Names.of("abcde")), "there is a node 'e' more"),
    (sample(True), "the graph is directed"),
    (changed(edges=np.array([[0, 1], [1, 2], [2, 3]], np.int32)), r"there are other edges \(3 instead of 3\)"),
    (changed(node_data=None), "node attribute 'age' is not there"),
    (changed(edge_data=sample(False).edge_data.append_column("p", [[1, 2, 3]])), "there is an edge attribute 'p' more"),
    (changed(edge_data=pa.table({"weight": [1.5, 0.5, 2], "kind": ["kin", "work", None]})), "0.25 becomes 0.5"),
    (changed(edge_data=pa.table({"weight": [1, 2, 3], "kind": ["kin", "work", None]})), "'weight': 1.5 becomes 1"),
    (changed(edge_data=pa.table({"weight": ["1.5", "2", "3"], "kind": ["kin", "work", None]})), "double becomes"),
])  # fmt: skip
def test_differences_are_named(other, said):
    assert re.search(said, difference(sample(False), other))


def test_the_same_graph_in_another_order_has_no_difference():
    graph = sample(False)
    order = np.array([2, 0, 3, 1])
    back = np.argsort(order).astype(np.int32)
    rows = pa.array([2, 0, 1])
    other = NamedGraph(
        "h", np.sort(back[graph.edges[[2, 0, 1]]], axis=1), graph.names.take(order), False,
        graph.node_data.take(pa.array(order)).append_column("empty", pa.nulls(4)),
        graph.edge_data.take(rows).set_column(1, "kind", graph.edge_data["kind"].take(rows).dictionary_encode()),
    )  # fmt: skip
    assert difference(graph, other) is None
    nan = changed(edge_data=pa.table({"p": [1.0, float("nan"), 2.0]}))
    assert difference(nan, nan) is None


def test_every_reference_network_has_the_stated_counts(shared_data):
    """Six of the networks hold self-loops, which the stated numbers of edges include and a simple graph does not."""
    text = (shared_data / "README.md").read_text()
    stated = {name: (int(n), int(m)) for name, n, m in re.findall(r"\| (\S+) \| (\d+) \| (\d+) \|", text)}
    assert len(stated) == 18
    with_loops = 0
    for name, counts in stated.items():
        path = shared_data / "networks" / f"{name}.txt"
        graph = read_graph(path)
        loops = int(np.equal(*np.loadtxt(path, int, usecols=(0, 1)).T).sum())
        assert (graph.num_nodes, len(graph.edges) + loops) == counts, name
        assert [line.split(",")[0] for line in graph.report] == [f"{loops} self-loop(s) dropped"] * (loops > 0), name
        with_loops += loops > 0
    assert with_loops == 6
