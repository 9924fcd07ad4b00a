"""Questions to a knowledge graph: how they are read, what answers them, and what is said of a bad one."""

import csv
import itertools
import json

import networkx as nx
import numpy as np
import pytest

from experiments.query import Facts, answer, whole_graph
from experiments.question import Chain, parse
from experiments.run import main
from lepton_rl.data import KnowledgeGraph
from lepton_rl.data.names import Names

NAMES = ["anna", "bo", "cy", "Trinidad and Tobago", "what ?", "di"]
RELATIONS = ["knows", "works_at", "is boss of", "unused"]
FACTS = [(0, 0, 1), (1, 0, 2), (2, 1, 3), (0, 1, 3), (1, 2, 0), (4, 0, 0), (5, 0, 2)]
GRAPH = KnowledgeGraph("g", np.array(FACTS, np.int32), Names.of(NAMES), Names.of(RELATIONS))
R = len(RELATIONS)


@pytest.mark.parametrize(("text", "chains"), [
    ("anna knows ?", [(0, (0,))]),
    ("anna knows ? works_at ?", [(0, (0, 1))]),
    ("? knows cy", [(2, (R,))]),
    ("? knows ? works_at Trinidad and Tobago", [(3, (1 + R, R))]),
    ("Trinidad and Tobago works_at ? and anna knows ?", [(3, (1,)), (0, (0,))]),
    ("? knows cy ; bo is boss of ?", [(2, (R,)), (1, (2,))]),
    ("ANNA works at ?  AND ? Is_Boss_Of anna", [(0, (1,)), (0, (2 + R,))]),
    ('"what ?" knows ?', [(4, (0,))]),
])  # fmt: skip
def test_a_question_is_chains_of_relations(text, chains):
    assert parse(text, GRAPH) == [Chain(*chain) for chain in chains]


@pytest.mark.parametrize(("text", "message"), [
    ("ana knows ?", "no entity 'ana' in the graph. Did you mean 'anna'?"),
    ("anna knws ?", "no relation 'knws' in the graph. Did you mean 'knows'? Relations: knows, works_at"),
    ("anna knows ? wrks_at ?", "Did you mean 'works_at'?"), ("? knows nobody at all", "no entity 'nobody at all'"),
    ("anna unused ?", "no fact of g has the relation 'unused'"), ("", "is no question"),
    ("anna knows bo", "is no question"),
    ("? knows ?", "is no question"), ("? ? cy", "lacks a relation"), ("knows ?", "must name an entity and a relation"),
])  # fmt: skip
def test_a_bad_question_is_named_with_its_cure(text, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        parse(text, GRAPH)


def stated(chains):
    """Entities that walks over stated facts reach, by brute force."""
    arcs = {(h, r, t) for h, r, t in FACTS} | {(t, r + R, h) for h, r, t in FACTS}
    found = []
    for start, relations in chains:
        walks = itertools.product(range(len(NAMES)), repeat=len(relations))
        found.append({walk[-1] for walk in walks if all(
            (a, r, b) in arcs for a, r, b in zip((start, *walk), relations, walk, strict=False))})  # fmt: skip
    return set.intersection(*found)


@pytest.mark.parametrize("text", [
    "anna knows ?", "anna knows ? knows ?", "? knows ? knows cy", "? works_at Trinidad and Tobago and ? knows bo",
    "? knows ? works_at Trinidad and Tobago", "anna knows ? and anna works_at ?",
])  # fmt: skip
def test_answers_by_stated_facts_are_those_of_all_walks(text):
    chains = parse(text, GRAPH)
    found = answer(Facts(GRAPH, None), chains, 10)
    assert {one.entity for one in found} == {NAMES[i] for i in stated(chains)}
    assert all(one.stated and one.score == 1 for one in found)


def test_every_answer_comes_with_its_path():
    (one,) = answer(Facts(GRAPH, None), parse("? knows ? works_at Trinidad and Tobago", GRAPH), 1)
    assert one.entity in ("bo", "what ?", "di")
    assert one.path.startswith("Trinidad and Tobago ←works_at– ") and one.path.endswith(f" ←knows– {one.entity}")


def test_predictions_follow_stated_answers_multiply_and_say_what_speaks_for_them():
    def score(h, r):
        rows = np.zeros((len(h), len(NAMES)))
        rows[:, 2], rows[:, 5] = 0.5, 3.0
        return rows

    facts = Facts(GRAPH, score)
    found = answer(facts, parse("anna knows ?", GRAPH), 10)
    assert [(one.entity, one.score, one.stated) for one in found] == [
        ("bo", 1.0, True), ("di", 0.99, False), ("cy", 0.5, False),
    ]  # fmt: skip
    assert found[2].path == ("anna –knows→ cy; predicted 0.50: anna –knows→ cy as anna –knows→ bo –knows→ cy")
    chained = {one.entity: one.score for one in answer(facts, parse("anna works_at ? is_boss_of ?", GRAPH), 10)}
    assert chained["cy"] == 0.5 and chained["di"] == pytest.approx(0.99)
    assert "cy" not in {one.entity for one in answer(facts, parse("cy knows ?", GRAPH), 10)}  # nobody knows themself
    both = {one.entity: one.score for one in answer(facts, parse("anna knows ? and bo knows ?", GRAPH), 10)}
    assert both["cy"] == 0.5 and both["di"] == pytest.approx(0.99**2)


def test_paths_are_shortest():
    graph = nx.Graph([(h, t) for h, _, t in FACTS])
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    facts = Facts(GRAPH, None)
    for u, v in itertools.permutations(range(len(NAMES)), 2):
        assert len(facts.path(u, v)) == (lengths[u][v] if lengths[u][v] <= 3 else 0)


def test_a_path_beside_a_fact_does_not_use_it():
    facts = Facts(GRAPH, None)
    for h, r, t in FACTS:
        others = nx.Graph([(u, v) for u, q, v in FACTS if (u, q, v) != (h, r, t)])
        near = {h, t} <= {*others} and nx.has_path(others, h, t) and nx.shortest_path_length(others, h, t)
        steps = facts.path(h, t, but=r)
        assert len(steps) == (near if near and near <= 3 else 0)
        assert (r, t) not in steps[:1]


def test_the_command_answers_and_writes_what_it_shows(tmp_path, capsys):
    options = ["--runs-dir", str(tmp_path), "--answers", "20", "--ranker", "none"]
    assert main(["solve", "--graph", "world", "--query", "France borders ? has_capital ?", *options]) == 0
    assert "France –borders→ Germany –has_capital→ Berlin" in capsys.readouterr().out
    with open(tmp_path / "query-world" / "answers.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    found = json.loads((tmp_path / "query-world" / "result.json").read_text())
    assert [row["entity"] for row in rows] == [one["entity"] for one in found["answers"]]
    world = whole_graph("world").facts()
    borders = {t for h, r, t in world if (h, r) == ("France", "borders")}
    assert {row["entity"] for row in rows} == {t for h, r, t in world if r == "has_capital" and h in borders}


def test_a_split_folder_and_rules(tmp_path, capsys):
    for part, rows in (("train", FACTS[:5]), ("test", FACTS[5:])):
        lines = ["\t".join((NAMES[h], RELATIONS[r], NAMES[t])) for h, r, t in rows]
        (tmp_path / f"{part}.tsv").write_text("\n".join(lines) + "\n")
    assert main(["solve", "--graph", str(tmp_path), "--query", "? knows anna", "--runs-dir", str(tmp_path / "r")]) == 0
    assert "1. what ?\n" in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "message"), [
    (["--graph", "world", "--query", "Frnace borders ?"], "Did you mean 'France'?"),
    (["--graph", "world", "--query", "France bordrs ?"], "Did you mean 'borders'?"),
    (["--graph", "karate", "--query", "a b ?"], "karate is a graph without relations"),
    (["--graph", "world", "--query", "France borders ?", "--ranker", "nbfnet"], "has to be trained"),
])  # fmt: skip
def test_bad_questions_get_one_message_and_leave_nothing(tmp_path, capsys, arguments, message):
    assert main(["solve", *arguments, "--runs-dir", str(tmp_path / "runs")]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and "Traceback" not in out + err
    assert not (tmp_path / "runs").exists()
