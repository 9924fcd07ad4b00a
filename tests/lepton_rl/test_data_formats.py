"""Every format both ways: what is written is read again, or refused; networkx, scipy and pandas as second opinions."""

import gzip
import os
import re

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl.data import FORMATS, Cleaning, DataError, NamedGraph, load, read_graph, write_graph
from lepton_rl.data.difference import difference
from lepton_rl.data.names import Names

SUFFIXES = [suffix for entry in FORMATS.values() for suffix in entry.suffixes if suffix not in (".jsonl", ".ndjson")]
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
    says = suffix.removesuffix(".gz") not in (".csv", ".tsv", ".txt", ".edges", ".edgelist")
    return read_graph(path, cleaning=Cleaning(None if says else graph.directed, negative_weights="keep"))


def kind_of(suffix):
    return next(kind for kind, entry in FORMATS.items() if suffix.removesuffix(".gz") in entry.suffixes)


ROUND_TRIP = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
@given(data=st.data(), order=st.permutations("12345"))
def test_matrices_keep_graphs_of_numbered_nodes(tmp_path, data, order):
    directed = data.draw(st.booleans())
    edges = data.draw(graphs(WORDS, [], directed).filter(lambda parts: len(parts[1]) == 5))[0]
    weights = data.draw(st.sampled_from([None, np.int64, np.float64]))
    table = None if weights is None else pa.table({"weight": np.arange(3, 3 + len(edges)).astype(weights) / 7})
    graph = made(edges, order, directed, None, table)
    read = written_and_read(graph, tmp_path, ".mtx")
    assert read is not None
    assert content(read) == content(graph)
