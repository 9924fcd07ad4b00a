"""The table of rankers: its rows and their protocols, what it keeps, what it refuses."""

import json

import numpy as np
import pytest

from experiments.scoreboards import inductive, kg, pykeen_rankers
from experiments.scoreboards.__main__ import main
from experiments.scoreboards.countries import spread_of
from experiments.scoreboards.knowledge_fits import splits_of
from experiments.scoreboards.knowledge_options import AGENTS, KG
from lepton_rl.data import read_splits, write_splits
from lepton_rl.data.knowledge import KnowledgeGraph, TripleSplits
from lepton_rl.data.names import Names
from lepton_rl.metrics import average_precision

METHODS = ["frequency", "distmult", "nbfnet"]


@pytest.fixture
def folder(tmp_path):
    """A small graph in three parts, called as one of which there are published numbers."""
    rng = np.random.default_rng(0)
    grid = np.argwhere(np.ones((8, 2, 8))).astype(np.int32)
    facts = grid[rng.choice(len(grid), 40, replace=False)]
    names = Names.of([f"e{i}" for i in range(8)]), Names.of(["r", "s"])
    parts = (KnowledgeGraph("g", part, *names) for part in (facts[:30], facts[30:34], facts[34:]))
    (tmp_path / "data").mkdir()
    write_splits(TripleSplits(*parts), tmp_path / "data" / "umls")
    return tmp_path


def test_rows_name_their_protocol_and_survive_a_second_run(folder, capsys):
    path = folder / "new" / "kg.json"
    options = ["kg", "--data", str(folder / "data"), "--sets", "umls", "--seeds", "2", "--epochs", "1",
               "--json", str(path), "--output", str(folder / "out")]  # fmt: skip
    assert main([*options, "--methods", "frequency"]) == 0
    path.write_text(path.read_text().replace('"commit": ', '"commit": "an earlier run", "was": '))
    assert main([*options, "--methods", *METHODS]) == 0
    rows = json.loads(path.read_text())["sets"]["umls"]
    assert list(rows) == METHODS
    assert [row["commit"] == "an earlier run" for row in rows.values()] == [True, False, False]
    for method, row in rows.items():
        assert len(row["seeds"]) == (1 if method == "frequency" else 2)
        assert row["mrr"] == pytest.approx(np.mean(row["seeds"])) and row["ci95"][0] <= row["mrr"] <= row["ci95"][1]
        assert row["protocol"] == "tails only, filtered, ties realistic, against all entities"
        assert row["split"] == "valid" and row["queries"] == 4 and row["config"]["epochs"] == 1
    table = (folder / "out" / "kg.md").read_text().splitlines()
    assert len(table) == 2 + len(METHODS) + 2
    published = [line for line in table if "MINERVA" in line]
    assert "| – | 0.825 |" in published[0] and "beam order" in published[0]
    assert all("tails only" in line for line in table[2:])
    assert (folder / "out" / "kg.png").stat().st_size > 1000
    assert main([*options, "--side", "both"]) == 2
    assert "made with another side" in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize(("options", "message"), [
    (["--methods", "nbfnt"], "Did you mean 'nbfnet'"), (["--sets", "wrld"], "Did you mean 'world'"),
    (["--seeds", "0"], "at least 1"), (["--methods", "complx+nbfnet"], "Did you mean 'complex'"),
    (["--methods", "a+b+c"], "one ranker proposes and one ranks"), (["--proposed", "0"], "must be at least 1"),
    (["--data", "no-such-folder"], "no folder"),
])  # fmt: skip
def test_bad_options_are_one_message(options, message, capsys):
    assert main(["kg", *options]) == 2
    assert message in capsys.readouterr().err.replace("\n", "")


def test_one_ranker_proposes_what_another_ranks(folder):
    options = ["kg", "--data", str(folder / "data"), "--sets", "umls", "--seeds", "2", "--epochs", "1", "--split",
               "test"]  # fmt: skip
    pairs = ["frequency+rules", "distmult+frequency"]
    found = {}
    for most in (1, 8):  # of eight entities
        path = folder / f"{most}.json"
        assert main([*options, "--json", str(path), "--output", str(folder), "--methods", "frequency", "rules", *pairs,
                     "--proposed", str(most)]) == 0  # fmt: skip
        found[most] = json.loads(path.read_text())["sets"]["umls"]
        assert [len(found[most][pair]["seeds"]) for pair in pairs] == [1, 2]
    assert found[1]["frequency+rules"]["mrr"] != found[1]["rules"]["mrr"]
    assert found[8]["frequency+rules"]["mrr"] == found[8]["rules"]["mrr"]
    assert found[1][pairs[0]]["proposed"] < found[8][pairs[0]]["proposed"] == 1
    assert "| frequency+rules (proposes 100.0%) |" in (folder / "kg.md").read_text()


def test_published_rows_stand_beside_the_measured_and_in_figures_of_their_side_alone():
    row = {"mrr": 0.5, "ci95": [0.4, 0.6], "seeds": [0.5], "hits@1": 0.1, "hits@10": 0.9, "queries": 3,
           "unseen": 1, "protocol": "heads and tails, filtered, ties realistic, against all entities",
           "train_seconds": 1}  # fmt: skip
    table = kg.table({"kinship": {"nbfnet": row}, "mine": {"nbfnet": row}}, KG())
    assert table.count("nbfnet") == 2 and table.count("MINERVA") == 1 and "| heads and tails | realistic |" in table
    for side, marks in (("tail", 3), ("both", 1)):
        axes = kg.figure({"kinship": {"nbfnet": row}}, KG(side=side).protocol).axes[0]
        assert len(axes.get_yticks()) == marks


AGENT_ROWS = {
    "dqn-pretrained": "tails only, filtered, ties realistic, against all entities",
    "dqn-near": "tails only, filtered, ties realistic, against all entities",
    "walk": "tails only, filtered, ties optimistic, against reached entities, unreached = 0",
}


@pytest.mark.parametrize("method", [
    "dqn-pretrained", pytest.param("dqn-near", marks=pytest.mark.long), pytest.param("walk", marks=pytest.mark.long),
])  # fmt: skip
def test_agents_have_rows_of_their_own_and_a_walk_the_words_of_its_beam(method, folder):
    options = ["kg", "--data", str(folder / "data"), "--sets", "umls", "--seeds", "1", "--epochs", "1"]
    path = folder / "kg.json"
    assert main([*options, "--json", str(path), "--output", str(folder), "--methods", method]) == 0
    row = json.loads(path.read_text())["sets"]["umls"][method]
    assert row["protocol"] == AGENT_ROWS[method] and 0 <= row["mrr"] <= 1
    assert row["config"]["dqn"]["iterations"] == 1 and len(row["seeds"]) == 1
    assert f"| {AGENTS[method]}{' (sees 100.0%)' if method == 'dqn-near' else ''} |" in (folder / "kg.md").read_text()


def test_a_walk_has_no_beam_of_both_sides(folder, capsys):
    options = ["kg", "--data", str(folder / "data"), "--sets", "umls", "--side", "both", "--methods", "walk"]
    assert main(options) == 2
    assert "a beam ranks tails or heads" in capsys.readouterr().err.replace("\n", " ")


def test_pykeen_is_asked_for_only_where_it_is_installed(folder, capsys, monkeypatch):
    monkeypatch.setattr(pykeen_rankers, "find_spec", lambda name: None)
    assert main(["kg", "--data", str(folder / "data"), "--sets", "umls", "--methods", "pykeen-rotate"]) == 2
    assert "pykeen-rotate needs PyKEEN: pip install pykeen" in capsys.readouterr().err.replace("\n", " ")


def test_pykeen_s_models_are_ranked_by_our_evaluator(folder):
    pytest.importorskip("pykeen")
    path = folder / "kg.json"
    assert main(["kg", "--data", str(folder / "data"), "--sets", "umls", "--seeds", "1", "--epochs", "10",
                 "--json", str(path), "--methods", "pykeen-rotate", "pykeen-complex"]) == 0  # fmt: skip
    assert {row["queries"] for row in json.loads(path.read_text())["sets"]["umls"].values()} == {4}


# Countries


def facts_of(lines):
    return np.array(lines, np.int32)


@pytest.fixture
def countries(tmp_path):
    """Six countries in two regions; a country's neighbour lies where it does."""
    names = Names.of(["north", "south", *(f"c{i}" for i in range(6))]), Names.of(["in", "near"])
    near = [(2, 1, 3), (3, 1, 4), (4, 1, 2), (5, 1, 6), (6, 1, 7), (7, 1, 5)]
    where = [(i, 0, 0) for i in (2, 3, 4)] + [(i, 0, 1) for i in (5, 6, 7)]
    parts = [facts_of([*near, where[0], where[1], where[3], where[4]]), facts_of([where[2]]), facts_of([where[5]])]
    folder = tmp_path / "data" / "countries_S1"
    folder.parent.mkdir()
    write_splits(TripleSplits(*(KnowledgeGraph("g", part, *names) for part in parts)), folder)
    (folder / "regions.list").write_text("north\nsouth")
    return folder


def test_regions_are_ranked_and_their_areas_measured(countries, capsys):
    path, out = countries.parent / "c.json", countries.parent / "out"
    options = ["countries", "--data", str(countries.parent), "--sets", "countries_S1", "--seeds", "2", "--epochs", "1",
               "--split", "test", "--json", str(path), "--output", str(out)]  # fmt: skip
    assert main([*options, "--methods", "rules", "nbfnet"]) == 0
    rows = json.loads(path.read_text())["sets"]["countries_S1"]
    assert rows["rules"]["mean"] == 1 and rows["rules"]["right"] == 1 and rows["rules"]["regions"] == 2
    areas = rows["nbfnet"]["seeds"]
    assert len(areas) == 2 and rows["nbfnet"]["mean"] == pytest.approx(np.mean(areas))
    table = (out / "countries.md").read_text()
    assert "| MINERVA (Das et al. 2018) | – | 1.000 |" in table and (out / "countries.png").stat().st_size > 1000
    (countries / "regions.list").write_text("north\nsuoth")
    assert main(options) == 2 and "'suoth' is no entity of the graph" in capsys.readouterr().err.replace("\n", " ")
    (countries / "regions.list").write_text("north\nc1")
    assert main(options) == 2 and "is none of the regions" in capsys.readouterr().err.replace("\n", " ")


def test_the_interval_of_an_area_holds_it_and_narrows_with_queries():
    rng = np.random.default_rng(0)
    labels = np.eye(5, dtype=bool)[rng.integers(5, size=96)]
    scores = labels + rng.normal(size=(3, 96, 5))
    many, few = spread_of(scores, labels, 300), spread_of(scores[:, :12], labels[:12], 300)
    assert many.low < many.mean < many.high and few.high - few.low > many.high - many.low
    assert many.mean == pytest.approx(np.mean([average_precision(one, labels) for one in scores]))
    assert spread_of(labels[None] * 1.0, labels, 50) == (1, 1, 1)


# Inductive


def test_relations_are_matched_by_name_on_a_graph_of_other_entities(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    ring = facts_of([(i, 0, (i + 1) % 6) for i in range(6)] + [(i, 1, (i + 2) % 6) for i in range(6)])
    here = Names.of([f"a{i}" for i in range(6)]), Names.of(["next", "skip"])
    there = Names.of([f"b{i}" for i in range(6)]), Names.of(["skip", "next"])  # in another order
    turned = ring * (1, -1, 1) + (0, 1, 0)
    for name, facts, names in (("grail_x", ring, here), ("grail_x_ind", turned, there)):
        parts = (facts[:9], facts[9:10], facts[10:])
        write_splits(TripleSplits(*(KnowledgeGraph("g", part, *names) for part in parts)), tmp_path / "data" / name)
    splits = [read_splits(tmp_path / "data" / name) for name in ("grail_x", "grail_x_ind")]
    other = inductive.elsewhere(*splits, "test")
    said = [(h, splits[0].train.relations[r], t) for h, r, t in other.asked.tolist()]
    assert said == [(h, splits[1].train.relations[r], t) for h, r, t in splits[1].test.triples.tolist()]
    path = tmp_path / "i.json"
    options = ["inductive", "--data", str(tmp_path / "data"), "--sets", "grail_x", "--seeds", "1", "--draws", "2",
               "--epochs", "1", "--split", "test", "--json", str(path), "--output", str(tmp_path)]  # fmt: skip
    assert main([*options, "--methods", "rules"]) == 0
    row = json.loads(path.read_text())["sets"]["grail_x"]["rules"]
    assert row["queries"] == 4 and len(row["seeds"]) == 2 and row["mean"] == 1 and "50 negatives" in row["protocol"]
    assert "2 draws" in (tmp_path / "inductive.md").read_text()
    odd = KnowledgeGraph("g", turned, there[0], Names.of(["skp", "next"]))
    with pytest.raises(ValueError, match=r"relation 'skp' is not in .* Did you mean 'skip'"):
        inductive.elsewhere(splits[0], TripleSplits(odd, odd, odd), "test")
    assert main([*options, "--methods", "complex"]) == 2
    assert "unknown method 'complex'" in capsys.readouterr().err.replace("\n", " ")


def test_without_data_the_default_is_a_set_that_is_installed():
    options = KG()
    options.check()
    splits = splits_of(options.chosen_sets[0], options)
    assert splits.train.num_entities > 500 and not splits.unseen(splits.test).any()
