"""The table of refinement: its rows, what it keeps, what it refuses; and that no policy judges labels it has seen."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.refinement import Supervised, refiner_on
from envs.base import whole
from experiments import refining
from experiments.scoreboards import kg_refinement, refined
from experiments.scoreboards.__main__ import main
from lepton_rl.data import write_splits
from lepton_rl.data.knowledge import KnowledgeGraph, TripleSplits
from lepton_rl.data.names import Names

ENTITIES = 24


@pytest.fixture
def folder(tmp_path):
    """Two graphs of two groups whose members are linked within, in three parts."""
    grid = np.argwhere(np.ones((ENTITIES, 2, ENTITIES), bool))
    within = grid[(grid[:, 0] % 2 == grid[:, 2] % 2) & (grid[:, 0] != grid[:, 2])].astype(np.int32)
    (tmp_path / "data").mkdir()
    names = Names.of([f"e{i}" for i in range(ENTITIES)]), Names.of(["r", "s"])
    for name, seed in (("one", 0), ("two", 1)):
        facts = np.random.default_rng(seed).permutation(within)[:220]
        parts = (KnowledgeGraph(name, part, *names) for part in (facts[:200], facts[200:210], facts[210:]))
        write_splits(TripleSplits(*parts), tmp_path / "data" / name)
    return tmp_path


@pytest.mark.long
def test_every_method_has_a_row_and_rows_survive_a_second_run(folder, capsys, monkeypatch):
    monkeypatch.setattr(refined, "Supervised", lambda window: Supervised(window=window, steps=60, looks=2))
    path = folder / "new" / "rows.json"
    options = ["kg-refinement", "--data", str(folder / "data"), "--sets", "one", "--seeds", "2", "--train", "2",
               "--valid", "1", "--evidence", "frequency", "types", "--iterations", "6", "--epochs", "1", "--json",
               str(path), "--output", str(folder / "out")]  # fmt: skip
    assert main([*options, "--shares", "0.1"]) == 0
    content = json.loads(path.read_text())
    methods = ["frequency", "types", refining.MEAN, refined.LABELS, refined.REWARDS, refined.FROM_LABELS]
    assert list(content["cells"]) == ["one, uniform 10%"] and not content["transfer"]
    cell = content["cells"]["one, uniform 10%"]
    assert list(cell["rows"]) == [*methods, refined.OTHER_FACTS]
    for method, row in cell["rows"].items():
        low, high = row["average_precision"]["ci95"]
        assert 0 <= low <= row["average_precision"]["mean"] <= high <= 1 and 0 <= row["f1"]["mean"] <= 1
        assert ("calibration" in row) == (method not in methods[:3])
    assert cell["facts"] == 220 and cell["wrong"] == 20 and 0 < cell["link_predictor"]["clean"] <= 1
    assert (folder / "out" / "kg_refinement.png").stat().st_size > 1000
    lines = (folder / "out" / "kg_refinement.md").read_text().splitlines()
    assert sum(line.startswith("| one, uniform 10%") for line in lines) == 7
    assert main([*options, "--train", "1"]) == 2
    assert "made with another train" in capsys.readouterr().err.replace("\n", "")


def test_transfer_judges_what_was_trained_on_one_set_on_the_other(folder, monkeypatch):
    """Policies that are never trained: the rows are of the noise that is judged."""

    def untrained(draws, options, note):
        network, start = refiner_on(draws.train), draws.train.reset(jnp.int32(0), jax.random.key(0))[1]
        params = network.init(jax.random.key(0), whole(draws.train, start))
        return {refined.LABELS: refined.Refiner(network, params, 1.0, 0.0)}

    monkeypatch.setattr(kg_refinement, "learn", untrained)
    apart = lambda draws, penalty: refining.detectors(draws, draws, ("types", "frequency"))["types"]  # noqa: E731
    monkeypatch.setattr(kg_refinement, "judge_apart", apart)
    path = folder / "rows.json"
    assert main(["kg-refinement", "--data", str(folder / "data"), "--sets", "one", "two", "--seeds", "1", "--train",
                 "1", "--valid", "1", "--evidence", "frequency", "types", "--epochs", "0", "--transfer", "--json",
                 str(path)]) == 0  # fmt: skip
    content = json.loads(path.read_text())
    assert list(content["transfer"]) == ["one → two, uniform 5%", "two → one, uniform 5%"]
    for name, cell in content["transfer"].items():
        at_home = content["cells"][name.split(" → ")[1]]["rows"]
        assert list(cell["rows"]) == ["frequency", "types", refining.MEAN, refined.LABELS]
        for method in ("frequency", "types"):  # the same noise is judged, by another threshold
            assert cell["rows"][method]["average_precision"] == at_home[method]["average_precision"]


@pytest.mark.parametrize(("options", "message"), [
    (["--kinds", "unifrm"], "Did you mean 'uniform'"), (["--evidence", "rulse"], "Did you mean 'rules'"),
    (["--seeds", "0"], "at least 1"), (["--shares", "1.5"], "between 0 and 1"), (["--transfer"], "at least two --sets"),
    (["--iterations", "7"], "a multiple of 6"), (["--sets", "wrld"], "Did you mean 'world'"),
    (["--data", "no-such-folder"], "no folder"), (["--kinds", "verified"], "no file of facts verified to be wrong"),
])  # fmt: skip
def test_bad_options_are_one_message(options, message, capsys):
    assert main(["kg-refinement", *options]) == 2
    assert message in capsys.readouterr().err.replace("\n", "")
