"""The scoreboards of learned criteria with tiny settings; what they count, against plain recounts."""

import json

import numpy as np
import pytest

from experiments.scoreboards import dismantled, dismantling, learned, maxcut
from experiments.scoreboards.__main__ import main
from experiments.scoreboards.cut_graphs import CutGraph, generated, read
from experiments.scoreboards.networks import SocialNetwork, read_network
from experiments.scoreboards.opinion_graphs import read_opinions

TINY = ["--seeds", "2", "--evolution.iterations", "2", "--evolution.chunks", "1", "--evolution.population", "4",
        "--evolution.episodes", "2"]  # fmt: skip


def test_cuts_are_counted_after_every_flip():
    graph = CutGraph(np.array([[0, 1], [1, 2], [0, 2]]), np.array([1, 1, -1]), 3, 2.0)
    start = np.ones((2, 3))
    flips = np.array([[1, 1, 0], [0, 0, 0]])
    assert maxcut.cuts_on_the_way([graph, graph], start, flips).tolist() == [2.0, 0.0]


def test_cuts_beyond_the_range_of_a_byte_are_counted(tmp_path):
    leaves, one = 200, np.ones(1, np.int64)
    arrays = {"edges": np.array([[0, leaf] for leaf in range(1, leaves + 1)], np.int16), "best_cut": leaves * one,
              "weights": np.ones(leaves, np.int8), "ptr": np.array([0, leaves])}  # fmt: skip
    np.savez(tmp_path / "BA_201spin_m4_100graphs.npz", **arrays)
    graphs = read(tmp_path, "BA", 201, 1)
    assert maxcut.cuts_on_the_way(graphs, np.ones((1, leaves + 1)), np.zeros((1, 1), int)).tolist() == [leaves]


def test_generated_sets_are_drawn_like_the_published(shared_data):
    for family, nodes in (("ER", 20), ("BA", 20), ("BA", 40)):
        made, given = generated(family, nodes, "test", 60), read(shared_data / "maxcut", family, nodes, 60)
        sizes = [[len(graph.edges) for graph in graphs] for graphs in (made, given)]
        assert np.mean(sizes[0]) == pytest.approx(np.mean(sizes[1]), rel=0.06)
        assert {*np.unique(np.concatenate([graph.weights for graph in (*made, *given)]))} == {-1, 1}


def test_maxcut_keeps_rows_and_resumes(tmp_path, capsys):
    path = tmp_path / "new" / "maxcut.json"
    options = ["maxcut", "--graphs", "3", "--starts", "2", "--train-nodes", "12", "--train-graphs", "3",
               "--json", str(path), "--output", str(tmp_path), *TINY]  # fmt: skip
    assert main([*options, "--sets", "ER_20"]) == 0
    first = json.loads(path.read_text())["sets"]["ER_20"]
    assert 0 < first["greedy"]["one"]["mean"] <= first["greedy"]["best"]["mean"] <= 1
    assert max(first[name]["best"]["mean"] for name in ("ours", "greedy", "tabu", "annealing")) == 1
    assert main([*options, "--sets", "BA_20"]) == 0
    again = json.loads(path.read_text())["sets"]
    assert again["ER_20"] == first and "BA_20" in again
    assert "| BA_20 |" in (tmp_path / "maxcut.md").read_text()
    assert (tmp_path / "maxcut.png").stat().st_size > 1000
    assert main(["maxcut", "--json", str(path), *TINY, "--starts", "3"]) == 2
    assert "made with another" in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize(("options", "message"), [
    (["maxcut", "--sets", "ER_21"], "Did you mean 'ER_20'"),
    (["depolarization", "--networks", "reddit"], "give --data"),
    (["depolarization", "--networks", "watts_strogatz-ten"], "watts_strogatz-NODES"),
    (["dismantling", "--networks", "barabasi-100"], "unknown network"),
    (["dismantling", "--data", "no-such-folder"], "no-such-folder"),
    (["maxcut", "--starts", "0"], "--starts must be at least 1"),
    (["maxcut", "--split", "test", "--data", "no-such-folder"], "no-such-folder"),
])  # fmt: skip
def test_bad_options_are_one_message(options, message, capsys):
    assert main(options) == 2
    assert message in capsys.readouterr().err.replace("\n", "")


def test_areas_of_reference_networks_are_the_published(shared_data):
    network = read_network(shared_data / "networks", "london_transport_multiplex_aggr")
    assert (network.nodes, len(network.edges)) == (369, 430)
    env = dismantled.removal_env(network)
    # Ties of degrees are broken at random.
    assert dismantled.area(network, dismantled.planned(env, "degree")[0].order) == pytest.approx(16.50, abs=0.6)
    assert dismantled.area(network, dismantled.by_all_pivots(network, 100).order) == pytest.approx(8.35, abs=0.1)


def test_curves_prune_and_end():
    path = SocialNetwork("path", np.array([[i, i + 1] for i in range(29)]), 30)
    order = np.array([2, 15, 8, 22, 26, 12, 18, 5, 10, 20, 24, 28, 6])
    assert dismantled.curve(path, order).tolist() == [27, 14, 14, 7, 6, 6, 5, 3, 3, 3, 3, 1]
    with pytest.raises(RuntimeError, match="pruned"):
        dismantled.curve(path, np.array([2, 0]))  # 0 and 1 came off, under a tenth
    with pytest.raises(RuntimeError, match="leaves"):
        dismantled.curve(path, np.array([15]))


@pytest.mark.long
def test_dismantling_has_a_row_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr(dismantling, "by_networkit", lambda *_: None)
    path = tmp_path / "dismantling.json"
    options = ["dismantling", "--networks", "karate", "--train-nodes", "20", "--train-graphs", "8",
               "--pivots", "4", "--json", str(path), "--output", str(tmp_path), *TINY]  # fmt: skip
    monkeypatch.setattr(dismantling, "VALIDATION_GRAPHS", 4)
    monkeypatch.setattr(dismantling, "LARGER_GRAPHS", 1)
    assert main(options) == 0
    rows = json.loads(path.read_text())["networks"]
    assert rows["karate"]["nodes"] == 34 and rows["karate"]["mind"] is None
    row = rows["karate"]
    assert len(row["ours"]["seeds"]) == 2 and row["betweenness"]["mean"] < row["degree"]["mean"] + 3
    assert "| karate | 34 | 78 |" in (tmp_path / "dismantling.md").read_text()
    assert (tmp_path / "dismantling.png").stat().st_size > 1000


def test_opinions_are_read_past_their_traps(shared_data):
    reddit, twitter = (read_opinions(shared_data / "polarization", name) for name in ("reddit", "twitter"))
    assert [len(one.opinions) for one in (reddit, twitter)] == [556, 548]
    assert [len(one.edges) for one in (reddit, twitter)] == [8970, 3638]
    for one in (reddit, twitter):
        assert one.edges.min() == 0 and one.edges.max() == len(one.opinions) - 1
        assert len(np.unique(one.edges, axis=0)) == len(one.edges) and (one.edges[:, 0] < one.edges[:, 1]).all()
        assert 0 <= one.opinions.min() < one.opinions.max() <= 1


def test_depolarization_is_measured_beside_greedy(tmp_path):
    path = tmp_path / "depolarization.json"
    options = ["depolarization", "--networks", "watts_strogatz-40", "--train-nodes", "20", "--train-graphs", "4",
               "--json", str(path), "--output", str(tmp_path), *TINY]  # fmt: skip
    assert main(options) == 0
    row = json.loads(path.read_text())["networks"]["watts_strogatz-40"]
    assert row["budget"] == 4 and row["random"]["mean"] < row["estimate"]["mean"] <= 1.02
    assert len(row["ours"]["seeds"]) == 2 and min(row["ours"]["seeds"]) > 0.9
    assert "watts_strogatz-40" in (tmp_path / "depolarization.md").read_text()
    assert (tmp_path / "depolarization.png").stat().st_size > 1000


@pytest.mark.long
def test_influence_is_measured_beside_imm(tmp_path):
    path = tmp_path / "influence.json"
    options = ["influence", "--networks", "karate", "--cascades", "p=.1", "--budgets", "2", "4", "--worlds", "60",
               "--train-nodes", "20", "--train-graphs", "4", "--json", str(path), "--output", str(tmp_path),
               *TINY]  # fmt: skip
    assert main(options) == 0
    rows = json.loads(path.read_text())["rows"]
    assert list(rows) == ["karate, p=.1, 2", "karate, p=.1, 4"]
    for row in rows.values():
        assert 2 <= row["imm"] < 34 and row["greedy"]["mean"] > 0.9 and row["estimate"]["mean"] > 0.8
    assert "| karate, p=.1, 4 |" in (tmp_path / "influence.md").read_text()
    assert (tmp_path / "influence.png").stat().st_size > 1000


def test_larger_graphs_say_how_much_of_what_was_learned_is_kept():
    agent = learned.Learned(None, {"w": np.array([[2.0], [4.0]])}, 1.0, [])
    kept = learned.at_larger_sizes(agent, lambda tried: np.array([abs(float(one["w"][0]) - 2) for one in tried]))
    assert kept.params["w"].tolist() == [[2.0], [2.0]] and kept.shares == (1.0, 0.5)
    assert [one["w"].tolist() for one in learned.each(kept)] == [[2.0], [2.0]]
    assert learned.untrained(kept).params["w"].tolist() == [[0.0]]
