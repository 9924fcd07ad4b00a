"""What every objective of the table promises."""

from functools import cache

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.graph import add_edge, from_networkx, has_edge, isolate, pad, permute, remove_edge, set_label
from lepton_rl.objectives import OBJECTIVES, Edit, get_objective, score
from lepton_rl.objectives.base import EDGE_ADDED, EDGE_REMOVED, LABEL_SET, NOTHING, REBUILT
from tests.oracles import OBJECTIVE_ORACLES
from tests.trees import member

CAPACITY, PADDED, EDITS = 20, 35, 24


def networks():
    """Connected and not, from one node to as many as there are slots; cut vertices, leaves, no cut at all."""
    return [
        nx.barabasi_albert_graph(20, 2, seed=3), nx.gnp_random_graph(20, 0.2, seed=5),
        nx.random_labeled_tree(17, seed=1), nx.connected_watts_strogatz_graph(12, 4, 0.3, seed=4),
        nx.complete_graph(7), nx.star_graph(8), nx.path_graph(11), nx.path_graph(2), nx.empty_graph(3),
        nx.disjoint_union(nx.cycle_graph(5), nx.cycle_graph(6)), nx.empty_graph(1),
    ]  # fmt: skip


def along_nodes(noise, function):
    """``function`` of every leaf [graphs, N, ...] that has a node axis."""
    return jax.tree.map(lambda leaf: function(leaf) if leaf.shape[1:2] == (CAPACITY,) else leaf, noise)


LABELS = {
    "chosen": lambda rng, n: rng.integers(0, 2, n), "spin": lambda rng, n: 2 * rng.integers(0, 2, n) - 1,
    "community": lambda rng, n: rng.integers(0, 3, n), "opinion": lambda rng, n: rng.uniform(-1, 1, n),
    "side": lambda rng, n: rng.integers(0, 2, n),
}  # fmt: skip


def labels_of(kind):
    """Labels of every network, as float32 makes them."""
    rng = np.random.default_rng(7)
    return [LABELS[kind](rng, len(graph)).astype(np.float32) for graph in networks()] if kind else None


@pytest.fixture(scope="module", params=sorted(OBJECTIVES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def graphs(name):
    assert all(sorted(graph) == list(graph) for graph in networks())  # an oracle's node names are the slots
    members = [from_networkx(graph, capacity=CAPACITY)[0] for graph in networks()]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    labels = labels_of(get_objective(name).labels)
    if labels is None:
        return stacked
    return stacked.replace(labels=jnp.stack([np.pad(each, (0, CAPACITY - len(each))) for each in labels]))


@pytest.fixture(scope="module")
def drawn(name, graphs):
    """(name, objective, noise of every graph, value of every graph by one vmapped program)."""
    objective = get_objective(name)
    noise = jax.jit(jax.vmap(objective.draw))(graphs, jax.random.split(jax.random.key(0), len(networks())))
    return name, objective, noise, value_of(objective, graphs, noise)


def plain_networks(kind):
    """The networks for an oracle, labels as the node attribute "label"."""
    plain = networks()
    for graph, labels in zip(plain, labels_of(kind) or [[]] * len(plain), strict=True):
        nx.set_node_attributes(graph, dict(enumerate(map(float, labels))), "label")
    return plain


@cache
def valuer(objective):
    return jax.jit(jax.vmap(lambda graph, noise: objective.init(graph, noise).value))


def value_of(objective, graphs, noise):
    return np.asarray(valuer(objective)(graphs, noise))


def test_every_objective_has_an_oracle():
    assert set(OBJECTIVE_ORACLES) == set(OBJECTIVES)


def test_equals_its_oracle_given_the_same_noise(drawn):
    name, objective, noise, values = drawn
    for i, graph in enumerate(plain_networks(objective.labels)):
        own = jax.tree.map(np.asarray, member(noise, i))
        np.testing.assert_allclose(values[i], OBJECTIVE_ORACLES[name](graph, own), atol=2e-6, err_msg=f"graph {i}")


def test_a_batch_equals_its_members_under_named_axes_and_none(drawn, graphs):
    _, objective, noise, values = drawn
    single = jax.jit(lambda graph, noise: objective.init(graph, noise).value)
    members = [member((graphs, noise), i) for i in range(len(values))]
    np.testing.assert_allclose([single(*one) for one in members], values, atol=1e-6)
    named = jax.jit(jax.vmap(lambda *one: objective.init(*one).value, axis_name=ENVIRONMENT_AXIS))
    np.testing.assert_allclose(named(graphs, noise), values, atol=1e-6)


def test_relabelling_changes_nothing(drawn, graphs):
    _, objective, noise, values = drawn
    order = jnp.asarray(np.random.default_rng(0).permutation(CAPACITY))
    relabelled = jax.vmap(lambda graph: permute(graph, order))(graphs)
    moved = along_nodes(noise, lambda leaf: leaf[:, order])
    np.testing.assert_allclose(value_of(objective, relabelled, moved), values, rtol=1e-6, atol=2e-6)


def test_padding_changes_nothing(drawn, graphs):
    """Whatever the noise of absent slots is: here the largest and the smallest there are."""
    _, objective, noise, values = drawn
    padded = jax.vmap(lambda graph: pad(graph, PADDED))(graphs)

    def extend(leaf):
        largest = leaf.at[:, :1].set(jnp.iinfo(leaf.dtype).max)[:, :1]
        return jnp.concatenate([leaf, *[largest, 0 * largest] * (PADDED - CAPACITY)], 1)[:, :PADDED]

    more = along_nodes(noise, extend)
    np.testing.assert_allclose(value_of(objective, padded, more), values, rtol=1e-6, atol=2e-6)


def test_update_equals_init_over_additions_and_removals(drawn, graphs):
    """Runs of additions, then runs of both, others in other members of the batch; some edits change nothing."""
    _, objective, noise, _ = drawn
    generator = np.random.default_rng(1)
    pairs = jnp.asarray(generator.integers(0, 8, (EDITS, len(networks()), 2)), jnp.int32)
    adds = jnp.asarray(generator.random((EDITS, len(networks()))) < np.linspace(1.3, 0.3, EDITS)[:, None])

    def edit(graph, carry, noise, pair, add):
        u, v = pair
        after = jax.tree.map(lambda a, b: jnp.where(add, a, b), add_edge(graph, u, v), remove_edge(graph, u, v))
        changed = has_edge(graph, u, v) != has_edge(after, u, v)
        operation = jnp.where(changed, jnp.where(add, EDGE_ADDED, EDGE_REMOVED), NOTHING)
        carry = objective.update(carry, Edit(operation, u, v), after, noise)
        return after, carry, objective.init(after, noise).value, changed

    @jax.jit
    def run(graphs, noise):
        def step(state, edits):
            *state, values, changed = jax.vmap(edit, axis_name=ENVIRONMENT_AXIS)(*state, noise, *edits)
            return state, (state[1].value, values, changed)

        return jax.lax.scan(step, [graphs, jax.vmap(objective.init)(graphs, noise)], (pairs, adds))[1]

    updated, fresh, changed = run(graphs, noise)
    assert 0.3 < np.asarray(changed).mean() < 1
    np.testing.assert_allclose(updated, fresh, atol=1e-6)


def test_update_equals_init_over_nodes_that_are_isolated_or_labelled_anew(drawn, graphs):
    _, objective, noise, _ = drawn
    generator = np.random.default_rng(2)
    nodes = jnp.asarray(generator.integers(0, 8, (6, len(networks()))), jnp.int32)
    kind = objective.labels or "chosen"
    labels = jnp.asarray(np.stack([LABELS[kind](generator, len(networks())) for _ in nodes]), jnp.float32)

    def edit(graph, carry, noise, u, label):
        there = graph.node_mask[u]
        after, operation = isolate(graph, u), REBUILT
        if objective.labels:
            labelled = set_label(graph, u, label)
            after = jax.tree.map(lambda a, b: jnp.where(u % 2 == 0, a, b), labelled, after)
            operation = jnp.where(u % 2 == 0, LABEL_SET, REBUILT)
        carry = objective.update(carry, Edit(jnp.where(there, operation, NOTHING), u, u), after, noise)
        return after, carry, objective.init(after, noise).value

    @jax.jit
    def run(graphs, noise):
        def step(state, edits):
            *state, values = jax.vmap(edit, axis_name=ENVIRONMENT_AXIS)(*state, noise, *edits)
            return state, (state[1].value, values)

        return jax.lax.scan(step, [graphs, jax.vmap(objective.init)(graphs, noise)], (nodes, labels))[1]

    np.testing.assert_allclose(*run(graphs, noise), atol=1e-6)


def test_noise_has_one_shape_and_follows_the_key(drawn, graphs):
    _, objective, _, _ = drawn
    draw, graph = jax.jit(objective.draw), member(graphs, 0)
    first, again, other = (map(np.asarray, jax.tree.leaves(draw(graph, jax.random.key(seed)))) for seed in (1, 1, 2))
    assert all((a == b).all() and (a != c).any() for a, b, c in zip(first, again, other, strict=True))


def test_scores_use_fresh_noise(drawn, graphs):
    _, objective, _, _ = drawn
    graph = member(graphs, 0)
    drawn_noise = jax.jit(objective.draw)(graph, jax.random.key(7))
    expected = jax.jit(objective.init)(graph, drawn_noise).value
    scored = jax.jit(score, static_argnums=0)(objective, graph, jax.random.key(7))
    np.testing.assert_allclose(scored, expected, atol=1e-6)
