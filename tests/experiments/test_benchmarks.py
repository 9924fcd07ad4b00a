import json
from functools import partial

import gymnasium as gym
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.base import rollout
from envs.edge_addition import make_edge_addition
from envs.pools import make_pool
from experiments.benchmarks import data, generators, kg
from experiments.benchmarks import envs as benchmark
from experiments.benchmarks.__main__ import main
from experiments.benchmarks.networkx_env import NetworkxEdgeAddition, critical_fraction
from lepton_rl.batching import in_parts
from lepton_rl.data import FAMILIES, FORMATS, from_networkx, generate, read_graph, stream
from lepton_rl.data.cleaning import Cleaning
from lepton_rl.objectives import get_objective
from tests import oracles

NODES, BUDGET = 9, 3
GRAPHS = generate("ba", NODES, range(4))


def make_env(removal, reward):
    pool = make_pool([from_networkx(graph, "ba").to_bitgraph() for graph in GRAPHS])
    return make_edge_addition(pool, get_objective(f"critical_fraction_{removal}"), BUDGET, reward)


def slots(graph):
    """The graph with its nodes named by the slots that ours puts them in."""
    named = from_networkx(graph, "ba")
    return type(graph)([(int(u), int(v)) for u, v in named.edges])


@pytest.mark.parametrize("targeted", [False, True])
def test_networkx_critical_fraction_is_the_definition(targeted):
    ranks = np.stack([np.random.default_rng(i).permutation(NODES) for i in range(12)], axis=1)
    for graph in GRAPHS:
        expected = oracles.critical_fraction(graph, ranks, "targeted" if targeted else "random")
        assert critical_fraction(graph, ranks, targeted) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("removal", "reward"), [("random", "edit"), ("targeted", "end")])
def test_networkx_environment_plays_by_the_same_rules(removal, reward):
    env = make_env(removal, reward)
    plain = NetworkxEdgeAddition(slots(GRAPHS[1]), BUDGET, targeted=removal == "targeted", reward=reward)
    state, observation = env.reset(jnp.int32(1), jax.random.key(3))
    seen, _ = plain.reset(options={"ranks": np.asarray(state.noise)})
    rng, step, rewards = np.random.default_rng(0), jax.jit(env.step), []
    for t in range(env.horizon):
        np.testing.assert_array_equal(seen["action_mask"], np.asarray(observation.legal))
        np.testing.assert_allclose(seen["marks"], np.asarray(observation.marks), atol=1e-6)
        action = int(rng.choice(np.flatnonzero(seen["action_mask"] == (0 if t == 3 else 1))))  # one illegal pick
        state, ours = step(state, jnp.int32(action), jax.random.key(0))
        observation = ours.observation
        seen, paid, over, _, _ = plain.step(action)
        assert paid == pytest.approx(float(ours.reward), abs=1e-6)
        assert over == bool(ours.terminated)
        rewards.append(paid)
    assert any(rewards)


def test_networkx_environment_is_a_gymnasium_environment():
    env: gym.Env = NetworkxEdgeAddition(GRAPHS[0], BUDGET)
    check_env(env, skip_render_check=True)


def test_kernel_values_are_those_of_the_episodes():
    starts, keys = jnp.arange(4, dtype=jnp.int32), jax.random.split(jax.random.key(1), 4)
    for removal, reward in (("random", "edit"), ("targeted", "end")):
        env = make_env(removal, reward)
        played = jax.jit(partial(benchmark.play, 2))(env, starts, keys)
        values = np.asarray(jax.jit(partial(benchmark.kernel_values, 2))(env, starts, keys, played.actions))
        paid = np.asarray(played.rewards)
        np.testing.assert_allclose(np.diff(values).sum(-1), paid.sum(-1), atol=1e-6)
        if reward == "edit":
            np.testing.assert_allclose(np.diff(values), paid[:, 1::2], atol=1e-6)
        added = np.asarray(jax.vmap(lambda g: g.rows)(played.state)) != np.asarray(env.pool.graphs.rows)
        assert added.any(axis=(1, 2)).all()


def test_parts_change_nothing_and_must_divide_the_batch():
    env = make_env("random", "end")
    starts, keys = jnp.arange(4, dtype=jnp.int32), jax.random.split(jax.random.key(1), 4)
    whole = jax.jit(partial(rollout, env, benchmark.random_policy()))(starts, keys, jax.random.clone(keys))
    parts = jax.jit(partial(benchmark.play, 2))(env, starts, jax.random.clone(keys))
    np.testing.assert_array_equal(whole.actions, parts.actions)
    np.testing.assert_array_equal(whole.rewards, parts.rewards)
    with pytest.raises(ValueError, match="do not divide a batch of 4"):
        in_parts(lambda x: x, 3, jnp.arange(4))


@pytest.mark.parametrize(("nodes", "batch"), [(20, 1), (20, 4096), (100, 48), (500, 64)])
def test_part_size_divides_the_batch(nodes, batch):
    assert batch % benchmark.part_size(nodes, batch) == 0


def test_envs_writes_its_rows(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["envs", "--quick", "--json", str(path)]) == 0
    (row,) = json.loads(path.read_text())["rows"]
    wanted = {"n", "batch", "objective", "edits_per_second", "compile_seconds", "peak_mb", "kernel_edits_per_second",
              "networkx_edits_per_second"}  # fmt: skip
    assert wanted <= set(row)
    assert row["edits_per_second"] > row["networkx_edits_per_second"] > 0
    assert row["peak_mb"] > 0


@pytest.mark.long
def test_kg_writes_its_rows(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["kg", "--quick", "--json", str(path)]) == 0
    walk, *others = rows = json.loads(path.read_text())["rows"]
    assert walk["steps_per_second"] > 0 and walk["times_minerva"] > 0 and "dropped" in walk["dropped"]
    rules = ["KGCompletion", "KGCompletion, 64 candidates", "KGRefinement", "KGRepair"]
    assert [row["rule"] for row in others] == rules
    assert max(row["bytes_a_transition"] for row in rows) <= 300


def test_random_walks_take_every_legal_action_equally_often():
    words = jax.random.bits(jax.random.key(0), (4000,), jnp.uint32)
    for size, legal in ((5, [0, 3]), (70, [0, 31, 32, 63, 64, 69]), (200, list(range(0, 200, 7)))):
        mask = jnp.zeros(size, bool).at[jnp.array(legal)].set(True)
        drawn = np.asarray(jax.vmap(kg.legal_of_rank, in_axes=(0, None))(words, mask))
        found, counts = np.unique(drawn, return_counts=True)
        assert found.tolist() == legal and counts.min() > 0.7 * 4000 / len(legal)


def test_tries_are_legal_and_uniform_or_the_last_action():
    words = jax.random.bits(jax.random.key(1), (4000, 8), jnp.uint32)
    mask = jnp.ones(20, bool).at[jnp.array([2, 7])].set(False)
    found, counts = np.unique(jax.vmap(kg.legal_of_tries, in_axes=(0, None))(words, mask), return_counts=True)
    assert set(found) == set(range(20)) - {2, 7} and counts.min() > 0.7 * 4000 / 18
    assert kg.legal_of_tries(words[0] * 0, mask.at[0].set(False)) == 19


def test_envs_says_what_it_leaves_out(tmp_path, capsys):
    options = ["--nodes", "20", "--batches", "64", "--objectives", "critical_fraction_random", "--rewards", "end"]
    assert main(["envs", *options, "--memory-mb", "0.01", "--seconds", "0.1"]) == 0
    assert "left out: n = 20, batch 64" in capsys.readouterr().out


def test_data_writes_its_rows(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["data", "--quick", "--folder", str(tmp_path), "--json", str(path)]) == 0
    rows = {row["format"]: row for row in json.loads(path.read_text())["rows"]}
    assert "CSV, words" in rows
    for row in rows.values():
        assert row["seconds"] > 0 and row["peak_mb"] > 20
        if row["networkx_seconds"] is None:  # networkx reads no triples, and Parquet through pandas only
            assert row["times_networkx"] is None and row["format"] != "CSV, words"
        else:
            assert row["times_networkx"] == pytest.approx(row["networkx_seconds"] / row["compared_seconds"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.json"]


@pytest.mark.parametrize("name", [name for name, (kind, *_) in data.WRITERS.items() if kind == "graph"])
def test_networkx_and_pandas_read_the_same_file(tmp_path, name):
    pytest.importorskip("pandas")
    path = tmp_path / f"g{data.WRITERS[name][1]}"
    data.WRITERS[name][2](3000, path)
    table, theirs = data.pandas_table(path), data.networkx_graph(path)
    assert len(table) == 3000
    if path.suffix in {suffix for entry in FORMATS.values() for suffix in entry.suffixes}:
        ours = read_graph(path, cleaning=Cleaning(self_loops="drop")).to_networkx()
        theirs = nx.relabel_nodes(theirs, str)
        theirs.remove_edges_from(nx.selfloop_edges(theirs))
        assert nx.utils.graphs_equal(nx.Graph(ours.edges()), nx.Graph(theirs.edges()))


@pytest.mark.long
def test_training_writes_its_rows(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["training", "--quick", "--json", str(path)]) == 0
    (row,) = json.loads(path.read_text())["rows"]
    assert row["work"] == "rnet-dqn"
    assert row["env_steps_per_second"] == pytest.approx(row["iterations_per_second"] * 50 * 20)


def test_generators_writes_its_rows(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["generators", "--quick", "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [row["family"] for row in rows] == list(FAMILIES)
    for row in rows:
        assert row["graphs_per_second"] > 0 and row["pooled_graphs_per_second"] > 0
        peer = row["networkx_graphs_per_second"]
        assert (peer is None) == (row["family"] in ("gabriel", "user_item"))
        assert row["times_networkx"] == (None if peer is None else pytest.approx(row["graphs_per_second"] / peer))


def test_propagation_is_compared_with_a_segment_sum(tmp_path):
    path = tmp_path / "rows.json"
    small = ["--entities", "6", "--facts", "9", "--relations", "2", "--width", "3", "--seconds", ".01"]
    assert main(["propagation", "--quick", *small, "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [(row["work"], row["batch"]) for row in rows] == [("sum", 2), ("sum and gradient", 2)]
    for row in rows:
        assert row["times_segment_sum"] == pytest.approx(row["segment_sum_seconds"] / row["seconds"])



@pytest.mark.parametrize("family", FAMILIES)
def test_networkx_makes_graphs_of_the_same_parameters(family):
    parameters, peer = generators.peers(24)[family]
    assert list(stream(family, 24, range(2), **parameters).counts) == list(stream(family, 24, range(2)).counts)
    if peer is not None:
        graphs = [peer(seed) for seed in range(40)]
        assert all(len(graph) == 24 and nx.is_connected(graph) for graph in graphs)
        theirs = np.array([graph.number_of_edges() for graph in graphs])
        ours = stream(family, 24, range(400), **parameters).counts
        lost = 1 if family == "holme_kim" else 0  # networkx's may repeat edges
        assert abs(theirs.mean() - ours.mean()) <= lost + 4.5 * np.hypot(theirs.std() / 40**0.5, ours.std() / 20)


def test_unwritable_json_is_one_message(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["envs", "--json", str(tmp_path / "file" / "x.json")]) == 2
    assert "error:" in capsys.readouterr().err


def test_rules_writes_its_rows(tmp_path):
    path = tmp_path / "rows.json"
    options = ["--rules", "NodeRemoval", "NodeFlip", "--quick", "--json", str(path)]
    assert main(["rules", *options]) == 0
    removal, flip = json.loads(path.read_text())["rows"]
    assert (removal["name"], flip["name"]) == ("-largest_component", "cut")
    assert removal["times_finder"] == pytest.approx(removal["steps_per_second"] / 463_000)
    assert flip["times_finder"] is None
