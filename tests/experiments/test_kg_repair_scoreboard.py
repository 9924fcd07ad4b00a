"""The scoreboard of repairs: its score, its rows, what it keeps and refuses."""

import json

import numpy as np
import pytest

from experiments.scoreboards.__main__ import main
from experiments.scoreboards.kg_repair import score

SMALL = ["--seeds", "2", "--draws", "1", "--held-out", "1", "--focuses", "6", "--candidates", "24", "--budget", "3",
         "--dqn.iterations", "2", "--dqn.chunks", "1", "--dqn.replay-capacity", "32"]  # fmt: skip
METHODS = ["random", "greedy", "greedy, all evidence", "DQN", "best of the candidates"]


def test_a_score_is_what_is_mended_of_what_could_be():
    best = np.array([2, 0, 4])
    found = score(np.array([[1.0, 0, 2], [2, -1, 4]]), best)
    assert found.mean == pytest.approx((3 + 5) / 2 / 6) and found.low <= found.mean <= found.high
    best = np.array([2, 3, 4])
    assert score(best[None].astype(float), best) == (1, 1, 1) and score(np.zeros((3, 3)), best) == (0, 0, 0)


def test_rows_are_written_and_kept(tmp_path, capsys):
    path = tmp_path / "new" / "repair.json"
    options = ["kg-repair", *SMALL, "--json", str(path), "--output", str(tmp_path / "out")]
    assert main(options) == 0
    found = json.loads(path.read_text())["sets"]["world"]
    assert list(found["methods"]) == METHODS and found["episodes"] == 6 and found["entities"] == 4
    for method, row in found["methods"].items():
        low, high = row["score"]["ci95"]
        assert low <= row["score"]["mean"] <= high <= 1 and row["edits"] <= 3 and 0 <= row["right"] <= 1
        assert row["score"]["mean"] == pytest.approx(np.mean(row["seeds"]))
        assert len(row["seeds"]) == (2 if method == "DQN" else 1)
    best = found["methods"]["best of the candidates"]
    assert all(row["score"]["mean"] <= best["score"]["mean"] for row in found["methods"].values())
    rival, drops = found["rival"], {method: row["drop"] for method, row in found["methods"].items()}
    assert drops[rival] == max(drops[method] for method in METHODS[1:3])
    assert found["methods"][rival]["above_greedy"]["mean"] == 0
    table = (tmp_path / "out" / "kg-repair.md").read_text()
    assert "split: valid" in table and "DQN, 2 seeds" in table and table.count("| world |") == len(METHODS)
    assert (tmp_path / "out" / "kg-repair.png").stat().st_size > 1000
    assert main(options) == 0, "finished sets are kept"
    assert main([*options, "--split", "test"]) == 2
    assert "made with another split" in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize(("options", "message"), [
    (["--sets", "wrld"], "Did you mean 'world'"), (["--evidence", "rulse"], "Did you mean 'rules'"),
    (["--held-out", "0"], "--held-out must be at least 1"), (["--candidates", "3"], "at least 16"),
    (["--damage.removed", "2"], "removed 2"), (["--data", "no-such-folder"], "no folder"),
])  # fmt: skip
def test_bad_options_are_one_message(options, message, capsys):
    assert main(["kg-repair", *options]) == 2
    assert message in capsys.readouterr().err.replace("\n", "")
