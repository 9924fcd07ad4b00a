"""The table of rankers: its rows and their protocols, what it keeps, what it refuses."""

import json

import numpy as np
import pytest

from experiments.scoreboards import kg
from experiments.scoreboards.__main__ import main
from experiments.scoreboards.knowledge_options import KG
from lepton_rl.data import write_splits
from lepton_rl.data.knowledge import KnowledgeGraph, TripleSplits
from lepton_rl.data.names import Names

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
    assert main([*options, "--methods", *METHODS[1:]]) == 0
    rows = json.loads(path.read_text())["sets"]["umls"]
    assert list(rows) == METHODS
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
    (["--seeds", "0"], "at least 1"), (["--data", "no-such-folder"], "no folder"),
])  # fmt: skip
def test_bad_options_are_one_message(options, message, capsys):
    assert main(["kg", *options]) == 2
    assert message in capsys.readouterr().err.replace("\n", "")


def test_published_rows_stand_beside_the_measured_and_in_figures_of_their_side_alone():
    row = {"mrr": 0.5, "ci95": [0.4, 0.6], "seeds": [0.5], "hits@1": 0.1, "hits@10": 0.9, "queries": 3,
           "unseen": 1, "protocol": "heads and tails, filtered, ties realistic, against all entities",
           "train_seconds": 1}  # fmt: skip
    table = kg.markdown({"kinship": {"nbfnet": row}, "mine": {"nbfnet": row}}, KG())
    assert table.count("nbfnet") == 2 and table.count("MINERVA") == 1 and "| heads and tails | realistic |" in table
    for side, marks in (("tail", 3), ("both", 1)):
        axes = kg.figure({"kinship": {"nbfnet": row}}, KG(side=side).protocol).axes[0]
        assert len(axes.get_yticks()) == marks


def test_without_data_the_default_is_a_set_that_is_installed():
    options = KG()
    options.check()
    splits = kg._splits(options.chosen_sets[0], options)
    assert splits.train.num_entities > 500 and not splits.unseen(splits.test).any()
