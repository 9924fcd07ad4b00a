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

CAPACITY, PADDED, EDGE_EDITS, NODE_EDITS = 20, 35, 24, 6


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
    """(name, objective, noise of every graph, carry of every graph by one vmapped program)."""
    objective = get_objective(name)
    noise = jax.jit(jax.vmap(objective.draw))(graphs, jax.random.split(jax.random.key(0), len(networks())))
    return name, objective, noise, together(objective)(graphs, noise)


def plain_networks(kind):
    """The networks for an oracle, labels as the node attribute "label"."""
    plain = networks()
    for graph, labels in zip(plain, labels_of(kind) or [[]] * len(plain), strict=True):
        nx.set_node_attributes(graph, dict(enumerate(map(float, labels))), "label")
    return plain


@cache  # a program of an objective is compiled once for all tests
def together(objective):
    return jax.jit(jax.vmap(objective.init))


@cache
def alone(objective):
    return jax.jit(lambda graph, noise: objective.init(graph, noise).value)


def test_every_objective_has_an_oracle():
    assert set(OBJECTIVE_ORACLES) == set(OBJECTIVES)


def test_equals_its_oracle_given_the_same_noise(drawn):
    name, objective, noise, carry = drawn
    values, noise = jax.device_get((carry.value, noise))
    for i, graph in enumerate(plain_networks(objective.labels)):
        own = jax.tree.map(lambda leaf, i=i: leaf[i], noise)
        np.testing.assert_allclose(values[i], OBJECTIVE_ORACLES[name](graph, own), atol=2e-6, err_msg=f"graph {i}")


def test_a_batch_equals_its_members(drawn, graphs):
    _, objective, noise, carry = drawn
    singles = [alone(objective)(*member((graphs, noise), i)) for i in range(len(networks()))]
    np.testing.assert_allclose(singles, carry.value, atol=1e-6)


def test_relabelling_changes_nothing(drawn, graphs):
    _, objective, noise, carry = drawn
    order = jnp.asarray(np.random.default_rng(0).permutation(CAPACITY))
    relabelled = jax.vmap(lambda graph: permute(graph, order))(graphs)
    moved = along_nodes(noise, lambda leaf: leaf[:, order])
    np.testing.assert_allclose(together(objective)(relabelled, moved).value, carry.value, rtol=1e-6, atol=2e-6)


def test_padding_changes_nothing_also_under_a_named_axis(drawn, graphs):
    """Whatever the noise of absent slots is: here the largest and the smallest there are."""
    _, objective, noise, carry = drawn
    padded = jax.vmap(lambda graph: pad(graph, PADDED))(graphs)

    def extend(leaf):
        largest = leaf.at[:, :1].set(jnp.iinfo(leaf.dtype).max)[:, :1]
        return jnp.concatenate([leaf, *[largest, 0 * largest] * (PADDED - CAPACITY)], 1)[:, :PADDED]

    more = along_nodes(noise, extend)
    named = jax.jit(jax.vmap(lambda *one: objective.init(*one).value, axis_name=ENVIRONMENT_AXIS))
    np.testing.assert_allclose(named(padded, more), carry.value, rtol=1e-6, atol=2e-6)


def edited(graph, kind, u, v, label):
    """The graph after an edit, and what it did; ``kind`` is its place in the list."""
    afters = [add_edge(graph, u, v), remove_edge(graph, u, v), isolate(graph, u)]
    if graph.labels is not None:
        afters.append(set_label(graph, u, label))
    after = jax.tree.map(lambda *each: jnp.stack(each)[kind], *afters)
    operation = jnp.array([EDGE_ADDED, EDGE_REMOVED, REBUILT, LABEL_SET])[kind]
    of_edge = kind < 2
    changed = jnp.where(of_edge, has_edge(graph, u, v) != has_edge(after, u, v), graph.node_mask[u])
    return after, Edit(jnp.where(changed, operation, NOTHING), u, jnp.where(of_edge, v, u))


def test_update_equals_init_over_edits_of_edges_and_nodes(drawn, graphs):
    """Runs of additions, then of both, then of nodes that are isolated or labelled anew; others in other members of the
    batch; some edits change nothing."""
    _, objective, noise, carry = drawn
    rng, batch = np.random.default_rng(1), len(networks())
    kinds = (rng.random((EDGE_EDITS, batch)) >= np.linspace(1.3, 0.3, EDGE_EDITS)[:, None]).astype(np.int32)
    kinds = np.concatenate([kinds, rng.integers(2, 4 if objective.labels else 3, (NODE_EDITS, batch), np.int32)])
    u, v = rng.integers(0, 8, (2, *kinds.shape), np.int32)
    labels = np.stack([LABELS[objective.labels or "chosen"](rng, batch) for _ in kinds]).astype(np.float32)

    def edit(graph, carry, noise, *what):
        after, made = edited(graph, *what)
        return after, objective.update(carry, made, after, noise), made.operation != NOTHING

    @jax.jit
    def run(graphs, carry, noise, edits):
        def step(state, edits):
            *state, changed = jax.vmap(edit, axis_name=ENVIRONMENT_AXIS)(*state, noise, *edits)
            return state, (state[0], state[1].value, changed)

        return jax.lax.scan(step, [graphs, carry], edits)[1]

    after, updated, changed = run(graphs, carry, noise, (kinds, u, v, labels))
    assert 0.3 < np.asarray(changed)[:EDGE_EDITS].mean() < 1
    fresh = [together(objective)(member(after, t), noise).value for t in range(len(kinds))]
    np.testing.assert_allclose(updated, fresh, atol=1e-6)


def test_noise_has_one_shape_and_follows_the_key(drawn, graphs):
    _, objective, _, _ = drawn
    draw, graph = jax.jit(objective.draw), member(graphs, 0)
    first, again, other = (map(np.asarray, jax.tree.leaves(draw(graph, jax.random.key(seed)))) for seed in (1, 1, 2))
    assert all((a == b).all() and (a != c).any() for a, b, c in zip(first, again, other, strict=True))


def test_scores_use_fresh_noise(drawn, graphs):
    _, objective, _, _ = drawn
    graph = member(graphs, 0)
    drawn_noise = jax.jit(objective.draw)(graph, jax.random.key(7))
    expected = alone(objective)(graph, drawn_noise)
    scored = jax.jit(score, static_argnums=0)(objective, graph, jax.random.key(7))
    np.testing.assert_allclose(scored, expected, atol=1e-6)
