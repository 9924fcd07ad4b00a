"""Heads against their definitions written out; networks from a user's own module, and from plain functions."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from flax import linen, nnx

from agents.config import DQNConfig
from agents.training import fitting, make_runs, network_for
from envs import get_environment
from envs.edge_addition import make_edge_addition
from envs.pools import make_pool
from lepton_rl.batching import ENVIRONMENT_AXIS
from lepton_rl.features import node_inputs, num_inputs
from lepton_rl.graph import adjacency, from_networkx, permute
from lepton_rl.heads import HEADS, Network, NodeScore, build_network, network_from_module
from lepton_rl.objectives import get_objective

N, CAPACITY, WIDTH = 8, 10, 8
TINY = DQNConfig(
    iterations=4, chunks=2, episodes=4, updates=1, batch_size=8, replay_capacity=16, width=WIDTH, rounds=1, picks="all"
)
every_head = pytest.mark.parametrize("head", sorted(HEADS))


@pytest.fixture(scope="module")
def env():
    graphs = [from_networkx(nx.barabasi_albert_graph(N, 2, seed=seed), capacity=CAPACITY)[0] for seed in range(2)]
    return make_edge_addition(make_pool(graphs), get_objective("efficiency"), 2)


@pytest.fixture(scope="module")
def start(env):
    """A state and its observation before anything is picked."""
    return env.reset(jnp.int32(0), jax.random.key(0))


def network_of(head):
    return build_network("gin", head, width=WIDTH, rounds=1)


def shaken(network, observation, seed=0):
    """Parameters away from the initial ones, whose last layer is zero."""
    leaves, tree = jax.tree.flatten(network.init(jax.random.key(seed), observation))
    rng = np.random.default_rng(seed)
    return jax.tree.unflatten(tree, [leaf + rng.normal(0, 0.3, leaf.shape).astype(np.float32) for leaf in leaves])


def scores(network, params, observation):
    return np.asarray(network.score(params, network.encode(params, observation), observation))


def with_selected(observation, node):
    return dataclasses.replace(observation, marks=observation.marks.at[:, 0].set(0).at[node, 0].set(1))


@every_head
def test_a_fresh_network_scores_zero(start, head):
    network = network_of(head)
    assert not scores(network, network.init(jax.random.key(0), start[1]), start[1]).any()


@every_head
@pytest.mark.parametrize("selected", [None, 3])
def test_relabelling_nodes_relabels_scores(start, head, selected):
    observation = start[1] if selected is None else with_selected(start[1], selected)
    network = network_of(head)
    params = shaken(network, observation)
    order = np.random.default_rng(1).permutation(CAPACITY)
    moved = dataclasses.replace(
        observation, graph=permute(observation.graph, jnp.asarray(order)),
        marks=observation.marks[order], legal=observation.legal[order],
    )  # fmt: skip
    np.testing.assert_allclose(
        scores(network, params, moved), scores(network, params, observation)[order], rtol=2e-4, atol=2e-5
    )


@every_head
def test_a_batch_out_of_step_scores_as_its_members_alone(start, head):
    """Dear branches run when anybody needs them; nobody else's scores change by it."""
    network = network_of(head)
    params = shaken(network, start[1])
    members = [start[1], with_selected(start[1], 2), with_selected(start[1], 5)]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    together = jax.vmap(
        lambda one: network.score(params, network.encode(params, one), one), axis_name=ENVIRONMENT_AXIS
    )(batch)
    for got, one in zip(together, members, strict=True):
        np.testing.assert_allclose(got, scores(network, params, one), rtol=1e-4, atol=1e-5)


def test_a_first_pick_is_worth_its_best_second_and_pairs_are_unordered(start):
    network, observation = network_of("pair"), start[1]
    params = shaken(network, observation)
    first = scores(network, params, observation)
    pairs = np.stack([scores(network, params, with_selected(observation, u)) for u in range(N)])[:, :N]
    np.testing.assert_allclose(pairs, pairs.T, rtol=1e-4, atol=1e-5)
    dense = np.asarray(adjacency(observation.graph))
    for u in range(N):
        absent = [v for v in range(N) if v != u and not dense[u, v]]
        assert first[u] == pytest.approx(max(pairs[u, v] for v in absent), rel=1e-4, abs=1e-5)
    assert len({round(float(q), 4) for q in first[:N]}) > 1


@pytest.mark.parametrize("selected", [None, 3])
def test_node_score_equals_its_definition_written_out(start, selected):
    observation = start[1] if selected is None else with_selected(start[1], selected)
    head = NodeScore(WIDTH, 2, rngs=nnx.Rngs(0))
    rng = np.random.default_rng(0)
    head.last[...] = jnp.asarray(rng.normal(size=2 * WIDTH), jnp.float32)
    h = rng.normal(size=(CAPACITY, WIDTH)).astype(np.float32)
    h[N:] = 0
    zero = np.zeros(WIDTH)
    picked, chosen = (zero, [0.0]) if selected is None else (h[selected], [1.0])
    weights = np.concatenate([
        np.asarray(layer.kernel[...]) for layer in (head.own, head.mean, head.marks, head.selected, head.product)
    ])  # fmt: skip
    for v in range(N):
        marks = np.asarray(observation.marks[v])
        inputs = np.concatenate([h[v], h[:N].mean(0), marks, picked, chosen, h[v] * picked])
        expected = np.maximum(inputs @ weights + np.asarray(head.own.bias[...]), 0) @ np.asarray(head.last[...])
        got = head(head.prepare(jnp.asarray(h), observation), observation)[v]
        assert float(got) == pytest.approx(float(expected), rel=1e-4, abs=1e-5)


class OwnModule(nnx.Module):
    """What a user might write: no base class of ours."""

    def __init__(self, rngs):
        self.embed = nnx.Linear(num_inputs(), 6, rngs=rngs)
        self.out = nnx.Linear(6 + 2, 1, rngs=rngs)

    def encode(self, observation):
        graph = observation.graph
        return nnx.relu(self.embed(node_inputs(graph) + adjacency(graph) @ node_inputs(graph)))

    def head(self, h, observation):
        return self.out(jnp.concatenate([h, observation.marks], axis=-1))[:, 0]


def linen_network():
    """A flax.linen module is an (init, apply) pair; so is a haiku or a hand-written one."""
    embed, out = linen.Dense(6), linen.Dense(1)

    def init(key, observation):
        x = node_inputs(observation.graph)
        first, second = jax.random.split(key)
        return {"embed": embed.init(first, x), "out": out.init(second, jnp.zeros((len(x), 8)))}

    def encode(params, observation):
        return jnp.tanh(embed.apply(params["embed"], node_inputs(observation.graph)))

    def score(params, h, observation):
        return out.apply(params["out"], jnp.concatenate([h, observation.marks], axis=-1))[:, 0]

    return Network(init, encode, score)


@pytest.mark.parametrize("make", [
    pytest.param(lambda: network_from_module(OwnModule), id="nnx"),
    pytest.param(linen_network, id="init-apply", marks=pytest.mark.long),
])  # fmt: skip
def test_a_users_own_network_trains(env, make):
    runs = make_runs(make(), TINY, 2)
    state = runs.init(env, [0, 1])
    before = [np.asarray(leaf) for leaf in jax.tree.leaves(state.params)]
    for state, metrics in runs.chunks(env, env, state):  # noqa: B007, B020 - donated
        assert np.isfinite(metrics.loss).all()
    after = [np.asarray(leaf) for leaf in jax.tree.leaves(state.params)]
    assert all(np.isfinite(leaf).all() for leaf in after)
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("rule", ["EdgeRemoval", "NodeRemoval"])
def test_networks_fit_every_kind_of_edit_and_a_first_pick_is_worth_its_best_legal_second(rule):
    graphs = [from_networkx(nx.barabasi_albert_graph(N, 2, seed=1), capacity=CAPACITY)[0]]
    env = get_environment(rule)(make_pool(graphs), get_objective("efficiency"), 2, stop=True)
    network = network_for(env, TINY)
    state, observation = env.reset(jnp.int32(0), jax.random.key(0))
    params = shaken(network, observation)
    q = scores(network, params, observation)
    assert q.shape == (CAPACITY + 1,) == observation.legal.shape
    assert fitting(env, TINY).head == ("pair" if rule == "EdgeRemoval" else "node")
    if fitting(env, TINY).head == "pair":
        for u in np.flatnonzero(observation.legal[:CAPACITY]):
            after, _ = env.step(state, u, jax.random.key(1))
            second = env.observe(after)
            best = np.where(second.legal[:CAPACITY], scores(network, params, second)[:CAPACITY], -np.inf).max()
            np.testing.assert_allclose(q[u], best, rtol=1e-4, atol=1e-5)


def test_equal_arguments_give_the_same_network_and_unknown_names_a_near_match():
    assert build_network("gin", "pair", width=WIDTH) is build_network("gin", "pair", width=WIDTH)
    with pytest.raises(ValueError, match="Did you mean 'pair'"):
        build_network("gin", "pairs")
    for encoder, head in itertools.product(("gin", "structure2vec", "message_passing"), HEADS):
        assert isinstance(build_network(encoder, head, width=4, rounds=1), Network)
