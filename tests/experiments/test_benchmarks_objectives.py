"""The libraries that objectives are measured against compute the same numbers."""

import json

import networkx as nx
import numpy as np
import pytest

from experiments.benchmarks.__main__ import main
from experiments.benchmarks.libraries import PEERS, installed
from experiments.benchmarks.objectives import values

CONNECTED = [nx.barabasi_albert_graph(14, 2, seed=1), nx.connected_watts_strogatz_graph(14, 4, 0.4, seed=2)]
APART = [nx.disjoint_union(nx.barabasi_albert_graph(9, 2, seed=3), nx.path_graph(5))]


@pytest.mark.parametrize(("name", "library"), [(name, library) for name in PEERS for library in PEERS[name]])
def test_every_library_agrees(name, library):
    if not installed(library):
        pytest.skip(f"{library} is not installed")
    # What numpy makes of eigenvalues, 1 / 0, is ours on connected graphs only.
    ours, theirs = values(name, library, CONNECTED if name == "effective_resistance" else CONNECTED + APART)
    np.testing.assert_allclose(ours, theirs, atol=5e-6)


def test_the_benchmark_runs(tmp_path):
    path = tmp_path / "rows.json"
    assert main(["objectives", "--quick", "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert [row["name"] for row in rows] == ["diameter", "transitivity"]
    assert all(row["evaluations_per_second"] > 0 and row["strongest"] in PEERS[row["name"]] for row in rows)


def test_refuses_what_no_library_has(capsys):
    assert main(["objectives", "--names", "critical_fraction_random"]) == 2
    assert "no library evaluates" in capsys.readouterr().err
