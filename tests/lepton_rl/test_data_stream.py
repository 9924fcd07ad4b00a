"""Tables that are longer than a block: the same graph, kinds of columns and lines in messages as of one block."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl.data import DataError, read_graph, table
from lepton_rl.data.cleaning import Cleaning

KEEP = Cleaning(negative_weights="keep", missing_weights="one")
values = st.sampled_from(["1", "2.5", "", "true", "2020-01-01", "word", " padded ", "NA", "1e3"])
rows = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("123éf"), values), min_size=1, max_size=40)


def read(path):
    try:
        graph = read_graph(path, cleaning=KEEP)
    except DataError as error:
        return str(error)
    return graph.edges.tolist(), list(graph.names), graph.edge_data.to_pydict(), graph.edge_data.schema, graph.report


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["weight", "since"]), st.integers(0, 50))
def test_blocks_change_nothing(tmp_path, rows, quoted, end, column, blank):
    path = tmp_path / "g.csv"
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator=end)
        writer.writerow(["source", "target", column])
        for i, row in enumerate(rows):
            stream.write(end if i == blank else "")
            writer.writerow(row)
    whole = read(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_BLOCK", 48)
        assert read(path) == whole


@pytest.mark.parametrize(
    ("line", "message"),
    [(b"c", "1 column"), (b"c,d,e", "3 column"), (b"c,", "empty target"), (b" ,d", "empty source"), (b'"c,d', "quote"),
     (b"c," + b"x" * 11_000, "name of 11,000 bytes")],
)  # fmt: skip
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_line_of_a_fault_far_down(tmp_path, monkeypatch, line, message, end):
    monkeypatch.setattr(table, "_BLOCK", 1 << 16)
    path = tmp_path / "g.csv"
    path.write_bytes(end.join([b"source,target", b"", *(b"a%d,b%d" % (i, i) for i in range(30_000)), line, b"e,f"]))
    with pytest.raises(DataError, match=f"g.csv:3000{'3' if message != 'quote' else '[34]'}: .*{message}"):
        read_graph(path)


def test_an_edge_list_is_read_around_its_comments(tmp_path):
    path = tmp_path / "g.txt"
    path.write_bytes(b"# one\r\n%two\r\n\r\n\t# three\r\na\t\tb\t\r\n#four\r\n b  c \r\nc#\td\r\nb b\r\n")
    graph = read_graph(path)
    assert [(graph.names[u], graph.names[v]) for u, v in graph.edges] == [("a", "b"), ("b", "c"), ("c#", "d")]
    assert graph.report == (f"1 self-loop(s) dropped, the first at {path}:9 (b – b)",)
