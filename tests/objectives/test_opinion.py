"""Opinions beyond the contract: closed forms, identities, directions, and updates that do not drift."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import from_edges, from_networkx, has_edge, isolate, set_label, to_networkx, toggle_edge
from lepton_rl.objectives import Edit, get_objective
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, LABEL_SET, NOTHING, REBUILT
from lepton_rl.objectives.opinion import expressed_opinions
from tests.oracles import OBJECTIVE_ORACLES

NAMES = ["polarisation", "disagreement", "controversy"]
INIT = {name: jax.jit(get_objective(name).init) for name in NAMES}
OPINIONS = jax.jit(expressed_opinions)


def value(name, graph):
    return float(INIT[name](graph, ()).value)


def reference(name, graph):
    plain = to_networkx(graph)
    nx.set_node_attributes(plain, {v: float(graph.labels[v]) for v in plain}, "label")
    return OBJECTIVE_ORACLES[name](plain, ())


def random_graph(n, p, directed, capacity):
    made = from_networkx(nx.gnp_random_graph(n, p, seed=2, directed=directed), capacity=capacity)[0]
    labels = np.random.default_rng(1).uniform(-1, 1, n)
    return made.replace(labels=jnp.asarray(np.pad(labels, (0, capacity - n)), jnp.float32))


def test_two_who_disagree():
    """z = ±1/3 where both listen; where only the first does, 0 and -1."""
    both = from_edges([(0, 1)], 2, capacity=7, labels=np.array([1.0, -1.0]))
    np.testing.assert_allclose(OPINIONS(both), [1 / 3, -1 / 3, 0, 0, 0, 0, 0], atol=1e-7)
    assert [value(name, both) for name in NAMES] == pytest.approx([2 / 9, 4 / 9, 2 / 9])
    first = from_edges([(0, 1)], 2, capacity=7, labels=np.array([1.0, -1.0]), directed=True)
    np.testing.assert_allclose(OPINIONS(first), [0, -1, 0, 0, 0, 0, 0], atol=1e-7)
    assert [value(name, first) for name in NAMES] == pytest.approx([1 / 2, 1, 1])


def test_everybody_listens_to_everybody():
    """z_i = (s_i + n · mean) / (1 + n)."""
    s = np.array([0.9, -0.3, 0.1, 0.5, -0.8], np.float32)
    graph = from_networkx(nx.complete_graph(5), capacity=7)[0].replace(labels=jnp.asarray(np.pad(s, (0, 2))))
    np.testing.assert_allclose(OPINIONS(graph)[:5], (s + s.sum()) / 6, atol=1e-6)
    assert value("polarisation", graph) == pytest.approx(5 * s.var() / 36, rel=1e-5)
    assert value("disagreement", graph) == pytest.approx(5 * value("polarisation", graph), rel=1e-5)


def test_what_friends_share_and_dispute_is_all_there_is():
    """Σ s z = controversy + disagreement, and the mean opinion stays, where listening is mutual."""
    graph = random_graph(40, 0.1, False, 45)
    z = OPINIONS(graph)
    total = value("controversy", graph) + value("disagreement", graph)
    assert float(graph.labels @ z) == pytest.approx(total, rel=1e-5)
    assert float(z.sum()) == pytest.approx(float(graph.labels.sum()), abs=1e-5)


@pytest.mark.parametrize(("name", "directed"), [("polarisation", False), ("disagreement", True)])
def test_updates_do_not_drift(name, directed):
    """300 edges come and go; labels and nodes change in between."""
    objective, rng = get_objective(name), np.random.default_rng(3)
    graph = random_graph(30, 0.1, directed, 33)
    pairs = jnp.asarray(rng.integers(0, 30, (300, 2)), jnp.int32)
    kinds = jnp.asarray(rng.choice([EDGE_ADDED, LABEL_SET, REBUILT], 300, p=[0.94, 0.05, 0.01]), jnp.int32)
    labels = jnp.asarray(rng.uniform(-1, 1, 300), jnp.float32)

    def step(state, edit):
        (graph, carry), (pair, kind, label) = state, edit
        u, v = pair
        before = has_edge(graph, u, v)
        toggled, labelled, isolated = toggle_edge(graph, u, v), set_label(graph, u, label), isolate(graph, u)
        pick = (kind == LABEL_SET) + 2 * (kind == REBUILT)
        after = jax.tree.map(lambda *three: jnp.stack(three)[pick], toggled, labelled, isolated)
        way = jnp.where(has_edge(after, u, v) == before, NOTHING, jnp.where(before, EDGE_REMOVED, EDGE_ADDED))
        edit = Edit(jnp.where(kind == EDGE_ADDED, way, kind), u, v)
        carry = objective.update(carry, edit, after, ())
        return (after, carry), carry.value

    edits = pairs, kinds, labels
    (graph, _), values = jax.jit(lambda g: jax.lax.scan(step, (g, objective.init(g, ())), edits))(graph)
    assert float(values[-1]) == pytest.approx(reference(name, graph), rel=3e-6)
    assert np.ptp(np.asarray(values)) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_directed_values_are_those_of_the_oracle(name):
    graph = random_graph(50, 0.08, True, 64)
    assert value(name, graph) == pytest.approx(reference(name, graph), rel=3e-6)


@pytest.mark.parametrize("directed", [False, True])
def test_large_systems_have_the_values_of_padded_small_ones(directed):
    small, large = (random_graph(60, 0.1, directed, capacity) for capacity in (60, 140))
    assert value("polarisation", large) == pytest.approx(value("polarisation", small), rel=1e-5)
