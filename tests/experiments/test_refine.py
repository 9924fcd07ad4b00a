"""``train --env KGRefinement``: a policy and how good it is, and facts of other graphs judged by it."""

import csv
import json

import jax
import numpy as np
import pytest

from agents.refinement import Fitted, Supervised, refiner_on
from experiments import refine
from experiments.configs import Solve
from experiments.curate import _lines, _refuse_unfit
from experiments.display import Display
from experiments.folder import open_run
from experiments.judging import Refining
from experiments.query import whole_graph
from lepton_rl.curation import Curation
from lepton_rl.data import KnowledgeGraph
from lepton_rl.data.knowledge.raw import knowledge_graph
from lepton_rl.data.knowledge.rdf import read_ntriples
from lepton_rl.data.knowledge.triples import TripleColumns, read_triples
from lepton_rl.data.names import Names
from lepton_rl.evidence import columns
from lepton_rl.folds import folds
from tests.experiments.commands import call
from tests.lepton_rl.test_curation import town

NAMES = [*(f"person {i}" for i in range(60)), *(f"town {i}" for i in range(6))]
RELATIONS = ["lives_in", "knows", "works_with"]
FACTS, WRONG, _ = town()
GRAPH = KnowledgeGraph("town", FACTS.astype(np.int32), Names.of(NAMES), Names.of(RELATIONS))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on the town as a table, by labels."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "town.tsv").write_text("".join(f"{NAMES[h]}\t{RELATIONS[r]}\t{NAMES[t]}\n" for h, r, t in FACTS.tolist()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refine, "Supervised", lambda window: Supervised(window=128, steps=100, looks=2))
        assert call("train", "--env", "KGRefinement", "--graph", folder / "town.tsv", "--runs-dir", folder, "--name",
                    "run", "--draws", 2, "--evidence", "types", "frequency") == 0  # fmt: skip
    return folder


def test_a_run_says_how_good_the_policy_is_beside_the_detectors(trained):
    run = trained / "run"
    result = json.loads((run / "result.json").read_text())
    assert set(result["rows"]) == {"types", "frequency", "mean of detectors", refine.POLICY}
    for name, row in result["rows"].items():
        low, high = row["average_precision"]["ci95"]
        assert 0 <= low <= row["average_precision"]["mean"] <= high <= 1 and 0 <= row["f1"]["mean"] <= 1
        assert ("calibration" in row) == (name == refine.POLICY)
    page = (run / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 1 and "http" not in page and "mean of detectors" in page
    assert open_run(run)[1].refining == Refining(draws=2, evidence=("types", "frequency"))
    assert [row["half"] for row in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())] == [0, 1]


def test_facts_are_judged_by_the_policy_of_a_run(trained, capsys):
    assert call("solve", "--graph", trained / "town.tsv", "--run", trained / "run", "--runs-dir", trained, "--name",
                "by-run", "--least", 0.1) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert "draw 4: " in out and "draw 5: " not in out and "called wrong with 85% to 95%" in out
    result = json.loads((trained / "by-run" / "result.json").read_text())
    assert result["run"] == str(trained / "run")
    with open(trained / "by-run" / "edits.tsv", newline="") as stream:
        rows = list(csv.DictReader(list(stream)[1:], delimiter="\t"))
    deleted = {(row["head"], row["relation"], row["tail"]) for row in rows if row["op"] == "delete"}
    assert deleted & {(NAMES[h], RELATIONS[r], NAMES[t]) for h, r, t in WRONG}
    assert any(row["op"] == "add" for row in rows)


def test_a_policy_is_the_same_when_it_is_read_again(trained):
    half = folds(NAMES, RELATIONS)
    refiner = refine.open_refiner(trained / "run")
    assert refiner.evidence == ("types", "frequency")
    rows = np.random.default_rng(0).normal(size=(len(FACTS), len(columns(refiner.evidence))))
    odds = refiner.odds(FACTS, rows, half)
    assert np.isfinite(odds).all() and (refine.open_refiner(trained / "run").odds(FACTS, rows, half) == odds).all()


@pytest.mark.parametrize(("better", "teacher", "kept"), [
    (True, "both", 2.0), (False, "both", 1.0), (False, "rewards", 2.0),
])  # fmt: skip
def test_what_rewards_teach_is_kept_where_it_is_better(monkeypatch, better, teacher, kept):
    """Learning is left out: parameters are told apart by their factor."""
    options = Refining(draws=1, evidence=("frequency",))
    draws = refine.draw_noise(GRAPH, options, 0, Display())
    network = refiner_on(draws.train)
    params = network.init(jax.random.key(0), None)
    marked = lambda factor: jax.tree.map(lambda leaf: 0 * leaf + factor, params)  # noqa: E731
    fitted = Fitted(marked(1.0), [0.5], 0)
    monkeypatch.setattr(refine, "fit_apart", lambda *_: [fitted, fitted])
    monkeypatch.setattr(refine, "by_rewards", lambda *_: marked(2.0))
    first = lambda refiner: float(jax.tree.leaves(refiner.params)[0].ravel()[0])  # noqa: E731
    monkeypatch.setattr(refine, "_returns", lambda refiner, *_: first(refiner) * (1 if better else -1))
    refiner = refine.learn(draws, options, folds(NAMES, RELATIONS), 0, Display(), teacher=teacher)
    assert first(refiner) == kept


def test_a_run_judges_by_its_own_evidence(trained, capsys):
    assert call("solve", "--graph", "world", "--run", trained / "run", "--runs-dir", trained, "--name", "no",
                "--evidence", "rules") == 2  # fmt: skip
    assert "judges by types frequency. Leave out --evidence" in capsys.readouterr().err
    assert not (trained / "no").exists()


def test_runs_that_judge_no_facts_and_graphs_without_the_evidence_are_refused(trained, tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    config = json.loads((trained / "run" / "config.json").read_text()) | {"env": "lepton/EdgeAddition-v0"}
    (other / "config.json").write_text(json.dumps(config))
    options = ("--runs-dir", tmp_path, "--name", "no")
    assert call("solve", "--facts", "--run", other, *options) == 2
    assert "does not judge facts" in capsys.readouterr().err
    (tmp_path / "many.tsv").write_text("".join(f"a{i}\tr{i}\tb{i}\n" for i in range(101)))
    many = KnowledgeGraph("many", FACTS.astype(np.int32), Names.of(NAMES), Names.of([f"r{i}" for i in range(101)]))
    with pytest.raises(ValueError, match=r"many has 101 relations, too many for the rules .* --evidence frequency, or"):
        _refuse_unfit(many, Curation(evidence=("frequency", "rules")), Solve(run=trained / "run"))
    for command in (["eval", "--run"], ["train", "--resume"]):
        assert call(*command, trained / "run") == 2
        assert "train --env KGRefinement" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "message"), [
    (["--objective", "efficiency"], "--objective: not for KGRefinement"), (["--iterations", 10], "the learner's"),
    (["--wrong", 0.7], "--wrong 0.7"), (["--draws", 0], "--draws 0"), (["--evidence", "ruls"], "Did you mean 'rules'"),
    (["--graph", "karate"], "without relations"), (["--graph", "wrold"], "Did you mean 'world'?"),
])  # fmt: skip
def test_bad_options_get_one_message_and_leave_nothing(tmp_path, capsys, arguments, message):
    assert call("train", "--env", "lepton/KGRefinement-v0", "--runs-dir", tmp_path / "runs", *arguments) == 2
    out, err = capsys.readouterr()
    assert message in err and "Traceback" not in out + err and not list((tmp_path / "runs").glob("*"))


def test_a_graph_that_has_no_room_for_wrong_facts_leaves_no_run(tmp_path, capsys):
    (tmp_path / "full.tsv").write_text("a\tr\ta\na\tr\tb\nb\tr\ta\nb\tr\tb\n")
    assert call("train", "--env", "KGRefinement", "--graph", tmp_path / "full.tsv", "--runs-dir", tmp_path / "r") == 2
    assert "too small or too dense" in capsys.readouterr().err and not list((tmp_path / "r").glob("*"))


@pytest.mark.parametrize(("name", "text"), [
    ("g.nt", "<http://x.org/a> <http://x.org/p> _:b0 .\n_:b0 <http://x.org/p> <http://x.org/b> .\n"),
    ("g.csv", "head,relation,tail\na b,p,c\nc,p,\"d, e\"\n"),
])  # fmt: skip
def test_facts_are_called_the_same_where_policies_are_taught_and_where_they_judge(tmp_path, name, text):
    """Else a policy would judge facts whose labels it has seen."""
    (tmp_path / name).write_text(text)
    source, format = _lines(str(tmp_path / name), None, tmp_path)
    read = read_ntriples if format == "nt" else read_triples
    taught, judged = whole_graph(str(tmp_path / name)), knowledge_graph("g", read(source, TripleColumns()))
    assert len(judged.triples) == 2 and sorted(taught.facts()) == sorted(judged.facts())
