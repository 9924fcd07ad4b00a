"""What every structural feature of the table promises."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.graph import from_networkx, pad, permute, to_networkx, toggle_edge
from lepton_rl.structure import STRUCTURAL, get_structural
from tests.oracles import STRUCTURAL_ORACLES
from tests.trees import member

CAPACITY, PADDED = 20, 70
ORDER = np.random.default_rng(0).permutation(CAPACITY)
padded = jax.jit(jax.vmap(lambda graph: pad(graph, PADDED)))
moved = jax.jit(jax.vmap(lambda graph: permute(graph, jnp.asarray(ORDER))))
toggled = jax.jit(toggle_edge)
TOLERANCE = {"laplacian": 2e-4}  # eigenvectors lose what the gaps of the spectrum are small by


def generic():
    """Graphs without symmetry, some with isolated nodes, whose spectra decide their vectors."""
    return [
        nx.gnp_random_graph(12, 0.3, seed=22), nx.gnp_random_graph(14, 0.3, seed=29),
        nx.gnp_random_graph(17, 0.25, seed=30), nx.barabasi_albert_graph(16, 2, seed=12),
        nx.random_labeled_tree(11, seed=25), nx.disjoint_union(nx.empty_graph(2), nx.gnp_random_graph(14, 0.3, seed=1)),
    ]  # fmt: skip


def special():
    """Symmetric, dense, disconnected and empty ones."""
    return [
        nx.complete_graph(7), nx.star_graph(8), nx.path_graph(11), nx.path_graph(2), nx.empty_graph(3),
        nx.disjoint_union(nx.cycle_graph(5), nx.complete_graph(6)), nx.empty_graph(1),
        nx.barbell_graph(5, 4), nx.karate_club_graph().subgraph(range(20)),
    ]  # fmt: skip


def directed():
    return [
        nx.gnp_random_graph(13, 0.3, seed=1, directed=True), nx.gnp_random_graph(20, 0.1, seed=2, directed=True),
        nx.gnp_random_graph(9, 0.8, seed=3, directed=True), nx.complete_graph(6, create_using=nx.DiGraph),
        nx.path_graph(4, create_using=nx.DiGraph), nx.cycle_graph(5, create_using=nx.DiGraph),
        nx.DiGraph([(0, 1), (0, 2), (0, 3)]), nx.empty_graph(2, create_using=nx.DiGraph),
    ]  # fmt: skip


CASES = [(name, "undirected") for name in sorted(STRUCTURAL)]
CASES += [(name, "directed") for name in sorted(STRUCTURAL) if name != "laplacian"]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request):
    """(name, networkx graphs, the same as one batch, the feature vmapped, their features by it)."""
    name, kind = request.param
    plain = directed() if kind == "directed" else generic() + (special() if name != "laplacian" else [])
    assert all(list(graph) == list(range(len(graph))) for graph in plain)  # an oracle's rows are the slots
    members = [from_networkx(graph, capacity=CAPACITY)[0] for graph in plain]
    graphs = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    feature = jax.jit(jax.vmap(get_structural(name)))
    return name, plain, graphs, feature, np.asarray(feature(graphs))


def check(name, values, expected):
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=TOLERANCE.get(name, 1e-6))


def test_every_feature_has_an_oracle():
    assert set(STRUCTURAL_ORACLES) == set(STRUCTURAL)


def test_equals_its_oracle_and_is_zero_at_absent_nodes(case):
    name, plain, _, _, values = case
    assert values.dtype == np.float32
    for i, graph in enumerate(plain):
        check(name, values[i, : len(graph)], STRUCTURAL_ORACLES[name](graph))
        assert not values[i, len(graph) :].any()


def test_padding_changes_nothing_also_under_a_named_axis(case):
    name, _, graphs, _, values = case
    wide = np.asarray(jax.jit(jax.vmap(get_structural(name), axis_name=ENVIRONMENT_AXIS))(padded(graphs)))
    check(name, wide[:, :CAPACITY], values)
    assert not wide[:, CAPACITY:].any()


def test_moves_with_the_nodes(case):
    name, _, graphs, feature, values = case
    check(name, feature(moved(graphs)), values[:, ORDER])
    assert np.ptp(values, axis=1).max() > 0.1  # there is something to move


def test_a_loop_equals_vmap_and_follows_the_edits_in_one_program(case):
    name, plain, graphs, _, values = case
    traces = []

    @jax.jit
    def single(graph):
        traces.append(1)
        return get_structural(name)(graph)

    members = [member(graphs, i) for i in range(len(plain))]
    check(name, np.stack([single(member) for member in members]), values)
    # Two additions and two removals in the first graph, after each of which its spectrum still decides its vectors.
    graph = members[0]
    for u, v in [(1, 11), (10, 6), (0, 2), (0, 3)]:
        graph = toggled(graph, u, v)
        check(name, single(graph)[: len(plain[0])], STRUCTURAL_ORACLES[name](to_networkx(graph)))
    assert len(traces) == 1
