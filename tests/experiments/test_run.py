"""The command line from outside: one message and a status for every bad input, whole runs, stops and resumes."""

import csv
import json
import re
import shutil
import subprocess
import sys

import networkx as nx
import pytest
from safetensors.numpy import load_file

from experiments import display
from experiments.graphs import is_connected, load_graphs, shuffled
from lepton_rl.data import GENERATORS, from_networkx
from tests.experiments.commands import call

OPTIONS = (  # one graph a pool, so that test and user's graph share their programs
    "--objective efficiency --budget 2 --num-graphs 4 --held-out 1 --seeds 2 --search-nodes 0 --iterations 4 "
    "--chunks 2 --episodes 4 --updates 1 --batch-size 4 --replay-capacity 8 --width 8 --rounds 1"
)
TINY = OPTIONS.split()
FEW = "--num-graphs 2 --held-out 2"


def train(folder, graph, name, *more):
    return call("train", *TINY, "--graph", graph, "--runs-dir", folder, "--name", name, *more)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """Two triangles and a bridge with names that need quoting."""
    file = tmp_path_factory.mktemp("graph") / "town.csv"
    names = ["Ann, sr", "Bob", "Cat", "Dan", "Eve", "Flo"]
    edges = [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (3, 5)]
    with open(file, "w", newline="") as stream:
        csv.writer(stream).writerows([("source", "target"), *((names[u], names[v]) for u, v in edges)])
    return file


@pytest.fixture(scope="module")
def trained(tmp_path_factory, graph):
    folder = tmp_path_factory.mktemp("runs")
    assert train(folder, graph, "whole") == 0
    return folder / "whole"


def contents(run):
    """What a finished run learnt, byte for byte, the clock aside."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    leaves = {(file.name, name): array.tobytes() for file in run.rglob("*.safetensors")
              for name, array in load_file(file).items()}  # fmt: skip
    return leaves, [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("trian", "Did you mean 'train'"),
        ("train --budgte 3", "--budget"),
        ("train --budget 0", "--budget 0 is too small"),
        ("train --iterations 7", "multiple of chunks"),
        ("train --reward edits", "edit"),
        ("train --env lepton/EdgeAdition-v0", "Did you mean 'EdgeAddition'"),
        ("train --objective eficiency", "Did you mean 'efficiency'"),
        ("train --generator bb", "Allowed: ba, ba_star, er, gabriel"),
        (f"train --encoder gim {FEW}", "Did you mean 'gin'"),
        (f"train --head pears {FEW}", "Did you mean 'pair'"),
        ("train --graph karat", "Did you mean 'karate'"),
        (f"train --graph florentine --budget 86 {FEW}", "florentine: the graph lacks 85 edges"),
        (f"train --num-nodes 20 --budget 200 {FEW}", "fewer than the budget"),
        ("solve --graph davis --env LinkRecommendation --budget 200", "davis: the graph has 163 links to add"),
        ("train --name a/b", "no folder name"),
        ("train --resume nowhere/x", "is no run"),
        ("eval --run nowhere/x", "is no run"),
        ("solve --graph karate --run nowhere/x", "is no run"),
        ("solve", "--graph"),
        ("list objektives", "Did you mean 'objectives'"),
    ],
)
def test_bad_options_get_one_message(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert call(*arguments.split()) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in out + err
    assert not list(tmp_path.rglob("*")), "nothing may be left behind"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no file"),
        ("", "is empty"),
        ("a,b\nc\n", "bad.csv:2"),
        ("source,target\na,b\nc,d\n", "not connected"),
        (b"a,b\n\xff\xfea,c\n", "bad.csv:2"),
    ],
)
def test_bad_graph_files_get_one_message(tmp_path, capsys, content, said):
    file = tmp_path / "bad.csv"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    options = ("--objective", "critical_fraction_random", "--budget", 1, "--runs-dir", tmp_path / "runs")
    assert call("solve", "--graph", file, *options) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_folders_are_checked_before_anything_is_compiled(tmp_path, graph, capsys, monkeypatch):
    monkeypatch.setattr("experiments.train.started", lambda *_: pytest.fail("training began"))
    (tmp_path / "file").write_text("")
    assert train(tmp_path / "file", graph, "x") == 2
    assert "--runs-dir" in capsys.readouterr().err
    (tmp_path / "taken").mkdir()
    assert train(tmp_path, graph, "taken") == 2
    assert "exists already" in capsys.readouterr().err


def test_train_leaves_a_whole_run(trained, graph):
    expected = {"config.json", "metrics.jsonl", "result.json", "report.html", "learning_curve.png", "edits.csv"}
    assert expected <= {file.name for file in trained.iterdir()}
    assert not [file for file in trained.rglob("*") if file.name.endswith(".tmp")]
    result = json.loads((trained / "result.json").read_text())
    assert len(result["test"]["gain"]["dqn"]["seeds"]) == 2
    low, high = result["test"]["gain"]["random"]["ci95"]
    assert low <= result["test"]["gain"]["random"]["mean"] <= high
    page = (trained / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "http" not in page


def test_edits_are_new_edges_in_the_users_names_and_gain_what_is_said(trained, graph):
    before = load_graphs(str(graph))[0].to_networkx()
    with open(trained / "edits.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    edits = [(row["source"], row["target"]) for row in rows]
    assert len({frozenset(edit) for edit in edits}) == 2
    assert all(u in before and v in before and not before.has_edge(u, v) for u, v in edits)
    after = nx.Graph(before.edges)
    after.add_edges_from(edits)
    entry = json.loads((trained / "result.json").read_text())["networks"]["town"]
    assert entry["before"] == pytest.approx(nx.global_efficiency(before), abs=1e-5)
    gain = nx.global_efficiency(after) - nx.global_efficiency(before)
    assert entry["methods"]["dqn"]["chosen"]["gain"] == pytest.approx(gain, abs=1e-5)


def test_an_interrupted_run_is_usable_and_resumes_to_the_same_bits(tmp_path, trained, graph, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(display.Phase, "advance", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert train(tmp_path, graph, "whole") == 130
    assert "2 of 4 iterations are kept" in capsys.readouterr().err
    run = tmp_path / "whole"
    solve = ("solve", "--run", run, "--graph", graph, "--runs-dir", tmp_path, "--name", "s", "--search-nodes", 0)
    assert call(*solve) == 0
    assert (tmp_path / "s" / "edits.csv").exists()
    assert call("train", "--resume", run) == 0
    assert contents(run) == contents(trained)
    assert json.loads((run / "result.json").read_text()) == json.loads((trained / "result.json").read_text())


def test_a_run_stopped_before_its_first_chunk_leaves_nothing(tmp_path, graph, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.learning.make_runs", lambda *_: type("Runs", (), {"init": stop}))
    assert train(tmp_path, graph, "early") == 130
    assert "nothing is kept" in capsys.readouterr().err
    assert not (tmp_path / "early").exists()


def test_stopping_a_resumed_run_never_removes_it(tmp_path, trained, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    run = shutil.copytree(trained, tmp_path / "again")
    (run / "metrics.jsonl").unlink()
    monkeypatch.setattr("experiments.train.fit", stop)
    assert call("train", "--resume", run) == 130
    assert "nothing is kept" not in capsys.readouterr().err
    assert list((run / "checkpoints").iterdir())


def test_eval_repeats_the_result_and_takes_files(trained, graph, capsys):
    assert call("eval", "--run", trained, "--search-nodes", 0) == 0
    again = json.loads((trained / "eval.json").read_text())["tables"][0]
    first = json.loads((trained / "result.json").read_text())["test"]
    assert again["gain"]["dqn"] == first["gain"]["dqn"]
    assert call("eval", "--run", trained, "--graphs", graph, "--search-nodes", 0) == 0
    assert "1 of" in json.loads((trained / "eval.json").read_text())["graphs"]


def test_solve_refuses_another_objective_than_the_runs(trained, graph, capsys):
    assert call("solve", "--run", trained, "--graph", graph, "--objective", "algebraic_connectivity") == 2
    assert "was trained for efficiency" in capsys.readouterr().err


def test_a_damaged_configuration_gets_one_message(tmp_path, capsys):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "config.json").write_text('{"budget": 3}')
    assert call("train", "--resume", tmp_path / "x") == 2
    assert "config.json is damaged" in capsys.readouterr().err


def test_list_names_every_table(capsys):
    assert call("list") == 0
    out = capsys.readouterr().out
    for name in ("EdgeAddition", "efficiency", "gin", "pair", "simulated_annealing", "karate", "ba", "graphml"):
        assert name in out
    assert call("list", "generators") == 0
    lines = capsys.readouterr().out.splitlines()
    for name in GENERATORS:
        assert any(re.search(rf"\b{name} +[A-Z]", line) for line in lines), f"{name} has no line of its own"


def test_doctor_is_well_and_says_what_is_broken(capsys, monkeypatch):
    assert call("doctor") == 0
    monkeypatch.setattr("experiments.doctor._compile", lambda: 1 / 0)
    assert call("doctor") == 1
    assert "division by zero" in capsys.readouterr().out


def test_parsing_and_help_do_not_wait_for_jax():
    code = (
        "import sys\nfrom experiments.run import main, parse\nparse(['train', '--budget', '3'])\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "print(sorted({'jax', 'matplotlib', 'networkx', 'gymnasium', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "solve" in done.stdout


@pytest.mark.parametrize("source", [nx.karate_club_graph(), nx.path_graph(12), nx.star_graph(6), nx.empty_graph(3)])
def test_shuffles_keep_degrees_and_connection(source):
    if source.number_of_edges() == 0:
        source.add_edge(0, 1)
    graph = from_networkx(source, "source")
    copies = [shuffled(graph, seed) for seed in range(5)]
    for copy in copies:
        mine = copy.to_networkx()
        assert dict(mine.degree) == dict(graph.to_networkx().degree)
        assert nx.is_connected(mine) == nx.is_connected(source) == is_connected(copy.edges, copy.num_nodes)
    if len(source) == 34:
        assert len({frozenset(map(tuple, copy.edges.tolist())) for copy in copies}) == 5
