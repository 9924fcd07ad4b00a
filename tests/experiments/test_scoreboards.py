import itertools
import json
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from agents import training
from agents.baselines import baselines_for
from experiments.scoreboards import optima, robustness
from experiments.scoreboards.__main__ import main
from experiments.scoreboards.cell import AGENT, methods_at, summarise
from experiments.scoreboards.options import CELLS, Robustness, budget_at
from experiments.scoreboards.pools import graph_pool
from experiments.scoreboards.tables import figure, markdown, verdicts
from lepton_rl.draw import save_figure

TINY = [
    "--seeds", "2", "--graphs", "3", "--train-graphs", "6", "--draws", "2", "--dqn.iterations", "2",
    "--dqn.chunks", "1",
    "--dqn.episodes", "4", "--dqn.replay-capacity", "8", "--dqn.batch-size", "4", "--dqn.updates", "1",
    "--dqn.width", "8", "--dqn.rounds", "1", "--dqn.head", "node",
]  # fmt: skip


def row(lead, heuristic=0.2):
    """A row whose agent is ``lead`` ahead of the best heuristic on every graph."""
    noise = np.random.default_rng(0).normal(0, 0.01, (1, 40))
    gains = {"random": noise + 0.05, "greedy": noise + heuristic, AGENT: np.repeat(noise + heuristic + lead, 5, 0),
             "simulated_annealing": noise + 0.25}  # fmt: skip
    return summarise(np.full(40, 0.1), gains)


def test_cells_and_budgets_are_the_published_ones():
    assert len(CELLS) == 12
    assert [budget_at(n) for n in (20, 30, 50, 100)] == [5, 11, 31, 124]
    assert methods_at(20) == [AGENT, *baselines_for("EdgeAddition")]
    assert "greedy" in methods_at(50)
    assert "greedy" not in methods_at(60)
    assert "simulated_annealing" not in methods_at(30)


def test_summary_pairs_the_agent_with_the_best_one_pass_method():
    summary = row(0.02)
    assert summary["best_heuristic"] == "greedy"
    assert summary["paired_gain"]["mean"] == pytest.approx(0.02)
    assert summary["paired_gain"]["ci95"] == pytest.approx([0.02, 0.02])
    assert summary["relative_gain"] == pytest.approx(0.02 / summary["greedy"]["mean"])
    assert summary["paired_gain_annealing"]["mean"] == pytest.approx(-0.03)
    assert len(summary[AGENT]["seeds"]) == 5
    low, high = summary[AGENT]["ci95"]
    assert low < summary[AGENT]["mean"] < high


def test_tables_say_where_a_baseline_wins(tmp_path):
    rows = {"ba-random-2": row(0.02), "er-random-2": row(-0.02)}
    table = markdown(rows)
    assert len(table.splitlines()) == 4
    assert "| won |" in table.splitlines()[2]
    assert "| lost |" in table.splitlines()[3]
    words = verdicts(rows)
    assert "1 of 2" in words
    assert "er-random-2: greedy wins" in words
    assert "Annealing, which searches each graph anew, is ahead in: ba-random-2, er-random-2." in words
    assert save_figure(figure(rows), tmp_path / "figure.png").stat().st_size > 1000


def test_generated_graphs_are_those_of_the_folder(shared_data):
    folder = shared_data / "robustness"
    for family, nodes, split in (("ba", 20, "test"), ("er", 20, "valid"), ("er", 30, "test")):
        read, made = (graph_pool(family, nodes, split, data, 10) for data in (folder, None))
        np.testing.assert_array_equal(read.graphs.rows, made.graphs.rows)


@pytest.mark.long
def test_cells_share_a_program_and_survive_an_interrupt(tmp_path, monkeypatch, capsys):
    train = robustness.train_agent

    def interrupted(env, *rest):
        if "targeted" in asked[len(started)]:
            raise KeyboardInterrupt
        started.append(env)
        return train(env, *rest)

    asked, started = ["ba-random-2", "er-random-2", "ba-targeted-2"], []
    monkeypatch.setattr(robustness, "train_agent", interrupted)
    monkeypatch.setattr(robustness, "methods_at", lambda nodes: [AGENT, "random", "lowest_degree_product"])
    before = training._chunk._cache_size()
    path = tmp_path / "new" / "result.json"
    options = ["robustness", "--cells", *asked, *TINY, "--json", str(path), "--output", str(tmp_path / "out")]
    assert main(options) == 130
    assert training._chunk._cache_size() == before + 1
    result = json.loads(path.read_text())
    assert list(result["cells"]) == asked[:2]
    for cell in result["cells"].values():
        assert set(cell[AGENT]) == {"mean", "ci95", "seeds"}
        assert len(cell[AGENT]["seeds"]) == 2
        assert cell["split"] == "valid"
        assert cell["config"]["width"] == 8
        assert {"best_heuristic", "paired_gain", "train_seconds", "commit"} <= set(cell)
    assert result["cells"]["ba-random-2"]["start"] != result["cells"]["er-random-2"]["start"]
    assert "er-random-2" in (tmp_path / "out" / "robustness.md").read_text()

    asked[:] = ["er-random-2"]
    started.clear()
    assert main(["robustness", "--cells", *asked, *TINY, "--json", str(path), "--output", str(tmp_path / "out")]) == 0
    again = json.loads(path.read_text())["cells"]
    assert again["er-random-2"][AGENT] == result["cells"]["er-random-2"][AGENT]
    assert again["ba-random-2"] == result["cells"]["ba-random-2"]
    assert (tmp_path / "out" / "robustness.png").exists()
    assert main(["robustness", "--cells", "er-random-2", "--json", str(path)]) == 2
    assert "made with another" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "message"), [
    (["--cells", "ba-randm-2"], "Did you mean 'ba-random-2'"),
    (["--cells", "ba-random-2", "--sizes", "30"], "L = 5"),
    (["--sizes", "20"], "beyond the trained"),
    (["--seeds", "0"], "at least 1"),
    (["--data", "no-such-folder"], "no file no-such-folder"),
])  # fmt: skip
def test_bad_options_are_one_message(options, message, capsys):
    assert main(["robustness", *options]) == 2
    assert message in capsys.readouterr().err.replace("\n", "")


def test_results_of_something_else_are_not_overwritten(tmp_path, capsys):
    path = tmp_path / "other.json"
    path.write_text("[]")
    assert main(["robustness", "--json", str(path)]) == 2
    assert path.read_text() == "[]"
    assert "holds no results" in capsys.readouterr().err.replace("\n", "")


def test_options_are_checked_without_jax():
    assert [cell.name for cell in Robustness(cells=("ba-random-2",) * 2).checked_cells()] == ["ba-random-2"]


@pytest.mark.parametrize(("rule", "gain"), [
    ("NodeFlip", 5), ("NodeSelection", 3 / 6), ("LinkRecommendation", None), ("Rewiring", None), ("EdgeAddition", None),
    ("EdgeReweighting", (9 / 2 + 8 / 2) / 90),  # of a path of bridges the two that most pairs need
])  # fmt: skip
def test_the_best_plan_is_found_by_trying_all(rule, gain):
    env = optima.six_nodes(rule, 2)
    best = optima.best_value(env)
    assert best > 0
    if gain is not None:
        assert best == pytest.approx(gain, abs=1e-5)
    if rule == "EdgeAddition":
        graph = nx.path_graph(6)
        graph.add_edge(0, 2)
        plans = itertools.combinations(nx.non_edges(graph), 2)
        reached = [nx.global_efficiency(nx.Graph([*graph.edges, *plan])) for plan in plans]
        assert best == pytest.approx(max(reached) - nx.global_efficiency(graph), abs=1e-5)


def test_optima_says_how_many_agents_find_the_best_plan(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(optima, "_CONFIG", replace(optima._CONFIG, iterations=60, chunks=1, rounds=1))
    path = tmp_path / "optima.json"
    assert main(["optima", "--rules", "NodeFlip", "--seeds", "2", "--budget", "1", "--json", str(path)]) == 0
    row = json.loads(path.read_text())["rules"]["NodeFlip"]
    assert row["best"] == 3 and len(row["gains"]) == 2 and row["reached"] == 2
    assert main(["optima", "--rules", "NodeFlop"]) == 2
    assert "Did you mean 'NodeFlip'" in capsys.readouterr().err
