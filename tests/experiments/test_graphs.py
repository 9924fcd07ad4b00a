"""Graphs as the command line takes them: files, folders, patterns, names; and the options that read them."""

import dataclasses
from typing import get_type_hints

import jax
import networkx as nx
import numpy as np
import pytest

from experiments import splits
from experiments.configs import Train, train_from_json, train_to_json
from experiments.graphs import is_connected, load_graphs, shuffled
from experiments.problem import completed, make_problem
from experiments.reading import Reading
from experiments.splits import make_split
from lepton_rl.data import Cleaning, Columns, from_networkx, write_graph
from lepton_rl.weights import weight_of, weights


@pytest.fixture
def folder(tmp_path):
    """Twelve graphs in several formats, one with a table of nodes beside it, and a hidden file."""
    suffixes = ("csv", "graphml", "json.gz", "gml", "parquet", "tsv")
    for i in range(12):
        graph = from_networkx(nx.connected_watts_strogatz_graph(8 + i % 3, 4, 0.5, seed=i), f"net{i}")
        write_graph(graph, tmp_path / f"net{i:02}.{suffixes[i % 6]}")
    (tmp_path / "net00.nodes.csv").write_text("id,kind\n" + "".join(f"{v},{v % 2}\n" for v in range(8)))
    (tmp_path / ".hidden").write_text("no graph")
    return tmp_path


def test_options_are_the_columns_and_policies_of_the_readers():
    own = {field.name: (field.default, get_type_hints(Reading)[field.name]) for field in dataclasses.fields(Reading)}
    for kind in (Columns, Cleaning):
        theirs = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            if field.name != "directed":  # every objective is of undirected graphs
                assert own[field.name] == (field.default, theirs[field.name])


def test_a_folder_is_every_graph_in_it_and_a_pattern_some(folder):
    graphs = load_graphs(str(folder))
    assert [graph.name for graph in graphs] == [f"net{i:02}" for i in range(12)]
    assert [graph.num_nodes for graph in graphs] == [8 + i % 3 for i in range(12)]
    assert graphs[0].node_data is not None
    assert [graph.name for graph in load_graphs(str(folder / "net0[1-3]*"))] == ["net01", "net02", "net03"]


def test_files_of_one_name_are_told_apart(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "net.csv").write_text("1,2\n2,3\n")
    assert [graph.name for graph in load_graphs(str(tmp_path / "*" / "net.csv"))] == ["net", "net-2"]


def test_parts_and_policies_reach_the_reader(tmp_path):
    file = tmp_path / "links.dat"
    file.write_text("who;whom;cost\na;b;1\nb;c;2\nc;a;-3\nc;d;1\na;b;4\ne;f;1\n")
    reading = Reading(
        format="csv", delimiter=";", source="who", target="whom", weight="cost", duplicates="sum",
        negative_weights="absolute", largest_component=True, core=2,
    )  # fmt: skip
    (graph,) = load_graphs(str(file), reading)
    assert sorted(graph.names) == ["a", "b", "c"]
    assert sorted(graph.weights.tolist()) == [2, 3, 5]
    assert any("2-core" in line for line in graph.report)
    (karate,) = load_graphs("karate", Reading(sample=10))
    assert karate.num_nodes == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [("{0}/none*.csv", "no file matches"), ("{0}/empty", "holds no graph file"), ("world", "knowledge graph")],
)
def test_what_is_no_graph_is_said(tmp_path, text, said):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=said):
        load_graphs(text.format(tmp_path))


RATINGS = """user,item
ann,dune
ann,emma
bob,dune
bob,ulysses
cyd,emma
cyd,ulysses
cyd,solaris
dan,solaris
ann,walden
"""


def test_shuffles_of_users_and_items_go_on_joining_the_two(tmp_path):
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "ratings.nodes.csv").write_text(
        "name,kind\n" + "".join(f"{name},0\n" for name in ("ann", "bob", "cyd", "dan"))
        + "".join(f"{name},1\n" for name in ("dune", "emma", "ulysses", "solaris", "walden"))
    )  # fmt: skip
    (graph,) = load_graphs(str(tmp_path / "ratings.csv"), Reading(label="kind"))
    copies = [shuffled(graph, seed, sides=True) for seed in range(20)]
    assert len({copy.edges.tobytes() for copy in copies}) > 5
    for copy in copies:
        assert (copy.labels[copy.edges].sum(1) == 1).all()
        assert (copy.edges[:, 0] < copy.edges[:, 1]).all() and is_connected(copy.edges, copy.num_nodes)
        assert np.array_equal(np.bincount(copy.edges.ravel()), np.bincount(graph.edges.ravel()))


def test_sides_are_seen_where_no_label_says_them(tmp_path):
    (tmp_path / "ratings.csv").write_text(RATINGS.replace(",walden", ",solaris"))
    config = Train(graph=str(tmp_path / "ratings.csv"), env="LinkRecommendation", budget=2, num_graphs=3, held_out=1)
    split = make_split(config)
    (graph,) = split.networks
    assert any("4 users, 4 items" in line for line in graph.report)
    sides = dict(zip(graph.names, graph.labels, strict=True))
    assert len({sides[user] for user in ("ann", "bob", "cyd", "dan")}) == 1 and sides["ann"] != sides["dune"]
    assert all((one.labels[one.edges].sum(1) == 1).all() for one in split.train)


def test_directions_that_a_rule_cannot_take_are_the_options_fault(tmp_path):
    (tmp_path / "follows.csv").write_text("a,b\nb,c\n")
    follows = Train(graph=str(tmp_path / "follows.csv"), env="Rewiring", reading=Reading(directed=True), num_graphs=1)
    with pytest.raises(ValueError, match=r"follows: Rewiring edits undirected graphs.*leave out --directed"):
        make_problem(follows)


def test_a_label_of_a_data_set_is_read_too():
    with pytest.raises(ValueError, match="labels are numbers, and 'club' is string"):
        load_graphs("karate", Reading(label="club"))


def test_a_table_of_nodes_belongs_to_one_graph(folder):
    with pytest.raises(ValueError, match="--nodes is the table of one graph"):
        load_graphs(str(folder), Reading(nodes=folder / "net00.nodes.csv"))


def test_several_graphs_are_split_and_the_last_part_is_edited(folder):
    config = Train(graph=str(folder), budget=1, objective="efficiency")
    split = make_split(config)
    parts = [{graph.name for graph in part} for part in (split.train, split.valid, split.test)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 12
    assert {graph.name for graph in split.networks} == parts[2]
    problem = make_problem(config)
    assert problem.train.pool.size == len(parts[0])
    again = make_split(train_from_json(train_to_json(config), folder / "run"))
    assert [graph.name for graph in again.test] == [graph.name for graph in split.test]


def test_shuffles_of_several_graphs_take_turns_and_each_is_edited(folder):
    split = make_split(Train(graph=str(folder), pool="shuffles", num_graphs=24, held_out=12, budget=1))
    assert [graph.num_nodes for graph in split.train] == [8 + i % 3 for i in range(12)] * 2
    assert [graph.name for graph in split.networks] == [f"net{i:02}" for i in range(12)]


def attributed(folder, ages):
    """Two triangles and a bridge, with a table of nodes."""
    (folder / "town.csv").write_text("a,b\nb,c\na,c\nc,d\nd,e\ne,f\nd,f\n")
    rows = [f"{name},{age},{'red' if name < 'd' else 'blue'}\n" for name, age in zip("abcdef", ages, strict=True)]
    (folder / "town.nodes.csv").write_text("".join(["id,age,colour\n", *rows]))
    return folder / "town.csv"


def test_attributes_are_encoded_once_and_other_columns_are_refused(tmp_path):
    file = attributed(tmp_path, [10, 20, 30, 40, 50, ""])
    seen = Reading(attributes=True, missing_attributes="indicator")
    config = Train(graph=str(file), reading=seen, num_graphs=3, held_out=1, budget=1, objective="efficiency")
    with pytest.raises(ValueError, match="age"):
        make_problem(dataclasses.replace(config, reading=Reading(attributes=True)))
    problem = make_problem(config)
    assert problem.encoder.columns == (
        "age", "age: missing", "colour=blue", "colour=red", "colour: other", "colour: missing",
    )  # fmt: skip
    features = problem.train.pool.graphs.node_features
    assert features.shape == (3, 6, 6)
    assert features[1, :, 0].tolist() == pytest.approx([-1.4142135, -0.70710677, 0, 0.70710677, 1.4142135, 0])
    older = attributed(tmp_path, [30] * 6)
    again = make_problem(dataclasses.replace(config, graph=str(older)), problem.encoder)
    assert again.train.pool.graphs.node_features[0, :, 0].tolist() == [0] * 6
    with pytest.raises(ValueError, match="karate: the table does not fit the encoder"):
        make_problem(dataclasses.replace(config, graph="karate"), problem.encoder)
    with pytest.raises(ValueError, match="florentine has no node attributes"):
        make_problem(dataclasses.replace(config, graph="florentine"))


def lines(folder, weights=(2, 3, 1, 1)):
    """A triangle with a tail, with weights."""
    rows = [f"{edge},{weight}" for edge, weight in zip(("a,b", "b,c", "c,a", "c,d"), weights, strict=True)]
    (folder / "lines.csv").write_text("\n".join(["source,target,weight", *rows, ""]))
    return str(folder / "lines.csv")


def test_weights_are_read_where_the_objective_depends_on_them(tmp_path):
    config = Train(graph=lines(tmp_path), env="NodeFlip", budget=2, num_graphs=5, held_out=1)
    problem = make_problem(config)
    assert problem.config.weights == "read"
    assert any("its weights are read; an edge that is added weighs 1.5 (the median)" in note for note in problem.notes)
    (own,) = problem.networks
    weighed = own.to_bitgraph()
    assert np.asarray(weights(weighed)).tolist() == [[0, 2, 1, 0], [2, 0, 3, 0], [1, 3, 0, 1], [0, 0, 1, 0]]
    assert float(weight_of(weighed, 0, 3)) == 1.5
    for graph in range(5):  # a shuffle moves the edges and keeps what they weigh
        shuffle = problem.train.pool[graph]
        assert sorted(np.asarray(weights(shuffle))[np.triu_indices(4)].tolist())[-4:] == [1, 1, 2, 3]
    assert problem.seen(load_graphs("karate")[0]).to_bitgraph().edge_features is not None


def test_weights_that_nothing_reads_are_left_out(tmp_path):
    small = {"budget": 2, "num_graphs": 2, "held_out": 1}
    config = Train(graph=lines(tmp_path), env="NodeRemoval", objective="-largest_component", **small)
    problem = make_problem(config)
    assert problem.train.pool.graphs.edge_features is None and problem.config.weights == "ignore"
    assert not any("its weights" in note for note in problem.notes)
    with pytest.raises(ValueError, match="neither -largest_component nor the cost"):
        make_problem(dataclasses.replace(config, weights="read"))
    flips = make_problem(dataclasses.replace(config, env="NodeFlip", objective="cut", weights="ignore"))
    assert flips.train.pool.graphs.edge_features is None
    assert any("its weights are not read: every edge weighs 1" in note for note in flips.notes)


def test_weights_of_some_graphs_make_the_others_weigh_one(tmp_path):
    lines(tmp_path)
    for i in range(9):
        path = [f"{u},{u + 1}" for u in range(i + 3)]  # all different: copies stay together
        (tmp_path / f"plain{i}.csv").write_text("\n".join([*path, ""]))
    problem = make_problem(Train(graph=str(tmp_path), env="NodeFlip", budget=2, new_weight=5.0))
    every = [problem.train, problem.valid, problem.test]
    heaviest = sorted(float(np.asarray(jax.vmap(weights)(env.pool.graphs)).max()) for env in every)
    assert heaviest == [1, 1, 3]
    assert all(float(env.pool.graphs.edge_features[0, 0, 3, 0]) == 5 for env in every)


def test_weights_that_the_objective_is_not_defined_for_are_refused(tmp_path):
    graph, keep = lines(tmp_path, weights=(2, -3, 1, 1)), Reading(negative_weights="keep")
    config = Train(graph=graph, objective="effective_resistance", budget=1, num_graphs=2, held_out=1, reading=keep)
    with pytest.raises(ValueError, match=r"lines: the graph has a pair of weight -3 .*--weights ignore"):
        make_problem(config)
    assert make_problem(dataclasses.replace(config, weights="ignore")).train.pool.size == 2


def test_weights_take_memory_of_every_pair(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "_WEIGHTS_BYTES", 4 * 4**2 * 3)
    split = make_split(completed(Train(graph=lines(tmp_path), env="NodeFlip", num_graphs=50, held_out=2)))
    assert [len(part) for part in (split.train, split.valid, split.test)] == [3, 2, 2]
    assert split.words.startswith("3 shuffles of lines; 2 others")
