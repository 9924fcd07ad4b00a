"""Facts in and out: what is read, what is reported, every format there and back, and one message for broken files."""

import datetime
import gzip
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_rl.data import DataError, read_knowledge, read_splits, write_knowledge, write_splits
from lepton_rl.data.knowledge import (
    KNOWLEDGE_FORMATS,
    KnowledgeGraph,
    TripleColumns,
    TripleSplits,
    from_networkx,
    from_table,
    from_triples_factory,
)
from lepton_rl.data.names import Names

FACTS = {("anna", "knows", "bo"), ("bo", "knows", "cy"), ("anna", "likes", "cy")}
XSD = "http://www.w3.org/2001/XMLSchema#"
quick = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def graph_of(facts, data=None, names=()):
    """A graph made by hand, entities sorted; ``names`` are further ones."""
    entities = sorted({*names} | {end for h, _, t in facts for end in (h, t)})
    relations = sorted({r for _, r, _ in facts})
    rows = [(entities.index(h), relations.index(r), entities.index(t)) for h, r, t in sorted(facts)]
    triples = np.array(rows, np.int32).reshape(-1, 3)
    return KnowledgeGraph("g", triples, Names.of(entities), Names.of(relations), data)


def splits_of(train, valid, test, names=()):
    whole = graph_of({*train, *valid, *test}, names=names)
    rows = {fact: i for i, fact in enumerate(whole.facts())}
    parts = [whole.triples[[rows[fact] for fact in sorted(part)]].reshape(-1, 3) for part in (train, valid, test)]
    return TripleSplits(*(KnowledgeGraph("s", part, whole.entities, whole.relations) for part in parts))


def facts(graph):
    assert graph.triples.dtype == np.int32
    found = graph.facts()
    assert len(set(found)) == len(found)
    return set(found)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.tsv", "anna\tknows\tbo\nbo\tknows\tcy\nanna\tlikes\tcy\n"),
        ("g.txt", "anna knows bo\r\nbo  knows cy\r\n\r\nanna\tlikes cy"),
        ("g.txt", b"\xef\xbb\xbfanna\tknows\tbo\r\nbo\tknows\tcy \r\nanna\tlikes\tcy\r\n"),
        ("g.csv", "tail,Head,weight,relation\nbo,anna,3,knows\ncy,bo,4,knows\n\"cy\",anna,,likes\n"),
        ("g.csv", "s;p;o\nanna;knows;bo\nbo;knows;cy\nanna;likes;cy\n"),
        ("g.tsv.gz", gzip.compress(b"subject\tpredicate\tobject\nanna\tknows\tbo\nbo\tknows\tcy\nanna\tlikes\tcy",
                                   mtime=0)),
        ("g.nt", "# people\n<urn:x-name:anna> <urn:x-name:knows> _:x . # so\n\n_:x<urn:x-name:knows><urn:x-name:cy>.\n"
         "<urn:x-name:anna>\t<urn:x-name:l\\u0069kes> <urn:x-name:cy> .".replace("_:x", "<urn:x-name:bo>")),
    ],
)  # fmt: skip
def test_every_spelling_of_three_facts(tmp_path, name, content):
    graph = read_knowledge(write(tmp_path, name, content))
    assert facts(graph) == FACTS
    assert (graph.name, graph.num_entities, graph.num_relations) == ("g", 3, 2)


def test_turtle_is_read_with_its_prefixes_written_out(tmp_path):
    pytest.importorskip("rdflib")
    text = """@prefix x: <http://x/> .
    x:a x:p x:b , [ x:p x:a ] ; x:age 3 ; x:says "hi"@en , "ho" .
    x:b x:age 4 ."""
    graph = read_knowledge(write(tmp_path, "g.ttl", text))
    assert facts(graph) == {("http://x/a", "http://x/p", o) for o in ("http://x/b", "_:b0")} | {
        ("_:b0", "http://x/p", "http://x/a")
    }
    assert dict(zip(graph.entities, graph.entity_data.to_pylist(), strict=True)) == {
        "http://x/a": {"http://x/age": 3, "http://x/says@en": "hi", "http://x/says": "ho"},
        "http://x/b": {"http://x/age": 4, "http://x/says@en": None, "http://x/says": None},
        "_:b0": {"http://x/age": None, "http://x/says@en": None, "http://x/says": None},
    }
    short = read_knowledge(tmp_path / "g.ttl", short=True)
    assert ("a", "p", "b") in facts(short)
    assert short.entity_data.column_names == ["age", "says@en", "says"]


def test_short_names_stay_unique(tmp_path):
    text = "".join(f"<{h}> <http://r#is> <{t}> .\n" for h, t in (("http://a/x", "http://b/x"), ("http://a/y", "urn:z")))
    graph = read_knowledge(write(tmp_path, "g.nt", text), short=True)
    assert facts(graph) == {("http://a/x", "is", "http://b/x"), ("y", "is", "urn:z")}
    assert graph.report == ("IRIs shortened, 2 kept whole to stay unique",)


def test_what_was_read_is_reported(tmp_path):
    path = write(tmp_path, "g.tsv", "head\trelation\ttail\na\tr\tb\na\tr\tb\n")
    assert read_knowledge(path).report == (
        f"{path}:1 read as header: head = 'head', relation = 'relation', tail = 'tail'",
        f"1 duplicate fact(s) merged, the first at {path}:3 (a, r, b)",
    )
    path = write(tmp_path, "four.csv", "when,who,does,what\n1,a,r,b\n")
    graph = read_knowledge(path, columns=TripleColumns("who", "does", "4"))
    assert facts(graph) == {("a", "r", "b")}
    assert graph.report[1] == "1 further column(s) left out: when"


def test_names_that_look_like_a_header_or_a_number(tmp_path):
    assert facts(read_knowledge(write(tmp_path, "a.tsv", "s\tr\tt\n"))) == {("s", "r", "t")}
    graph = read_knowledge(write(tmp_path, "na.csv", "head,relation,tail\nNA,null,N/A\nNA,NULL,N/A\n"))
    assert facts(graph) == {("NA", "null", "N/A"), ("NA", "NULL", "N/A")}
    graph = read_knowledge(write(tmp_path, "n.tsv", f"{2**63 - 1}\t1\t-5\n007\t1\t7\n"))
    assert list(graph.entities) == [str(2**63 - 1), "-5", "007", "7"]
    assert graph.triples.tolist() == [[0, 0, 1], [2, 0, 3]]


def test_duplicates_of_many_relations_equal_brute_force():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 4, (300, 3))
    table = pa.table({name: pa.array(rows[:, i].astype(str)) for i, name in enumerate(("head", "relation", "tail"))})
    graph = from_table(table, "g")
    assert graph.facts() == list(dict.fromkeys(tuple(map(str, row)) for row in rows.tolist()))
    assert graph.report[0].startswith(f"{300 - len(graph.triples)} duplicate fact(s) merged, the first at row ")


# --- there and back

anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=6)
iris = st.text("abcxyz/#%é", max_size=5).map(lambda text: f"http://{text}")
fact_sets = st.sets(st.tuples(*[st.one_of(words, anything, iris, st.integers().map(str))] * 3), min_size=1, max_size=8)


@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz", ".csv", ".nt", ".ttl"])
@quick
@given(found=fact_sets)
def test_a_file_comes_back_whole_or_is_refused(tmp_path_factory, suffix, found):
    if suffix == ".ttl":
        pytest.importorskip("rdflib")
        found = {fact for fact in found if not any(name.startswith("_:") for name in fact)} or FACTS
    path = tmp_path_factory.mktemp("trip") / f"g{suffix}"
    try:
        lost = write_knowledge(graph_of(found), path)
    except DataError as error:
        assert "does not fit a line of text" in str(error)
        assert not list(path.parent.iterdir())
        assert suffix not in (".nt", ".ttl")
        assert any(re.search(r"[\0-\x1f\x85\u2028\u2029\ufeff]|^\s|\s$", name) for fact in found for name in fact)
        return
    assert lost == ()
    assert facts(read_knowledge(path)) == found


columns = st.one_of(
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.none() | st.floats(allow_nan=False), min_size=3, max_size=3),
    st.lists(st.none() | st.booleans(), min_size=3, max_size=3),
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=3, max_size=3),
    st.just([["a", "b"], None, ["c"]]),
).filter(lambda column: any(value is not None for value in column))


@pytest.mark.parametrize("suffix", [".nt", ".ttl"])
@quick
@given(data=st.dictionaries(words | iris | st.just("label@en"), columns, min_size=1, max_size=3))
def test_data_of_entities_come_back_from_rdf(tmp_path_factory, suffix, data):
    pytest.importorskip("rdflib")
    path = tmp_path_factory.mktemp("data") / f"g{suffix}"
    want = graph_of({("a", "r", "b")}, pa.table(data), names={"c"})
    write_knowledge(want, path)
    got = read_knowledge(path)
    rows = dict(zip(got.entities, got.entity_data.to_pylist(), strict=True))
    for name, row in zip(want.entities, want.entity_data.to_pylist(), strict=True):
        assert {k: v for k, v in rows.get(name, {}).items() if v is not None} == {
            k: v for k, v in row.items() if v is not None
        }


@quick
@given(found=fact_sets, data=st.dictionaries(words, columns, max_size=2))
def test_ntriples_agree_with_rdflib(tmp_path_factory, found, data):
    rdflib = pytest.importorskip("rdflib")
    path = tmp_path_factory.mktemp("nt") / "g.nt"
    graph = graph_of({("a", "r", "b"), ("b", "r", "c")}, pa.table(data) if data else None)
    write_knowledge(graph_of(found), path)
    want = rdflib.Graph().parse(path, format="nt")
    assert len(want) == len(found)
    write_knowledge(graph, path)
    want = rdflib.Graph().parse(path, format="nt")
    cells = sum(len(v) if isinstance(v, list) else v is not None for column in data.values() for v in column)
    assert len(want) == 2 + cells


def test_ntriples_of_rdflib_are_read_the_same(tmp_path):
    rdflib = pytest.importorskip("rdflib")
    text = (
        '<http://é/a> <http://p> <http://b#\\u00e9> .\n_:a1.x <http://p> <http://b#é> .\n<http://é/a> <http://q> '
        f'"3"^^<{XSD}integer> .\n<http://é/a> <http://q> "x\\ty\\"\\\\\\U0001F600\\n" .\n'
        '<http://é/a> <http://l> "ha"@de-AT .\n'
    )
    graph = read_knowledge(write(tmp_path, "g.nt", text))
    want = rdflib.Graph().parse(tmp_path / "g.nt", format="nt")
    links = [(s, p, o) for s, p, o in want if not isinstance(o, rdflib.Literal)]
    assert {(p, o) for _, p, o in facts(graph)} == {(str(p), str(o)) for _, p, o in links}
    assert graph.entities[graph.triples[1, 0]] == "_:a1.x"
    row = graph.entity_data.to_pylist()[0]
    assert row == {"http://q": ["3", 'x\ty"\\\U0001f600\n'], "http://l@de-AT": "ha"}
    assert set(row["http://q"]) == {str(o) for o in want.objects(predicate=rdflib.URIRef("http://q"))}
    assert graph.report == (
        "literals became 2 column(s) of entity_data: http://q, http://l@de-AT",
        "literals of 'http://q' kept as text, their datatypes dropped",
    )


@pytest.mark.parametrize("format", ["tsv", "csv", "nt", "turtle", "openke"])
@pytest.mark.parametrize("packed", [False, True])
def test_splits_come_back(tmp_path, format, packed):
    if format == "turtle":
        pytest.importorskip("rdflib")
    valid, test = {("cy", "knows", "anna")}, {("bo", "likes", "dora"), ("dora", "is a", "1 2")}
    want = splits_of(FACTS, valid, test, names=["alone"])
    lost = write_splits(want, tmp_path / "s", format, packed=packed)
    got = read_splits(tmp_path / "s")
    for part, graph in want.parts.items():
        assert facts(got.parts[part]) == facts(graph)
        assert got.parts[part].entities is got.train.entities
    if format == "openke":
        assert lost == ()
        assert got.train.entities == want.train.entities
        assert all((a.triples == b.triples).all() for a, b in zip(want.parts.values(), got.parts.values(), strict=True))
    else:
        assert lost == ("1 entities without a fact left out, the first is 'alone'",)
        seen = {end for h, _, t in FACTS for end in (h, t)}
        assert set(got.train.entities[: len(seen)]) == seen  # what train mentions gets the first slots
    assert "2 test fact(s) mention an entity or relation that no training fact does" in got.report
    with pytest.raises(DataError, match="is there already"):
        write_splits(want, tmp_path / "s", format)
    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path, "g.tsv", "old")
    with pytest.raises(DataError, match=r"'a\\tb' does not fit a line of text: rename it, or write N-Triples"):
        write_knowledge(graph_of({("a\tb", "r", "c")}), path)
    with pytest.raises(DataError, match="does not fit"):
        write_splits(splits_of({("a\nb", "r", "c")}, set(), {("c", "r", "c")}), tmp_path / "s", "openke")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("g.tsv", "old")]
    with pytest.raises(DataError, match=r"unknown format 'openkee'\. Did you mean 'openke'"):
        write_splits(splits_of(FACTS, set(), FACTS), tmp_path / "s", "openkee")


def test_what_a_format_cannot_hold_is_said(tmp_path):
    data = pa.table({"born": [datetime.date(1999, 1, 2), None, None], "age": [None, None, 3]})
    graph = graph_of({("a", "r", "b")}, data, names={"c"})
    graph = replace(graph, relation_data=pa.table({"label": ["is"]}))
    left = "data of relations left out: label"
    assert write_knowledge(graph, tmp_path / "g.nt") == ("data of entities written as text: born", left)
    assert read_knowledge(tmp_path / "g.nt").entity_data.to_pylist()[0] == {"born": "1999-01-02", "age": None}
    alone = "1 entities without a fact left out, the first is 'c'"
    assert write_knowledge(graph, tmp_path / "g.tsv") == (alone, "data of entities left out: born, age", left)
    with pytest.raises(DataError, match="g has no fact to write"):
        write_knowledge(replace(graph, triples=graph.triples[:0]), tmp_path / "none.tsv")


def test_a_full_disk_leaves_no_folder(tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_splits(splits_of(FACTS, set(), FACTS), tmp_path / "s")
    assert not list(tmp_path.iterdir())


def test_equal_graphs_are_packed_into_equal_bytes(tmp_path):
    for name in ("a.tsv.gz", "b.tsv.gz"):
        write_knowledge(graph_of(FACTS), tmp_path / name)
    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.tsv.gz").read_bytes()


# --- folders

def test_short_names_in_all_parts_and_an_empty_folder_to_write_to(tmp_path):
    want = splits_of({("http://x/a", "http://x#r", "http://x/b")}, set(), {("http://x/b", "http://x#r", "http://y/c")})
    (tmp_path / "s").mkdir()
    write_splits(want, tmp_path / "s", "nt")
    splits = read_splits(tmp_path / "s", short=True)
    assert facts(splits.train) == {("a", "r", "b")}
    assert facts(splits.test) == {("b", "r", "c")}


def test_ids_and_codex_files_beside_the_parts(tmp_path):
    for part, row in (("train", "0\t0\t1\n"), ("dev", "1\t0\t0\n"), ("test", "1\t0\t1\n")):
        write(tmp_path / "s", f"{part}.txt", row)
    write(tmp_path / "s", "entity2id.txt", "2\nNew York\t0\nb\t1\n")
    write(tmp_path / "s", "relation2id.tsv", "near 0\n")
    write(tmp_path / "s", "entity2types.json", json.dumps({"b": ["city", "port"]}))
    write(tmp_path / "s", "relation_labels.json", json.dumps({"near": "is near"}))
    splits = read_splits(tmp_path / "s")
    assert facts(splits.train) == {("New York", "near", "b")}
    assert splits.test.entity_data.to_pylist() == [{"types": None}, {"types": ["city", "port"]}]
    assert splits.valid.relation_data.to_pylist() == [{"label": "is near"}]
    assert "entity2types.json: 'types' of 1 of 2 entities" in splits.report
    write(tmp_path / "s", "entity2id.txt", "New York\t5\n")
    assert "entity2id.txt left out: it has no id '0'" in read_splits(tmp_path / "s").report


def test_a_folder_without_validation_says_so(tmp_path):
    write(tmp_path / "s", "train.tsv", "a\tr\tb\na\tr\tb\n")
    write(tmp_path / "s", "test.nt", "<urn:x-name:a> <urn:x-name:r> <urn:x-name:b> .\n")
    splits = read_splits(tmp_path / "s")
    assert [len(part.triples) for part in splits.parts.values()] == [1, 0, 1]
    assert "that part is empty" in splits.valid.report[0]
    assert splits.report == ("1 test fact(s) are also in train",)


def openke(folder, **changes):
    """A sound folder of OpenKE's, but for ``changes``."""
    files = {"entity2id": "3\na\t0\nb c\t2\nd\t1\n", "relation2id": "1\nr\t0\n", "train2id": "2\n0 2 0\n2 1 0\n",
             "valid2id": "0\n", "test2id": "1\n1\t1\t0\n"} | changes  # fmt: skip
    for name, content in files.items():
        write(folder, f"{name}.txt", content)
    return folder


def test_openke_keeps_ids_as_slots_and_reads_head_tail_relation(tmp_path):
    splits = read_splits(openke(tmp_path))
    assert list(splits.train.entities) == ["a", "d", "b c"]
    assert splits.train.triples.tolist() == [[0, 0, 2], [2, 0, 1]]
    assert facts(splits.test) == {("d", "r", "d")}
    assert len(splits.valid.triples) == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("entity2id", "4\na\t0\nb\t1\nc\t2\n", "entity2id.txt:1 says that 4 lines follow, but 3 do"),
        ("entity2id", "a\t0\nb\t1\nc\t2\n", "entity2id.txt:1: no number: say in the first line how many"),
        ("entity2id", "3\na\t0\nb\t1\nc\t1\n", "entity2id.txt:4: the id '1' is there twice"),
        ("entity2id", "3\na\t0\nb\t1\na\t2\n", "entity2id.txt:4: the name 'a' is there twice"),
        ("entity2id", "3\na\t0\nb\t1\nc\t3\n", "the id 3 is not below the count 3"),
        ("entity2id", "3\na\t0\nb\t-1\nc\t2\n", "entity2id.txt:3: no name and id"),
        ("entity2id", "3\na\t0\n1\nc\t2\n", "entity2id.txt:3: no name and id"),
        ("entity2id", f"3\na\t0\nb\t{2**63}\nc\t2\n", "entity2id.txt:3: no name and id"),
        ("entity2id", "", "entity2id.txt is empty"),
        ("entity2id", "99999999999999999999999\na\t0\n", "no number|no name and id"),
        ("train2id", "3\n0 2 0\n2 1 0\n", "train2id.txt:1 says that 3 lines follow, but 2 do"),
        ("train2id", "1\n0 2 0\n2 1 0\n", "train2id.txt:1 says that 1 lines follow, but 2 do"),
        ("train2id", "2\n0 2 0\n2 3 0\n", "train2id.txt:3: '3' is no id of a tail: give one in 0 … 2"),
        ("train2id", "2\n0 2 0\n2 1 1\n", "train2id.txt:3: '1' is no id of a relation"),
        ("train2id", "2\n0 2 0\n\n-2 1 0\n", "train2id.txt:4: '-2' is no id of a head"),
        ("train2id", f"2\n0 2 0\n{2**63} 1 0\n", "train2id.txt:3: '9223372036854775808' is no id"),
        ("train2id", "2\n0 2 0\n2.0 1 0\n", "train2id.txt:3: '2.0' is no id"),
        ("train2id", "2\n0 2 0\n2 1\n", "train2id.txt:3: 2 column"),
        ("train2id", "2\n0 2 0 0\n2 1 0 0\n", r"train2id.txt:2: 4 column\(s\)"),
        ("train2id", "0\n", "no fact in its training part"),
        ("test2id", "one\n0 2 0\n", "test2id.txt"),
    ],
)
def test_broken_openke_folders(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message) as error:
        read_splits(openke(tmp_path, **{name: content}))
    assert "\n" not in str(error.value)


def test_an_openke_file_that_is_missing(tmp_path):
    (openke(tmp_path) / "relation2id.txt").unlink()
    with pytest.raises(DataError, match=r"no file .*relation2id.txt"):
        read_splits(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("g.tsv", "a\tr\tb\na\tr\n", r"g.tsv:2: 2 column\(s\) where line 1 has 3 \(separated by tab\)"),
        ("g.tsv", "\n\na\tr\tb\n\na\tr\tb\tc\n", r"g.tsv:5: 4 column\(s\) where line 3 has 3"),
        ("g.tsv", "a\tr\tb\n \tr\tb\n", "g.tsv:2: empty head: fill it or drop the row"),
        ("g.tsv", "a\t\tb\n", "g.tsv:1: empty relation"),
        ("g.tsv", "a\tb\n", r"g.tsv:1: 2 column\(s\)"),
        ("g.tsv", "New York\tis in\n", r"g.tsv:1: 2 column\(s\) \(separated by tab\)"),
        ("g.txt", "a b\tc\n", r"g.txt:1: 2 column\(s\) \(separated by tab\)"),
        ("g.tsv", "a\tr\tb\t2019\n", r"g.tsv:1: 4 column\(s\) .* TripleColumns"),
        ("g.tsv", "head\trelation\ttail\n", "no fact between entities"),
        ("g.tsv", b"a\tr\tb\0\n", "not a text file"),
        ("g.tsv", b"a\tr\t\xff\n", "g.tsv:1: byte 0xff is not UTF-8"),
        ("g.tsv", "a\tr\tb\n".encode("utf-16"), "UTF-16"),
        ("g.tsv", "", "is empty"),
        ("g.tsv", "\n \n", "no rows"),
        ("g.tsv", "\t".join("x" * 100_000), "100000 column"),
        ("g.tsv", "a\tr\t" + "x" * 120_000, "a tail name of 120,000 bytes"),
        ("g.csv", 'a,r,"b\n', "g.csv:1: .*: check the quotes"),
        ("g.tsv.gz", gzip.compress(b"a\tr\tb\n" * 99, mtime=0)[:-9], "damaged gzip"),
        ("g.tsv.gz", b"a\tr\tb\n", "is not gzip"),
        ("g.nt", "<x:a> <x:r> <x:b> .\n<x:a> <x:r> <x:b>\n", "g.nt:2: no N-Triples statement"),
        ("g.nt", "<a> <r> <b> .\n", "g.nt:1: no N-Triples statement: .* with full IRIs"),
        ("g.nt", "<x:a> _:r <x:b> .\n", "g.nt:1"),
        ("g.nt", "<x:a b> <x:r> <x:b> .\n", "g.nt:1"),
        ("g.nt", '<x:a> <x:r> "b .\n', "g.nt:1"),
        ("g.nt", '<x:a> <x:r> "b" . <x:a> <x:r> <x:b> .\n', "g.nt:1"),
        ("g.nt", '<x:a> <x:r> "\\uD800" .\n<x:a> <x:r> <x:b> .', "escape in it is no character"),
        ("g.nt", '<x:a> <x:r> "\\UFFFFFFFF" .\n<x:a> <x:r> <x:b> .', "escape in it is no character"),
        ("g.nt", '<x:a> <x:r> "b" .\n', "no fact between entities"),
        ("g.ttl", "@prefix x: <http://x/> .\n\nx:a x:p x:b\n", "g.ttl:[34]: no Turtle"),
        ("g.ttl", "<a> <b> <c> .", "relative IRIs a @base"),
        ("g.ttl", '"lit" <x:s> <x:d> .', "is no RDF"),
        ("g.ttl", "(" * 5000, "no Turtle"),
        ("g.xyz", "a\tr\tb\n", "unknown suffix '.xyz'"),
    ],
)
def test_broken_files_give_one_message_with_the_place(tmp_path, name, content, message):
    if name.endswith(".ttl"):
        pytest.importorskip("rdflib")
    with pytest.raises(DataError, match=message) as error:
        read_knowledge(write(tmp_path, name, content))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


def test_wrong_columns_formats_and_places(tmp_path):
    path = write(tmp_path, "g.csv", "who,does,what\na,r,b\n")
    cases = [
        (TripleColumns("who", "doess", "what"), "no column 'doess' for the relation. Did you mean 'does'"),
        (TripleColumns("1", "2", "4"), "no column '4'"),
        (TripleColumns("who", "what", "what"), "three different columns"),
        (TripleColumns(delimiter=", "), "give one character"),
    ]
    for columns, message in cases:
        with pytest.raises(DataError, match=message):
            read_knowledge(path, columns=columns)
    for call, message in (
        (lambda: read_knowledge(path, "turtel"), "unknown format 'turtel'. Did you mean 'turtle'"),
        (lambda: read_knowledge(tmp_path), "is a folder: .*read_splits"),
        (lambda: read_splits(path), "is a file: read it with read_knowledge"),
        (lambda: read_splits(tmp_path / "none"), "is no folder"),
        (lambda: read_splits(tmp_path), r"has no train file \(.*found: g.csv\)"),
        (lambda: read_knowledge(tmp_path / "h.csv"), "Did you mean 'g.csv'"),
    ):
        with pytest.raises(DataError, match=message):
            call()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.tsv", "a\tr\tb\n", r"has train.tsv and train.txt: keep one|has train.txt and train.tsv"),
        ("entity2types.json", '{"a":\n ["b",', "entity2types.json:2: no JSON"),
        ("entity2types.json", "[1]", "is a JSON list"),
        ("entity2types.json", "[" * 100_000, "no JSON"),
        ("entity2types.json", '{"a": "\\ud800"}', "half a surrogate pair"),
        ("entity2id.txt", "a\n", "entity2id.txt:1: no name and id"),
        ("entity2id.txt", "5\na\t0\n", "says that 5 lines follow, but 1 do"),
    ],
)
def test_broken_folders(tmp_path, name, content, message):
    for part in ("train", "test"):
        write(tmp_path, f"{part}.txt", "a\tr\tb\n")
    write(tmp_path, name, content)
    with pytest.raises(DataError, match=message):
        read_splits(tmp_path)


@pytest.mark.parametrize("format", [name for name in KNOWLEDGE_FORMATS if name != "turtle"])
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)
@given(data=st.one_of(
    st.binary(max_size=60), st.text("ab\t ,\n\r\"'<>_:.#@^\\u{}1", max_size=60).map(str.encode),
    st.lists(st.sampled_from(["<x:a>", "_:b", '"t"', "^^", "@en", ".", " ", "\n", "\t", "\\", "é"]), max_size=20)
    .map(lambda parts: "".join(parts).encode()),
))  # fmt: skip
def test_no_file_crashes_a_reader(tmp_path_factory, format, data):
    path = write(tmp_path_factory.mktemp("fuzz"), "g", data)
    try:
        graph = read_knowledge(path, format)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert len(graph.triples) and (graph.triples >= 0).all()
        assert (graph.triples < [graph.num_entities, graph.num_relations, graph.num_entities]).all()


# --- other libraries

def test_networkx_both_ways(tmp_path):
    want = nx.MultiDiGraph([("a", "b", "knows"), ("a", "b", "likes"), ("b", "b", "knows")], name="g")
    want.add_node("alone", age=3)
    graph = from_networkx(want, "g")
    assert facts(graph) == {(u, k, v) for u, v, k in want.edges(keys=True)}
    assert list(graph.entities) == list(want)
    back = graph.to_networkx()
    assert nx.utils.graphs_equal(back, want)
    typed = nx.DiGraph()
    typed.add_edge(1, 2, rel="to")
    assert facts(from_networkx(typed, "t", relation="rel")) == {("1", "to", "2")}
    for bad, message in (
        (nx.Graph([(1, 2)]), "undirected"), (nx.DiGraph([(1, 2)]), "no multigraph"),
        (nx.MultiDiGraph([(1, "1", "r")]), "same name as text"), (nx.MultiDiGraph(), "no fact"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=message):
            from_networkx(bad, "bad")
    with pytest.raises(DataError, match="has no 'kind'"):
        from_networkx(typed, "t", relation="kind")


def test_tables_of_pandas_and_pyarrow_both_ways():
    pd = pytest.importorskip("pandas")
    graph = graph_of(FACTS)
    assert from_table(graph.to_arrow(), "g").facts() == graph.facts()
    frame = graph.to_arrow().to_pandas().rename(columns={"head": "who"}).assign(year=1, relation=lambda f: f.relation)
    frame["relation"] = frame["relation"].astype("category")
    got = from_table(frame, "g", head="who")
    assert got.facts() == graph.facts()
    assert got.report == ("1 further column(s) left out: year",)
    numbers = pd.DataFrame({"head": [1, 2], "relation": ["r", "r"], "tail": [10**12, 1]})
    assert facts(from_table(numbers, "n")) == {("1", "r", str(10**12)), ("2", "r", "1")}
    for frame, message in (
        (numbers.rename(columns={"tail": "tale"}), "no column 'tail'. Did you mean 'tale'"),
        (numbers.assign(tail=[0.5, 1]), "column 'tail' is double: names are text or whole"),
        (numbers.assign(relation=["r", None]), r"column 'relation', row 1 \(from 0\): no value"),
        (numbers.assign(relation=["", "r"]), r"row 0 \(from 0\): an empty name"),
    ):
        with pytest.raises(DataError, match=message):
            from_table(frame, "bad")


def test_triples_factories_both_ways():
    graph = graph_of(FACTS, names=["alone"])
    ids = {name: i for i, name in enumerate(graph.entities)}, {name: i for i, name in enumerate(graph.relations)}
    factory = SimpleNamespace(mapped_triples=graph.triples.astype(np.int64), entity_to_id=ids[0], relation_to_id=ids[1])
    back = from_triples_factory(factory, "g")
    assert (back.triples == graph.triples).all()
    assert (back.entities, back.relations) == (graph.entities, graph.relations)
    labelled = graph.labelled()
    assert (labelled.dtype.kind, labelled.shape) == ("U", (3, 3))
    assert set(map(tuple, labelled.tolist())) == FACTS
    for change, message in (
        ({"mapped_triples": np.array([[0, 0, 9]])}, r"mapped_triples\[0\] = \[0, 0, 9\]: no such ids"),
        ({"mapped_triples": np.array([[0.5, 0, 0]])}, "give whole numbers"),
        ({"entity_to_id": {"a": 1, "b": 2}}, "the ids are not 0 … 1"),
    ):
        with pytest.raises(DataError, match=message):
            from_triples_factory(SimpleNamespace(**{**vars(factory), **change}), "bad")


# --- reference data

def sources(folder):
    """The table of counts, by name of the set."""
    rows = [line.strip("|\n").split("|") for line in (folder / "SOURCES.md").open() if line.startswith("|")]
    return {row[0]: dict(zip(rows[0], row, strict=False)) for row in rows[2:]}


def test_reference_sets_load_with_the_counts_their_table_states(shared_data):
    folder = shared_data / "kg"
    table = sources(folder)
    assert len(table) >= 13
    for name, row in table.items():
        splits = read_splits(folder / name)
        train, test = splits.train, splits.test
        merged = sum(int(line.split()[0]) for line in train.report if "duplicate fact" in line)
        unseen = np.setdiff1d(test.triples[:, ::2], train.triples[:, ::2])
        got = {
            "entities": train.num_entities, "relations": train.num_relations, "train": len(train.triples) + merged,
            "valid": len(splits.valid.triples), "test": len(test.triples), "dup train": merged,
            "test triples with an entity unseen in train": np.isin(test.triples[:, ::2], unseen).any(1).sum(),
            "train∩test": len(facts(train) & facts(test)),
            "deg max": np.bincount(train.triples[:, ::2].reshape(-1)).max(),
        }  # fmt: skip
        assert got == {key: int(row[key]) for key in got}, name


def test_reference_names_and_side_files(shared_data):
    codex = read_splits(shared_data / "kg" / "codex_s")
    assert codex.train.entity_data["types"].null_count == 0
    assert codex.train.relation_data.to_pylist()[codex.train.relations.index("P106")] == {"label": "occupation"}
    freebase = read_splits(shared_data / "kg" / "fb15k237")
    assert freebase.train.facts(slice(1)) == [("/m/027rn", "/location/country/form_of_government", "/m/06cx9")]


def test_reading_facts_does_not_import_jax_or_rdflib(tmp_path):
    path = write(tmp_path, "g.nt", "<x:a> <x:r> <x:b> .\n")
    code = (
        "import sys; from lepton_rl.data import read_knowledge; "
        f"read_knowledge({str(path)!r}); print([m for m in ('jax', 'rdflib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
