"""The table of data sets as the command line shows it."""

import pytest

from experiments.graphs import load_graphs
from experiments.run import main
from lepton_rl.data import NAMED, DataError


def test_list_datasets_shows_size_licence_origin_and_trust(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["list", "datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, entry in NAMED.items():
        line = next(line for line in lines if line.startswith((f"{name} ", f"{name}/… ")))
        assert entry.licence in line
        assert entry.size in line
        assert f" {entry.trust} " in line
        assert entry.source.removeprefix("https://") in line
    assert {entry.trust for entry in NAMED.values()} == {"installed", "verified", "unverified"}


def test_a_knowledge_graph_is_no_graph_to_edit():
    with pytest.raises(DataError, match="world is a knowledge graph"):
        load_graphs("world")


def test_a_topology_is_taken_where_a_graph_is():
    pytest.importorskip("topohub")
    assert load_graphs("topohub/sndlib/polska")[0].num_nodes == 12
