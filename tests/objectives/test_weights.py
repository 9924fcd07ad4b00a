"""Weights of edges: what objectives make of them, beside oracles of weighted graphs, and through every kind of edit."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.graph import add_edge, adjacency, from_edges, from_networkx, has_edge, remove_edge, to_networkx
from lepton_rl.objectives import OBJECTIVES, Edit, get_objective
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, EDGE_REWEIGHTED, NOTHING
from lepton_rl.objectives.composition import shortfall
from lepton_rl.weights import set_weight, strength, unweighted, weight_of, weights
from tests.contracts.test_objectives import LABELS
from tests.oracles import OBJECTIVE_ORACLES
from tests.trees import member

CAPACITY, EDITS = 10, 16
SET_WEIGHT = jax.jit(set_weight)
WEIGHTED = [name for name in OBJECTIVES if get_objective(name).weighted]


def example(directed, kind="", seed=0):
    """Graphs of weights from a quarter to four, in one part and in several; labels of a kind."""
    rng, members = np.random.default_rng(seed), []
    for n, p in ((9, 0.4), (10, 0.15), (2, 1.0)):
        graph = nx.gnp_random_graph(n, p, seed=seed + 1, directed=directed)
        features = np.pad(2 ** rng.uniform(-2, 2, (n, n, 2)), [(0, CAPACITY - n)] * 2 + [(0, 0)])
        labels = np.pad(LABELS[kind or "chosen"](rng, n).astype(np.float32), (0, CAPACITY - n))
        bits = from_networkx(graph, capacity=CAPACITY)[0]
        members.append(bits.replace(edge_features=jnp.asarray(features, jnp.float32), labels=jnp.asarray(labels)))
    return members


def plain(graph):
    """The networkx graph with the attributes "weight" and "label"; the mean of both ways where undirected."""
    out, features = to_networkx(graph), np.asarray(graph.edge_features, np.float64)[..., 0]
    for u, v, data in out.edges(data=True):
        data["weight"] = features[u, v] if graph.directed else (features[u, v] + features[v, u]) / 2
    nx.set_node_attributes(out, {v: float(graph.labels[v]) for v in out}, "label")
    return out


def edited(graph, pair, what, factor):
    """The graph after an edge came, went or was reweighted, and what the edit was."""
    u, v = pair
    heavier = set_weight(graph, u, v, factor * weight_of(graph, u, v))
    after = jax.tree.map(lambda *each: jnp.stack(each)[what], add_edge(graph, u, v), remove_edge(graph, u, v), heavier)
    moved = has_edge(after, u, v) != has_edge(graph, u, v)
    kinds = jnp.where(moved, jnp.array([EDGE_ADDED, EDGE_REMOVED, NOTHING]), NOTHING)
    reweighted = (what == 2) & has_edge(graph, u, v)
    operation = jnp.where(reweighted, EDGE_REWEIGHTED, kinds[what])
    return after, Edit(operation, u, v, jnp.where(reweighted, (factor - 1) * weight_of(graph, u, v), 0.0))


@pytest.mark.parametrize(("name", "directed"), [
    *[(name, False) for name in WEIGHTED if name not in ("controversy", "disagreement")],
    ("cut", True), ("disagreement", True),
])  # fmt: skip
def test_weighted_values_are_the_oracles_and_updates_follow(name, directed):
    objective, rng = get_objective(name), np.random.default_rng(1)
    members = example(directed, objective.labels)
    graphs = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    pairs = jnp.asarray(rng.integers(0, 8, (EDITS, len(members), 2)), jnp.int32)
    what, factors = jnp.asarray(rng.integers(0, 3, pairs.shape[:2])), jnp.asarray(rng.choice([0.5, 3.0], EDITS))

    def follow(graph, carry, pair, what, factor):
        after, edit = edited(graph, pair, what, factor)
        return after, objective.update(carry, edit, after, ()), objective.init(after, ()).value, edit.operation

    @jax.jit
    def run(graphs):
        def step(state, edits):
            batched = jax.vmap(follow, in_axes=(0, 0, 0, 0, None), axis_name=ENVIRONMENT_AXIS)
            *state, values, kinds = batched(*state, *edits)
            return state, (state[1].value, values, kinds)

        carry = jax.vmap(lambda graph: objective.init(graph, ()))(graphs)
        (after, _), found = jax.lax.scan(step, [graphs, carry], (pairs, what, factors))
        return carry.value, after, found

    values, after, (updated, fresh, kinds) = run(graphs)
    expected = [OBJECTIVE_ORACLES[name](plain(graph), ()) for graph in members]
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=5e-6)
    members_after = [member(after, i) for i in range(len(members))]
    expected = [OBJECTIVE_ORACLES[name](plain(graph), ()) for graph in members_after]
    np.testing.assert_allclose(updated[-1], expected, rtol=2e-5, atol=5e-6)
    np.testing.assert_allclose(updated, fresh, rtol=2e-5, atol=5e-6)
    assert {EDGE_ADDED, EDGE_REMOVED, EDGE_REWEIGHTED} <= set(np.asarray(kinds).ravel().tolist())


@pytest.mark.parametrize("name", ["efficiency", "linear_threshold", "clustering", "independent_set"])
def test_objectives_that_read_no_weights_see_none_and_keep_their_value_when_they_change(name):
    objective, graph = get_objective(name), example(False, get_objective(name).labels)[0]

    @jax.jit
    def values(graph, noise):
        before = objective.init(graph, noise)
        after, edit = edited(graph, jnp.argwhere(adjacency(graph), size=1)[0], 2, 3.0)
        return before.value, objective.update(before, edit, after, noise).value

    before, after = values(graph, jax.jit(objective.draw)(graph, jax.random.key(0)))
    assert objective.weighted == "" and before == after > 0


def test_the_largest_and_the_smallest_weights_count_by_their_size_alone():
    """All weights times a factor: eigenvalues times it, resistances by it."""
    graph = example(False)[0]
    by = {scale: graph.replace(edge_features=graph.edge_features * scale) for scale in (1.0, 1e-3, 1e3)}
    for name in ("algebraic_connectivity", "spectral_radius"):
        init = jax.jit(get_objective(name).init)
        values = [float(init(scaled, ()).value) / scale for scale, scaled in by.items()]
        assert values == pytest.approx([values[0]] * 3, rel=1e-5)
    init = jax.jit(get_objective("effective_resistance").init)
    assert float(init(by[1e3], ()).value) * 1e3 == pytest.approx(float(init(by[1.0], ()).value), rel=1e-5)


def test_a_sum_reads_what_the_strictest_of_its_terms_reads():
    assert get_objective("cut").weighted == "any" and get_objective("efficiency - diameter").weighted == ""
    assert get_objective("efficiency - 2*spectral_radius").weighted == "positive"
    assert shortfall(get_objective("modularity"), 0.5).weighted == "positive"


def test_weights_are_read_and_written_where_there_is_an_edge():
    features = np.arange(18, dtype=np.float32).reshape(3, 3, 2)
    both = from_edges([(0, 1), (1, 2)], 3, edge_features=features)
    one = from_edges([(0, 1), (1, 2)], 3, edge_features=features, directed=True)
    assert weights(both).tolist() == [[0, 4, 0], [4, 0, 12], [0, 12, 0]]
    assert weights(one).tolist() == [[0, 2, 0], [0, 0, 10], [0, 0, 0]]
    assert strength(both).tolist() == [4, 16, 12] and strength(one).tolist() == [2, 10, 0]
    assert weights(SET_WEIGHT(both, 1, 0, 7.0)).tolist() == [[0, 7, 0], [7, 0, 12], [0, 12, 0]]
    assert weights(SET_WEIGHT(one, 1, 2, 7.0))[1, 2] == 7
    for pair in ((0, 2), (-1, 0), (1, 1), (0, 9)):
        assert (SET_WEIGHT(both, *pair, 7.0).edge_features == both.edge_features).all()
    assert (SET_WEIGHT(one, 1, 0, 7.0).edge_features == one.edge_features).all()  # an edge one way only
    assert weight_of(unweighted(both), jnp.arange(3), 0).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="no weights to set"):
        set_weight(unweighted(both), 0, 1, 2.0)
