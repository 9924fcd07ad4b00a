"""Each architecture against its formula, written with explicit loops over networkx neighbours."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest
from flax import nnx

from lepton_rl.encoders import get_encoder
from lepton_rl.encoders.gin import GIN
from lepton_rl.encoders.linear import Linear
from lepton_rl.encoders.neighbour_message import NeighbourMessage
from lepton_rl.encoders.structure2vec import Structure2Vec
from lepton_rl.graph import from_edges

N, F, D, FE = 7, 3, 5, 2
GRAPH = nx.DiGraph([(0, 1), (1, 0), (1, 2), (3, 1), (2, 4), (4, 5), (5, 2), (0, 5)])  # node 6 is alone
GRAPH.add_node(6)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, F)).astype(np.float32)
E = RNG.normal(size=(N, N, FE)).astype(np.float32)
BATCH = RNG.normal(size=(4, N, F)).astype(np.float32)


def bits(edge_features=None):
    return from_edges(list(GRAPH.edges), N, directed=True, edge_features=edge_features)


def relu(x):
    return np.maximum(x, 0)


def linear(layer, x):
    bias = 0 if layer.bias is None else np.asarray(layer.bias[...])
    return x @ np.asarray(layer.kernel[...]) + bias


def norm(h):
    return (h - h.mean(-1, keepdims=True)) / np.sqrt(h.var(-1, keepdims=True) + 1e-6)


def reduced(rows, how):
    return sum(rows, np.zeros(D)) / (max(len(rows), 1) if how == "mean" else 1)


def randomised(model):
    """Every parameter random, biases too, so that none can be left out unnoticed."""
    graphdef, params = nnx.split(model)
    leaves, tree = jax.tree.flatten(params)
    leaves = [jnp.asarray(RNG.normal(size=leaf.shape), jnp.float32) for leaf in leaves]
    return nnx.merge(graphdef, jax.tree.unflatten(tree, leaves))


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_gin(reduce):
    model = randomised(GIN(F, D, 2, reduce=reduce, rngs=nnx.Rngs(0)))
    h = relu(linear(model.inputs, X))
    for layer in model.rounds:
        normed = norm(h)
        messages = linear(layer.neighbours, normed)
        total = np.stack([reduced([messages[j] for j in GRAPH[i]], reduce) for i in range(N)])
        h = h + linear(layer.out, relu(linear(layer.own, normed) + total))
    np.testing.assert_allclose(model(jnp.asarray(X), bits()), h, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_structure2vec(reduce, edges):
    model = randomised(Structure2Vec(F, D, 3, edge_features=FE if edges else 0, reduce=reduce, rngs=nnx.Rngs(0)))
    mu = np.zeros((N, D))
    for _ in range(3):
        fresh = np.zeros_like(mu)
        for i in range(N):
            total = linear(model.inputs, X[i]) + linear(model.neighbours, reduced([mu[j] for j in GRAPH[i]], reduce))
            if edges:
                seen = [relu(linear(model.edge, E[i, j])) for j in GRAPH[i]]
                total = total + linear(model.edges, reduced(seen, reduce))
            fresh[i] = relu(total)
        mu = fresh
    np.testing.assert_allclose(model(jnp.asarray(X), bits(E if edges else None)), mu, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("edges", [False, True])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_neighbour_message(reduce, edges):
    model = randomised(NeighbourMessage(F, D, 2, edge_features=FE if edges else 0, reduce=reduce, rngs=nnx.Rngs(0)))
    h = relu(linear(model.inputs, X))
    for layer in model.rounds:
        fresh = np.zeros_like(h)
        for i in range(N):
            sent = []
            for j in GRAPH[i]:
                message = linear(layer.message, norm(h[j]))
                sent.append(relu(message + linear(layer.edge, E[i, j]) if edges else message))
            fresh[i] = relu(linear(layer.update, h[i] + reduced(sent, reduce)))
        h = fresh
    np.testing.assert_allclose(model(jnp.asarray(X), bits(E if edges else None)), h, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", [Structure2Vec, NeighbourMessage])
def test_what_is_stored_where_there_is_no_edge_is_never_read(kind):
    graphdef, params = nnx.split(kind(F, D, 2, edge_features=FE, rngs=nnx.Rngs(0)))
    spoilt = np.full_like(E, np.nan)
    for u, v in GRAPH.edges:
        spoilt[u, v] = E[u, v]

    def loss(params, graph):
        return (nnx.merge(graphdef, params)(jnp.asarray(X), graph) ** 2).sum()

    clean = jax.grad(loss)(params, bits(E))
    for a, b in zip(jax.tree.leaves(clean), jax.tree.leaves(jax.grad(loss)(params, bits(spoilt))), strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradients_of_the_linear_layer_equal_flax_under_vmap_over_graphs_and_seeds():
    def gradient(kind):
        graphdef, params = nnx.split(kind(F, D, rngs=nnx.Rngs(0)))
        seeds = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf + 1]), params)

        def loss(params, batch):
            return jax.vmap(lambda x: jnp.sin(nnx.merge(graphdef, params)(x)).sum())(batch).sum()

        batch = jnp.asarray(BATCH)
        return jax.tree.leaves(jax.vmap(jax.value_and_grad(loss, (0, 1)), (0, None))(seeds, batch))

    for ours, theirs in zip(gradient(Linear), gradient(nnx.Linear), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_the_node_wise_layers_of_a_batch_are_single_products():
    graphdef, params = nnx.split(Linear(F, D, rngs=nnx.Rngs(0)))

    def loss(params, batch):
        return (jax.vmap(nnx.merge(graphdef, params))(batch) ** 2).sum()

    text = jax.jit(jax.grad(loss)).lower(params, jnp.asarray(BATCH)).as_text()
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert products
    assert all("batching_dims" not in line for line in products)


def test_a_misspelt_name_is_answered_with_a_near_match():
    with pytest.raises(ValueError, match=r"unknown encoder 'strcture2vec'. Did you mean 'structure2vec'\?"):
        get_encoder("strcture2vec")
