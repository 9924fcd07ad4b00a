import hashlib
import re
import sys
import zipfile
from importlib.metadata import version

import countryinfo
import networkx as nx
import numpy as np
import pytest

from lepton_rl.data import NAMED, DataError, NamedGraph, load, write_splits
from lepton_rl.data.knowledge import KnowledgeGraph, TripleSplits
from lepton_rl.data.sets import download, find, topologies
from lepton_rl.registry import resolve

SHARED = {"umls": "umls", "kinship": "kinship", "nations": "nations", "wn18rr": "wn18rr", "codex-s": "codex_s"}
SOCIAL = {
    "karate": nx.karate_club_graph, "les_miserables": nx.les_miserables_graph,
    "florentine": nx.florentine_families_graph, "davis": nx.davis_southern_women_graph,
}  # fmt: skip


@pytest.mark.parametrize("entry", NAMED.values(), ids=list(NAMED))
def test_every_entry_says_whose_it_is_and_how_it_is_loaded(entry):
    assert entry.what and entry.licence and entry.citation and entry.source
    assert callable(resolve({entry.name: entry.loader}, entry.name, "data set"))
    assert len(entry.counts) in (0, 2 if entry.kind == "graph" else 3)
    assert bool(entry.files) == (entry.trust != "installed") == bool(entry.limit)
    for file in entry.files:
        assert file.url.startswith(("https://", "http://konect.cc/"))
        assert re.fullmatch(r"[\w.-]+", file.name)
        if file.sha256:  # only what can never change: a commit
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert re.search(r"/[0-9a-f]{12,40}/", file.url)


@pytest.mark.parametrize("name", list(SHARED))
def test_hashes_and_counts_are_those_of_the_bytes_at_hand(name, shared_data):
    folder, entry = shared_data / "kg" / SHARED[name], NAMED[name]
    facts = []
    for file in entry.files:
        data = (folder / file.name.replace(".txt", ".tsv")).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file.sha256
        assert len(data) < entry.limit
        facts += [line.split("\t") for line in data.decode().splitlines()]
    entities = {name for head, _, tail in facts for name in (head, tail)}
    assert entry.counts == (len(entities), len({relation for _, relation, _ in facts}), len(facts))
    assert entry.trust == "verified"


@pytest.mark.parametrize("name", list(SOCIAL))
def test_social_networks_are_those_of_networkx(name):
    graph, want = load(name), SOCIAL[name]()
    assert (graph.num_nodes, len(graph.edges)) == (len(want), want.number_of_edges()) == NAMED[name].counts
    assert nx.utils.edges_equal(graph.to_networkx().edges, nx.relabel_nodes(want, str).edges)


def test_world_says_what_countryinfo_says():
    graph = load("world")
    assert isinstance(graph, KnowledgeGraph)
    facts = set(graph.facts())
    assert len(facts) == len(graph.triples)
    tails = {}
    for head, relation, tail in facts:
        tails.setdefault((head, relation), set()).add(tail)
    assert ("France", "borders", "Spain") in facts
    assert tails["Japan", "has_capital"] == {"Tokyo"}
    assert tails["Singapore", "has_capital"] == {"Singapore, Singapore"}
    assert tails["Western Europe", "part_of"] == {"Europe"}
    assert tails["India", "in_timezone"] == {"UTC+05:30"}
    assert tails["Jamaica", "in_timezone"] == {"UTC-05:00"}
    for name in ("France", "Brazil", "India", "Kenya", "Canada", "New Zealand"):
        country = countryinfo.CountryInfo(name)
        neighbours = {countryinfo.CountryInfo(code).name() for code in country.borders()}
        assert tails.get((name, "borders"), set()) >= neighbours
        assert tails[name, "has_language"] == set(country.languages())
        assert tails[name, "has_currency"] == set(country.currencies())
        assert tails[name, "has_capital"] == {country.capital()}
        assert tails[name, "in_region"] == {country.region()}
        assert tails[name, "in_subregion"] == {country.subregion()}
        assert len(tails[name, "in_timezone"]) == len(country.timezones())


def test_world_is_consistent_and_says_what_it_mended():
    graph = load("world")
    borders = {(head, tail) for head, relation, tail in graph.facts() if relation == "borders"}
    assert {(tail, head) for head, tail in borders} == borders
    assert not any(head == tail for head, tail in borders)
    kinds = dict(zip(graph.entities, graph.entity_data["kind"].to_pylist(), strict=True))
    of = {"borders": "country", "in_region": "region", "in_subregion": "subregion", "part_of": "region",
          "has_language": "language", "has_currency": "currency", "has_capital": "city", "in_timezone": "timezone"}
    assert set(graph.relations) == set(of)
    for head, relation, tail in graph.facts():
        assert kinds[tail] == of[relation]
        assert kinds[head] == ("subregion" if relation == "part_of" else "country")
    data = graph.entity_data.to_pylist()
    codes = [row["iso"] for row in data if row["iso"]]
    assert len(codes) == len(set(codes)) == list(kinds.values()).count("country")
    report = "\n".join(graph.report)
    for line in ("Scotland", "former countries", "Burma", "Montenegro – XKX", "one side only", "UTC+04"):
        assert line in report
    again = load("world")
    assert np.array_equal(graph.triples, again.triples)
    assert list(graph.entities) == list(again.entities)


def test_world_has_the_counts_of_the_table():
    if version("countryinfo") != "1.0.1":
        pytest.skip("counted with countryinfo 1.0.1")
    graph = load("world")
    assert (graph.num_entities, graph.num_relations, len(graph.triples)) == NAMED["world"].counts


def test_topologies_are_those_of_topohub():
    topohub = pytest.importorskip("topohub")
    names = [*topologies("topohub/sndlib"), "topohub/topozoo/Aarnet", "topohub/backbone/africa", "topohub/gabriel/25/0",
             topologies("topohub/caida")[-1]]  # fmt: skip
    for name in names:
        graph = load(name)
        want = nx.node_link_graph(topohub.get(name.removeprefix("topohub/")), edges="edges")
        assert (graph.name, graph.num_nodes, len(graph.edges)) == (name, len(want), want.number_of_edges())
        assert nx.is_connected(want)
        slot = {node: i for i, node in enumerate(want)}
        got = {frozenset(edge): weight for edge, weight in zip(graph.edges.tolist(), graph.weights, strict=True)}
        assert got == {frozenset((slot[u], slot[v])): length for u, v, length in want.edges(data="dist")}
        assert len(set(graph.names)) == graph.num_nodes
        rows = graph.node_data.to_pylist()
        for label, (node, data), row in zip(graph.names, want.nodes(data=True), rows, strict=True):
            assert label in (data.get("name"), str(node), f"{data.get('name')} ({node})")
            assert [row["longitude"], row["latitude"]] == list(data["pos"])


def test_topologies_by_group_and_near_match():
    pytest.importorskip("topohub")
    assert "topohub/sndlib/polska" in topologies("topohub/sndlib")
    assert all(topologies(name) for name, entry in NAMED.items() if entry.family)
    assert load("topohub/sndlib/polska").names[0] == "Gdansk"
    report = load("topohub/backbone/africa").report
    assert any("without a name" in line for line in report)
    for name, said in (("topohub/sndlib/polsca", "Did you mean 'topohub/sndlib/polska'"), ("topohub/sndlib", "has 26"),
                       ("topohub/sndlb/polska", "Did you mean 'topohub/sndlib'")):  # fmt: skip
        with pytest.raises(DataError, match=re.escape(said)):
            load(name)


@pytest.mark.parametrize(("name", "near"), [("umsl", "umls"), ("karaté", "karate"), ("wn18", "wn18rr")])
def test_a_misspelt_name_gets_a_near_match(name, near):
    with pytest.raises(DataError, match=f"Did you mean '{near}'"):
        load(name)


def test_names_are_found_with_their_families():
    assert find("karate") is NAMED["karate"]
    assert find("topohub/sndlib/any") is NAMED["topohub/sndlib"]
    assert find("karate/any") is None
    with pytest.raises(DataError, match="no data set 'karate' to download"):
        download("karate")


@pytest.mark.parametrize(("package", "name"), [("pooch", "umls"), ("topohub", "topohub/sndlib/polska")])
def test_a_missing_package_says_what_to_install(package, name, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delenv("LEPTON_RL_DATA", raising=False)
    with pytest.raises(DataError, match=rf"needs {package}: pip install 'lepton-rl\["):
        load(name)


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_a_folder_of_facts_goes_to_the_reader_of_facts(tmp_path):
    facts = {"train__tsv": "a\tr\tb\nb\tr\tc\n", "valid__tsv": "a\tr\tc\n", "test__tsv": "c\tr\ta\n"}
    found = load(write(tmp_path / "umls", **facts))
    assert isinstance(found, TripleSplits)
    assert [part.facts() for part in found.parts.values()] == [
        [("a", "r", "b"), ("b", "r", "c")], [("a", "r", "c")], [("c", "r", "a")],
    ]  # fmt: skip
    write_splits(found, tmp_path / "ids", "openke")
    assert load(tmp_path / "ids").test.facts() == [("c", "r", "a")]
    file = write(tmp_path / "own", facts__nt="<a:a> <a:r> <a:b> .\n") / "facts.nt"
    for path in (str(file), file.parent):
        assert load(path).facts() == [("a:a", "a:r", "a:b")]


def test_a_folder_with_one_graph_is_that_graph(tmp_path):
    folder = write(tmp_path / "club", club__csv="source,target\na,b\nb,c\n", README__txt="not an edge", LICENSE="")
    for path in (folder, str(folder), folder / "club.csv", tmp_path):
        graph = load(path)
        assert isinstance(graph, NamedGraph)
        assert (graph.names, graph.edges.tolist()) == (["a", "b", "c"], [[0, 1], [1, 2]])
    konect = write(tmp_path / "konect" / "moreno", out__moreno="% sym unweighted\n1 2\n2 3\n", meta__moreno="name: x")
    assert len(load(konect).edges) == len(load(konect.parent).edges) == 2


@pytest.mark.parametrize("files", [{}, {"a__csv": "1,2\n", "b__csv": "1,2\n"}, {"notes__doc": "?"}])
def test_a_folder_that_is_not_one_thing_is_refused(tmp_path, files):
    with pytest.raises(DataError, match="give a folder with train, valid and test files"):
        load(write(tmp_path / "odd", **files))


def test_an_archive_is_read_and_named_in_reports(tmp_path):
    file = tmp_path / "club.zip"
    with zipfile.ZipFile(file, "w") as bundle:
        bundle.writestr("club/club.csv", "source,target\na,b\nb,b\nb,c\n")
    graph = load(file)
    assert len(graph.edges) == 2
    assert any(f"{file}/club/club.csv:3" in line for line in graph.report)
    with zipfile.ZipFile(file, "w") as bundle:
        bundle.writestr("club/club.csv", "source,target\na\n")
    with pytest.raises(DataError, match=re.escape(f"{file}/club/club.csv")):
        load(file)
    with pytest.raises(DataError, match="no file"):
        load(tmp_path / "none.zip")
