import json

import pytest

from experiments.benchmarks.__main__ import main


@pytest.mark.long
def test_large_measures_each_row_in_a_process_and_draws(tmp_path, capsys):
    path, figure = tmp_path / "rows.json", tmp_path / "large.png"
    assert main(["large", "--quick", "--json", str(path), "--figure", str(figure)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [(row["score"], row["n"]) for row in rows] == [
        ("degree", 200), ("degree", 400), ("components", 200), ("components", 400)
    ]  # fmt: skip
    assert all(row["seconds"] > 0 and 50 < row["peak_mb"] < 8000 for row in rows)
    assert 0 < rows[1]["left"] < 1 and rows[2]["networkx_seconds"] > 0
    assert figure.stat().st_size > 1000 and "seconds grow as" in capsys.readouterr().out
    assert main(["large", "--scores", "degre"]) == 2
