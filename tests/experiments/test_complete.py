"""``train --env KGCompletion``: a ranker, how good it is, and questions answered by it on this graph and on others."""

import csv
import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.dqn import greedy_episodes
from envs.kg_completion import make_kg_completion
from envs.queries import read_splits_of
from experiments import complete, completing
from experiments.answering import inserted, open_answers
from experiments.complete import open_completer
from experiments.completing import queries_on, task_of, trained_ranker
from experiments.completion_settings import BY_REWARDS, FROM_TRAINED, NEAR
from experiments.display import Display
from experiments.judging import Completing
from experiments.query import whole_graph
from lepton_rl.calibration import calibrated
from lepton_rl.data import KnowledgeGraph
from lepton_rl.data.names import Names
from lepton_rl.metrics import Known, Protocol, evaluate
from lepton_rl.query_heads import completion_network, with_ranker
from lepton_rl.triple_graph import from_triples
from tests.experiments.commands import call

RELATIONS = ("part_of", "near", "holds")


def facts(blocks, first=0):
    """What is near each other is part of the same block, and a block holds its parts: int[m, 3]."""
    rows = []
    for block in range(first, first + blocks):
        whole, parts = f"block {block}", [f"house {block}.{i}" for i in range(5)]
        rows += [(part, "part_of", whole) for part in parts] + [(whole, "holds", part) for part in parts]
        rows += [(a, "near", b) for a in parts for b in parts if a < b]
    return rows


def write(path, rows):
    path.write_text("".join("\t".join(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on a folder of parts; on another table, with blocks that it has not seen, one fact is missing."""
    folder, rows = tmp_path_factory.mktemp("trained"), facts(8)
    order = np.random.default_rng(0).permutation(len(rows))
    data = folder / "blocks"
    data.mkdir()
    for part, some in (("train", order[:110]), ("valid", order[110:135]), ("test", order[135:])):
        write(data / f"{part}.tsv", [rows[i] for i in some])
    elsewhere = [row for row in facts(2, 20) if row != ("house 20.0", "part_of", "block 20")]
    write(folder / "strange.tsv", [("a", "likes", "b")])
    write(folder / "elsewhere.tsv", [("block 20", "painted", "house 21.1"), *elsewhere])
    assert call("train", "--env", "KGCompletion", "--graph", data, "--epochs", 4, "--runs-dir", folder, "--name",
                "run") == 0  # fmt: skip
    return folder


def test_the_report_is_of_the_kept_ranker(trained):
    task, result = task_of(whole_parts(trained)), json.loads((trained / "run" / "result.json").read_text())
    assert set(result["rows"]) == {"nbfnet", "rules", "frequency"}
    score = open_completer(trained / "run").score(task.graph)
    ranking = evaluate(score, task.splits.test.triples, task.known, Protocol("both"))
    row = result["rows"]["nbfnet"]
    assert row["mrr"] == ranking.metrics()["mrr"] and row["queries"] == len(ranking.ranks())
    assert row["ci95"][0] <= row["mrr"] <= row["ci95"][1]
    for one in result["rows"].values():
        mean, low, high = one["return"]
        assert low <= mean <= high and abs(mean) <= one["inserted"] + 1e-9
    assert {"answers.png", "report.html", "metrics.jsonl"} <= {file.name for file in (trained / "run").iterdir()}


def whole_parts(trained):
    return read_splits_of(str(trained / "blocks"))


def test_inserting_greedily_is_an_episode_of_one_query(trained):
    """The environment's rewards of a network whose values are the calibrated probabilities."""
    task, completer = task_of(whole_parts(trained)), open_completer(trained / "run")
    N, R = task.graph.capacity, task.graph.num_relations
    stated = Known(task.splits.train.triples, N, R)
    found, given, true = open_answers(complete._log_odds(completer, task.graph, stated), task, "test")
    for penalty in (0.3, 4.0):
        ours = inserted(calibrated(completer.scale, found), given, true, penalty)
        env = make_kg_completion(queries_on(task, "test", "both"), 1, penalty=penalty, hide=None)
        network = completion_network(completer.config, R, True, penalty)
        params = network.init(jax.random.key(0), env.reset(jnp.int32(0), jax.random.key(0))[1])
        params = with_ranker(params, completer.params)
        params["scale"][...], params["shift"][...] = (jnp.float32(x) for x in completer.scale)
        rewards = greedy_episodes(network, env, params, jax.random.key(0)).rewards[:, 0]
        asked, first = np.unique(np.asarray(env.pool.asked)[:, :2], axis=0, return_index=True)
        order = np.random.default_rng(0).permutation(len(asked))  # some of them, drawn
        np.testing.assert_allclose(np.asarray(rewards)[first][order], ours.rewards, rtol=1e-6)
        assert ((ours.rewards != 0) == ours.made).all() and (penalty == 0.3) <= ours.made.any()


def test_probabilities_are_calibrated_by_validation_and_rise_with_the_scores(trained):
    completer, graph = open_completer(trained / "run"), whole_graph(str(trained / "blocks"))
    h, r = np.arange(6), np.array([0, 1, 2, 3, 4, 5])
    likely = completer.on(graph, pytest.fail)(h, r)
    raw = np.asarray(completer.score(graph.to_triple_graph())(h, r))
    known = Known(graph.triples, graph.num_entities, graph.num_relations).mask(h, r)
    for row, scores, stated in zip(likely, raw, known, strict=True):
        share = np.exp(scores - scores[~stated].max())
        share /= share[~stated].sum()
        odds = np.log(share[~stated]) - np.log1p(-np.minimum(share[~stated], 1 - 1e-6))
        np.testing.assert_allclose(row[~stated], calibrated(completer.scale, odds), atol=1e-4)


def test_relations_are_known_by_name_whatever_their_order(trained):
    completer, graph = open_completer(trained / "run"), whole_graph(str(trained / "blocks"))
    turned = graph.triples.copy()
    turned[:, 1] = graph.num_relations - 1 - turned[:, 1]
    other = KnowledgeGraph("turned", turned, graph.entities, Names.of([*graph.relations][::-1]))
    h, r = np.arange(4), np.array([0, 1, 2, 0])
    ours = completer.on(graph, pytest.fail)(h, np.append(r[:2], r[2:] + 3))
    theirs = completer.on(other, pytest.fail)(h, np.append(2 - r[:2], 2 - r[2:] + 3))
    np.testing.assert_array_equal(ours, theirs)


def test_a_question_about_entities_it_has_never_seen(trained, capsys):
    options = ["--graph", trained / "elsewhere.tsv", "--run", trained / "run", "--runs-dir", trained, "--name", "asked"]
    assert call("solve", "--query", "house 20.0 part_of ?", *options) == 0
    assert "not read, as the run does not know the relation: painted" in capsys.readouterr().out
    with open(trained / "asked" / "answers.csv", newline="", encoding="utf-8") as stream:
        first = next(csv.DictReader(stream))
    assert first["entity"] == "block 20" and first["stated"] == "False" and float(first["score"]) > 0.2


@pytest.mark.parametrize(("question", "graph", "run", "message"), [
    ("block 20 painted ?", "elsewhere.tsv", "run", "has not seen the relation 'painted', but "),
    ("a likes ?", "strange.tsv", "run", "knows none of the relations of strange"),
    ("block 20 holds ?", "elsewhere.tsv", "blocks", "is no run"),
])  # fmt: skip
def test_what_a_run_cannot_answer(trained, capsys, question, graph, run, message):
    given = ["--graph", trained / graph, "--run", trained / run, "--runs-dir", trained / "none"]
    assert call("solve", "--query", question, *given) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and "Traceback" not in out + err
    assert not (trained / "none").exists()


@pytest.mark.parametrize(("options", "message"), [
    (["--budget", 3], "--budget: not for KGCompletion"),
    (["--draws", 3], "those of wrong facts: not for KGCompletion"),
    (["--ranker", "rgcn", "--teacher", "rewards"], "--teacher rewards trains nbfnet or nbfnet-near: give one"),
    (["--epochs", 0], "--epochs 0 is too small"),
    (["--graph", "karate"], "karate is a graph without relations"),
])  # fmt: skip
def test_bad_options_get_one_message_and_leave_nothing(tmp_path, capsys, options, message):
    assert call("train", "--env", "KGCompletion", *options, "--runs-dir", tmp_path / "runs") == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and "Traceback" not in out + err
    assert not (tmp_path / "runs").exists()


def test_a_run_of_another_environment_answers_nothing(trained, capsys, tmp_path):
    (tmp_path / "other").mkdir()
    text = (trained / "run" / "config.json").read_text().replace("KGCompletion", "KGRefinement")
    (tmp_path / "other" / "config.json").write_text(text)
    with pytest.raises(ValueError, match="which answers no queries"):
        open_completer(tmp_path / "other")


@pytest.mark.parametrize(("ranker", "teacher", "settings", "begun"), [
    ("nbfnet", "both", FROM_TRAINED, True), ("nbfnet", "rewards", BY_REWARDS, False),
    ("nbfnet-near", "rewards", NEAR.dqn, False),
])  # fmt: skip
def test_rewards_teach_alone_or_after_labels(trained, monkeypatch, ranker, teacher, settings, begun):
    """What rewards teach is tested where agents are; here, what they are given and that their parameters are kept."""
    task, seen = task_of(whole_parts(trained)), []

    def taught(agent, task, seed, protocol, note, start):
        seen.append((agent.dqn, agent.ranker.epochs, seed, start is not None))
        assert bool(agent.proposer) == bool(agent.ranker.hops) == (ranker == "nbfnet-near")
        return trained_ranker(agent, task).init(jax.random.key(9), task.graph), [0.5]

    monkeypatch.setattr(complete, "by_rewards", taught)
    completer = complete.learn(task, Completing(ranker=ranker, epochs=1), teacher, 3, Display())
    assert seen == [(settings, 1, 3, begun)]
    fresh = completer.ranker(task.graph.capacity).init(jax.random.key(9), task.graph)
    assert all(map(np.array_equal, jax.tree.leaves(fresh), jax.tree.leaves(completer.params)))


def test_agents_on_neighbourhoods_choose_among_candidates(trained):
    task = task_of(whole_parts(trained))
    env, valid = completing._environments(replace(NEAR, asked=9, proposed=4), task, 0)
    assert (env.pool.size, env.num_actions, valid.num_actions) == (9, 5, 5)
    other = completing._environments(replace(NEAR, asked=9, proposed=4), task, 1)[0]
    assert not np.array_equal(env.pool.asked, other.pool.asked), "another seed asks for others"
    h, r, _ = np.asarray(valid.pool.asked).T
    assert not np.take_along_axis(task.stated.mask(h, r), np.asarray(valid.proposed), 1).any()
    assert (np.asarray(valid.proposed) == np.asarray(valid.pool.asked)[:, 2:]).any(), "rules find some"


def test_kept_numbers_are_those_of_the_graph_it_was_trained_on(trained):
    completer = open_completer(trained / "run")
    assert sorted(completer.relations) == sorted(RELATIONS)
    graph = whole_graph(str(trained / "blocks"))
    empty = from_triples(graph.triples[:0], graph.num_entities, graph.num_relations)
    assert np.isfinite(np.asarray(completer.score(empty)(np.array([0]), np.array([0])))).all()
