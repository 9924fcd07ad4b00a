"""``solve`` on a knowledge graph, from the user's file to edits that are applied and taken back."""

import csv
import json
import shlex
from dataclasses import asdict

import pytest

from experiments.configs import Solve
from experiments.curate import is_knowledge
from experiments.judging import Judging
from lepton_rl.curation import Curation
from tests.experiments.commands import call
from tests.lepton_rl.test_curation import town

NAMES = [*(f"person {i}" for i in range(60)), *(f"town/{i}" for i in range(6))]
RELATIONS = ["lives_in", "knows", "works with"]
FACTS, WRONG, MISSING = town()


def iri(name):
    return f"<http://x.org/{name.replace(' ', '_')}>"


def ntriples():
    """The town as RDF with what people put there: comments, labels, blank nodes, a line end that is missing."""
    lines = ["# people and towns"]
    for h, r, t in FACTS.tolist():
        lines.append(f"{iri(NAMES[h])}  {iri(RELATIONS[r])} {iri(NAMES[t])} .")
    lines += [f'{iri(name)} <http://x.org/label> "{name} \\"\\u00fc\\""@de .' for name in NAMES[:5]]
    return "\r\n".join([*lines, f"_:b0 {iri('knows')} {iri(NAMES[0])} ."])


def solve(graph, folder, *options):
    return call("solve", "--graph", graph, "--runs-dir", folder, "--name", "s", "--draws", 4, *options)


def rows(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(list(stream)[1:], delimiter="\t"))


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """Edits of the town as N-Triples, with the town's spelling of its names."""
    folder = tmp_path_factory.mktemp("solved")
    graph = folder / "town.nt"
    graph.write_text(ntriples(), encoding="utf-8", newline="")
    assert solve(graph, folder, "--least", 0.1) == 0
    return graph, folder / "s"


def test_missing_facts_come_with_their_path(solved):
    found = {(row["head"], row["relation"], row["tail"]): row for row in rows(solved[1] / "edits.tsv")}
    added = {fact for fact, row in found.items() if row["op"] == "add"}
    wanted = {(iri(NAMES[h]), iri(RELATIONS[r]), iri(NAMES[t])) for h, r, t in MISSING}
    assert wanted <= added
    h, r, t = next(iter(wanted))
    said = found[h, r, t]["evidence"].split(" ")
    assert said[0] == h.rsplit("/", 1)[1].strip(">") and len(said) >= 3
    assert all(0.1 <= float(row["confidence"]) <= 1 for row in found.values())


def test_suspicious_facts_are_named_with_their_line(solved):
    graph, folder = solved
    lines = graph.read_bytes().decode().split("\r\n")
    deleted = [row for row in rows(folder / "edits.tsv") if row["op"] == "delete"]
    assert deleted
    for row in deleted:
        line = lines[int(row["line"]) - 1]
        end = "" if int(row["line"]) == len(lines) else "\\r\\n"
        assert row["source"] == line + end and row["head"] in line and row["tail"] in line
        assert row["evidence"].startswith("unusual: ")
    wrong = {(iri(NAMES[h]), iri(RELATIONS[r]), iri(NAMES[t])) for h, r, t in WRONG}
    assert wrong & {(row["head"], row["relation"], row["tail"]) for row in deleted}


def test_the_other_files_say_the_same(solved):
    _, folder = solved
    edits, result = rows(folder / "edits.tsv"), json.loads((folder / "result.json").read_text())
    for op in ("add", "delete"):
        lines = (folder / f"edits.{op}.nt").read_text().splitlines()
        assert lines == [f"{r['head']} {r['relation']} {r['tail']} ." for r in edits if r["op"] == op]
        assert all(f"  {line}\n" in (folder / "edits.ru").read_text() for line in lines if "_:" not in line)
    assert [tuple(edit["fact"]) for edit in result["edits"]] == [(r["head"], r["relation"], r["tail"]) for r in edits]
    for what in ("wrong", "missing"):
        held = result["held_out"][what]
        assert held["average_precision"] > 2 * held["true"] / held["facts"]
        assert all(band["right"] <= band["facts"] for band in held["called"])


def test_the_command_that_is_shown_applies_them_and_they_are_taken_back(solved, tmp_path):
    graph, folder = solved
    edited = tmp_path / "edited.nt"
    assert call("apply", "--graph", graph, "--edits", folder / "edits.tsv", "--output", edited) == 0
    before, after = (set(path.read_text().splitlines()) for path in (graph, edited))
    deleted = (folder / "edits.delete.nt").read_text().splitlines()
    assert {" ".join(line.split()) for line in before - after} == {*deleted}
    assert after - before == {*(folder / "edits.add.nt").read_text().splitlines()}
    back = tmp_path / "back.nt"
    assert call("apply", "--graph", edited, "--edits", folder / "edits.tsv", "--reverse", "--output", back) == 0
    assert back.read_bytes() == graph.read_bytes()


def test_a_table_is_told_and_turtle_is_written_as_lines(tmp_path, capsys):
    table = tmp_path / "town.csv"
    table.write_text("".join(f"{NAMES[h]},{RELATIONS[r]},{NAMES[t]}\n" for h, r, t in FACTS.tolist()))
    assert solve(table, tmp_path, "--facts", "--adds", 1, "--deletes", 0) == 0
    out = capsys.readouterr().out
    assert "Missing facts (1)" in out
    assert "held-out draws: " in out and "called wrong with 85% to 95%" in out
    (edit,) = rows(tmp_path / "s" / "edits.tsv")
    fact = NAMES.index(edit["head"]), RELATIONS.index(edit["relation"]), NAMES.index(edit["tail"])
    assert edit["op"] == "add" and fact in set(map(tuple, MISSING))
    assert f"{edit['head']} –{edit['relation']}→ {edit['tail']}" in " ".join(out.split())
    shown = shlex.split(" ".join(out[out.index("apply --graph") :].split()))
    assert shown[2] == str(table)
    pytest.importorskip("rdflib")
    turtle = tmp_path / "town.ttl"
    turtle.write_text(ntriples().replace("_:b0", "[]").replace("# people", "@prefix x: <http://x.org/> . # people"))
    assert call("solve", "--graph", turtle, "--runs-dir", tmp_path, "--name", "t", "--draws", 4) == 0
    written = tmp_path / "t" / "facts.nt"
    assert '"person 0 \\"ü\\""@de .' in written.read_text(encoding="utf-8") and "_:b0 " in written.read_text()
    options = ("--edits", tmp_path / "t" / "edits.tsv", "--output", tmp_path / "edited.nt")
    assert call("apply", "--graph", written, *options) == 0


def test_options_are_the_settings():
    assert asdict(Judging()) == asdict(Curation())


@pytest.mark.parametrize(("options", "wanted"), [
    ({"graph": "world"}, True), ({"graph": "karate"}, False), ({"graph": "links.csv"}, False), ({}, False),
    ({"graph": "links.csv", "facts": True}, True), ({"graph": "g.nt.gz"}, True), ({"graph": "g.ttl"}, True),
    ({"graph": "g.tsv", "env": "lepton/KGRefinement-v0"}, True), ({"graph": "g.tsv", "env": "KGRepair"}, True),
    ({"graph": "g.tsv", "env": "lepton/NodeRemoval-v0"}, False), ({"facts": True}, True),
])  # fmt: skip
def test_what_is_taken_for_a_knowledge_graph(options, wanted):
    assert is_knowledge(Solve(**options)) == wanted


@pytest.mark.parametrize(("arguments", "message"), [
    (["--facts", "--graph", "wrold"], "Did you mean 'world'?"), (["--facts", "--graph", "karate"], "without relations"),
    (["--graph", "nowhere.nt"], "no file nowhere.nt"), (["--graph", "world", "--run", "x"], "x is no run"),
    (["--graph", "world", "--evidence", "ruls"], "Did you mean 'rules'?"), (["--facts", "--wrong", "2"], "--wrong 2"),
    (["--graph", "world", "--draws", "2"], "--draws 2"), (["--graph", "world", "--adds", "-1"], "--adds -1"),
    (["--least", "0.2"], "--graph is missing"),
])  # fmt: skip
def test_bad_input_gets_one_message_and_leaves_nothing(tmp_path, capsys, arguments, message):
    assert call("solve", *arguments, "--runs-dir", tmp_path / "runs") == 2
    out, err = capsys.readouterr()
    assert message in err and "Traceback" not in out + err
    assert not list((tmp_path / "runs").glob("*"))
