"""Files in: what is read, what is reported, and one message for every file that cannot be used."""

import csv
import gzip
import os
import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl.data import FORMATS, DataError, load_graph_arrays, read_graph, write_edits_csv
from lepton_rl.data.cleaning import Cleaning

HEAD = '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
TRIANGLE = {frozenset("ab"), frozenset("bc"), frozenset("ac")}


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def edges(graph):
    return {frozenset((graph.names[u], graph.names[v])) for u, v in graph.edges}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.txt", "# a comment\n% another\na b\n\nb\tc\na  c\n"),
        ("g.edges", "a b 1.5\nb c 2\na c 1\n"),
        ("g.edgelist", "a b {}\nb c {'weight': 3}\na c {}\n"),
        ("g.csv", "a,b\nb,c\na,c"),
        ("g.csv", "Source;Target\na;b\nb;c\na;c\n"),
        ("g.csv", "weight,To,From\n1,a,b\n2,b,c\n3,a,c\n"),
        ("g.tsv", "a\tb\r\nb\tc\r\na\tc\r\n"),
        ("g.csv", '"a"|"b"\n\n b | c \n"a"|c\n'),
        ("g.csv", b"\xef\xbb\xbfa,b\nb,c\na,c\n"),
        ("g.txt", b"\xef\xbb\xbfa b\rb c\ra c\r"),
        ("g.csv.gz", gzip.compress(b"source,target\na,b\nb,c\na,c\n", mtime=0)),
        ("g.txt", gzip.compress(b"a b\nb c\na c\n", mtime=0)),
        ("g.graphml", f"{HEAD}<graph>" + "".join(f'<node id="{n}"/>' for n in "abc")
         + "".join(f'<edge source="{u}" target="{v}"/>' for u, v in ("ab", "bc", "ac")) + "</graph></graphml>"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_triangle(tmp_path, name, content):
    graph = read_graph(write(tmp_path, name, content))
    assert edges(graph) == TRIANGLE
    assert graph.name == "g"
    assert sorted(graph.names) == ["a", "b", "c"]
    assert (graph.edges.dtype, (graph.edges[:, 0] < graph.edges[:, 1]).all()) == (np.int32, True)


def test_cleaning_is_reported_with_counts_and_first_examples(tmp_path):
    path = write(tmp_path, "g.csv", "from,to,kind\na,b,x\nb,b,x\nc,a,x\nc,c,x\na,b,y\nb,a,x\nb,a,z\n")
    graph = read_graph(path)
    assert edges(graph) == {frozenset("ab"), frozenset("ac")}
    assert graph.report == (
        f"{path}:1 read as header: source = 'from', target = 'to'",
        f"2 self-loop(s) dropped, the first at {path}:3 (b – b)",
        f"1 duplicate edge(s) merged, the first at {path}:6 (a – b)",
        f"2 reciprocal edge(s) merged (undirected), the first at {path}:7 (b – a)",
    )


def test_how_headers_and_delimiters_are_told(tmp_path):
    assert read_graph(write(tmp_path, "n.csv", "person,friend\n1,2\n2,3\n")).names == ("1", "2", "3")
    assert read_graph(write(tmp_path, "c.tsv", "Doe, J\tRoe, R\n")).names == ("Doe, J", "Roe, R")
    assert read_graph(write(tmp_path, "w.csv", "anna,bo\nbo,cy\n")).names == ("anna", "bo", "cy")


def test_graphml_of_networkx_keeps_isolated_nodes_and_reports_the_rest(tmp_path):
    want = nx.DiGraph([("a", "b"), ("b", "a"), ("b", "b")])
    want.add_node("alone")
    want.add_edge("b", "c", weight=float("nan"))
    nx.write_graphml(want, tmp_path / "g.graphml")
    graph = read_graph(tmp_path / "g.graphml", cleaning=Cleaning(directed=False, missing_weights="one"))
    assert graph.names == ("a", "b", "alone", "c")
    assert edges(graph) == {frozenset("ab"), frozenset("bc")}
    assert [line.split(",")[0] for line in graph.report] == [
        "1 self-loop(s) dropped", "3 missing weight(s) set to 1",
        "1 reciprocal edge(s) merged (weight: first) (undirected)",
    ]  # fmt: skip


def test_format_option_overrides_the_name(tmp_path):
    assert edges(read_graph(write(tmp_path, "g.dat", "a,b\nb,c\na,c\n"), format="csv")) == TRIANGLE


BAD = [
    ("empty.csv", "", "is empty"),
    ("blank.txt", "\n\n# nothing\n", "no rows"),
    ("header.csv", "source,target\n", "no edges"),
    ("loops.csv", "a,a\nb,b\n", r"no edge left \(2 self-loop\(s\) dropped, the first at .*loops.csv:1"),
    ("ragged.csv", "a,b\nb,c\nc\n", r"ragged.csv:3: 1 column\(s\) where line 1 has 2"),
    ("ragged.txt", "a b\nNew York b\n", r"ragged.txt:2: 3 column\(s\)"),
    ("long.csv", "a,b\n" + "x" * 200_000 + ",b\n", "long.csv:2: field larger than field limit"),
    ("late.csv", "a,b\n" * 60 + "x" * 200_000 + ",b\n", r"late.csv:61: a source name of 200,000 bytes"),
    ("single.csv", "a\nb\n", "one column only"),
    ("commas.txt", "a,b\nb,c\n", r"commas.txt:1: .*format='csv'"),
    ("hole.csv", "a,b\n,c\n", "hole.csv:2: empty source"),
    ("quote.csv", 'a,b\n"b,c\n', r"quote.csv:2: .*quotes"),
    ("latin.csv", "a,b\nb,Málaga\n".encode("latin-1"), r"latin.csv:2: byte 0xe1 is not UTF-8"),
    ("wide.csv", "a,b\n".encode("utf-16"), "UTF-16"),
    ("picture.txt", b"\x89PNG\r\n\0\0", "byte 0 at offset 6"),
    ("cut.csv.gz", gzip.compress(b"a,b\n" * 99, mtime=0)[:-9], "damaged gzip"),
    ("flipped.csv.gz", gzip.compress(b"a,b\n" * 99, mtime=0)[:-5] + b"12345", "damaged gzip"),
    ("nothing.csv.gz", gzip.compress(b"", mtime=0), "unpacks to nothing"),
    ("fake.csv.gz", "a,b\n", "is not gzip"),
    ("graph.cvs", "a,b\n", r"unknown suffix '.cvs'\. Did you mean '.csv'"),
    ("nosuffix", "a,b\n", "unknown suffix ''"),
    ("cut.graphml", f"{HEAD}\n<graph>\n<node id='a'/>\n", r"cut.graphml:4: malformed XML"),
    ("bomb.graphml", f"<?xml version='1.0'?>{BOMB}{HEAD}<graph/></graphml>", "DOCTYPE"),
    ("outside.graphml", f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{HEAD}&x;</graphml>', "DOCTYPE"),
    ("page.graphml", "<html/>", "<html> instead of <graphml>"),
    ("odd.graphml", "<?xml version='1.0' encoding='nonsense'?><graphml/>", "odd.graphml"),
    ("kanji.graphml", "<?xml version='1.0' encoding='shift_jis'?><graphml/>", "unknown encoding"),
    ("void.graphml", f"{HEAD}<graph><node id='a'/></graph></graphml>", "no edge"),
    ("lost.graphml", f"{HEAD}<graph>\n<node id='a'/>\n<edge source='a' target='b'/></graph></graphml>",
     r"lost.graphml:3: edge to 'b', which no <node> declares"),
    ("half.graphml", f"{HEAD}<graph>\n<edge source='a'/></graph></graphml>",
     r"half.graphml:2: <edge> without 'target'"),
    ("hyper.graphml", f"{HEAD}<graph><hyperedge/></graph></graphml>", "hyperedges"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[case[0] for case in BAD])
def test_bad_files_give_one_line_with_the_cure(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_graph(write(tmp_path, name, content))
    text = str(caught.value)
    assert "\n" not in text
    assert name in text or name.split(".")[0] in text


def test_missing_file_folder_and_format(tmp_path):
    write(tmp_path, "friends.csv", "a,b\n")
    with pytest.raises(DataError, match=r"Did you mean 'friends.csv'\?"):
        read_graph(tmp_path / "freinds.csv")
    with pytest.raises(DataError, match=r"Its folder .* does not exist"):
        read_graph(tmp_path / "no" / "friends.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_graph(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_graph(tmp_path / "friends.csv" / "x.csv")
    with pytest.raises(DataError, match=r"unknown format 'cvs'.*Did you mean 'csv'"):
        read_graph(tmp_path / "friends.csv", format="cvs")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    path = write(tmp_path, "g.csv", "a,b\n")
    path.chmod(0)
    with pytest.raises(DataError, match="permissions"):
        read_graph(path)


@pytest.mark.parametrize("name", list(FORMATS))
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | st.text(alphabet="ab,;\t|\n\r\"' #<>/&{}0", max_size=60).map(str.encode))
def test_any_bytes_give_a_graph_or_a_data_error(tmp_path, name, content):
    path = write(tmp_path, "any", content)
    try:
        graph = read_graph(path, format=name)
    except DataError:
        return
    assert graph.num_nodes >= 2
    assert len(graph.edges) >= 1


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(names, names), min_size=1, max_size=8), delimiter=st.sampled_from(",;\t|"))
def test_names_survive_a_csv(tmp_path, rows, delimiter):
    with open(tmp_path / "g.csv", "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("source", "target"), *rows])
    want = {frozenset(row) for row in rows if row[0] != row[1]}
    if want:
        assert edges(read_graph(tmp_path / "g.csv")) == want


def test_edits_are_written_in_the_users_names_and_all_or_nothing(tmp_path):
    path = tmp_path / "edits.csv"
    write_edits_csv(path, [(1, "add", "Anna, née K.", 'the "Duke"'), (2, "add", "7", "Málaga")])
    with open(path, newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == [
            ["step", "operation", "source", "target"],
            ["1", "add", "Anna, née K.", 'the "Duke"'],
            ["2", "add", "7", "Málaga"],
        ]
    before = path.read_bytes()

    def rows():
        yield 1, "add", "a", "b"
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write_edits_csv(path, rows())
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["edits.csv"]
    with pytest.raises(FileNotFoundError):
        write_edits_csv(tmp_path / "absent" / "edits.csv", [])


def test_graph_arrays(tmp_path):
    path = tmp_path / "two.npz"
    np.savez(path, edges=np.array([[[0, 1], [2, 1]], [[0, 2], [0, 1]]], np.uint8), num_nodes=3, seeds=[7, 8])
    first, second = load_graph_arrays(path)
    assert (first.name, first.names) == ("two[0]", ("0", "1", "2"))
    assert first.edges.tolist() == [[0, 1], [1, 2]]
    assert second.edges.tolist() == [[0, 2], [0, 1]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"edges": [[[0, 1]]]}, "num_nodes"),
        ({"edges": [[0, 1]], "num_nodes": 2}, r"shape \[graphs, m, 2\]"),
        ({"edges": [[[0.0, 1.0]]], "num_nodes": 2}, "whole numbers"),
        ({"edges": [[[0, 1]], [[0, 2]]], "num_nodes": 2}, "graph 1 has"),
        ({"edges": [[[0, 1]], [[1, 1]]], "num_nodes": 2}, "graph 1 has a self-loop"),
        ({"edges": [[[0, 1], [1, 0]]], "num_nodes": 2}, "graph 0 has .*a repeated edge"),
        ({"edges": np.array([None]), "num_nodes": 2}, "no sound .npz"),
    ],
)
def test_bad_graph_arrays(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=message):
        load_graph_arrays(tmp_path / "x.npz")


def test_damaged_graph_arrays(tmp_path):
    np.savez(tmp_path / "good.npz", edges=np.array([[[0, 1]]]), num_nodes=2)
    data = (tmp_path / "good.npz").read_bytes()
    for size in range(0, len(data) - 1, 40):
        (tmp_path / "cut.npz").write_bytes(data[:size])
        with pytest.raises(DataError):
            load_graph_arrays(tmp_path / "cut.npz")
    with pytest.raises(DataError, match=r"Did you mean 'good.npz'"):
        load_graph_arrays(tmp_path / "god.npz")


def test_reference_networks_load(shared_data):
    graph = read_graph(shared_data / "networks" / "foodweb-baydry.txt")
    assert (graph.num_nodes, len(graph.edges), graph.report) == (128, 2106, ())


def test_reading_does_not_import_jax(tmp_path):
    path = write(tmp_path, "g.csv", "a,b\n")
    use = f"import sys, lepton_rl.data as d; d.read_graph({str(path)!r}); d.load('karate')"
    code = f"{use}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
