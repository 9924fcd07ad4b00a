"""What every encoder in the table must do, whatever its architecture."""

from functools import cache

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import optax
import pytest
from flax import nnx

from lepton_rl.encoders import ENCODERS, get_encoder
from lepton_rl.graph import from_networkx, pad, permute, to_networkx

F, D = 3, 16
NODES, CAPACITY = 12, 15
every_encoder = pytest.mark.parametrize("name", sorted(ENCODERS))
every_direction = pytest.mark.parametrize("directed", [False, True])


@cache
def split(name, **options):
    return nnx.split(get_encoder(name)(F, D, 2, rngs=nnx.Rngs(0), **options))


@cache
def compiled(name):
    """``(params, x, graph) -> (h, gradient of Σ sin h by the parameters and the inputs)``, one program a structure."""
    graphdef, _ = split(name)

    def loss(params, x, graph):
        h = nnx.merge(graphdef, params)(x, graph)
        return jnp.sin(h).sum(), h

    return jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))


def embed(name, x, graph):
    return compiled(name)(split(name)[1], x, graph)


def example(directed, seed=0):
    graph = nx.gnp_random_graph(NODES, 0.25, seed=seed, directed=directed)
    graph.remove_edges_from([(3, v) for v in list(graph[3])])
    x = np.zeros((CAPACITY, F), np.float32)
    x[:NODES] = np.random.default_rng(seed).normal(size=(NODES, F))
    return jnp.asarray(x), from_networkx(graph, capacity=CAPACITY)[0]


@every_direction
@every_encoder
def test_relabelling_nodes_relabels_embeddings(name, directed):
    x, graph = example(directed)
    order = np.random.default_rng(1).permutation(CAPACITY)
    gradients, h = embed(name, x, graph)
    permuted_gradients, permuted = embed(name, x[order], permute(graph, jnp.asarray(order)))
    np.testing.assert_allclose(permuted, h[order], atol=1e-5)
    np.testing.assert_allclose(permuted_gradients[1], gradients[1][order], atol=1e-5)
    assert np.ptp(np.asarray(h[:NODES]), axis=0).max() > 1e-2  # there is something to relabel


@every_direction
@every_encoder
def test_blind_to_absent_nodes_whatever_is_stored_there(name, directed):
    x, graph = example(directed)
    gradients, h = embed(name, x, graph)
    assert not h[NODES:].any()
    assert not gradients[1][NODES:].any()
    spoilt_gradients, spoilt = embed(name, x.at[NODES:].set(jnp.nan), graph)
    np.testing.assert_array_equal(spoilt, h)
    for a, b in zip(jax.tree.leaves(gradients), jax.tree.leaves(spoilt_gradients), strict=True):
        np.testing.assert_array_equal(a, b)
    _, wider = embed(name, jnp.pad(x, ((0, 20), (0, 0))), pad(graph, CAPACITY + 20))
    np.testing.assert_allclose(wider[:CAPACITY], h, atol=1e-5)


@every_direction
@every_encoder
def test_gradients_are_finite_and_reach_every_parameter(name, directed):
    x, graph = example(directed)
    gradients, _ = embed(name, x, graph)
    for leaf in jax.tree.leaves(gradients):
        assert np.isfinite(leaf).all()
        assert np.abs(leaf).max() > 0


@every_encoder
def test_direction_matters(name):
    x, graph = example(True)
    reverse = from_networkx(to_networkx(graph).reverse(), capacity=CAPACITY)[0]
    assert np.abs(embed(name, x, graph)[1] - embed(name, x, reverse)[1]).max() > 1e-3


@every_direction
@every_encoder
def test_layouts_agree(name, directed):
    x, graph = example(directed)
    lists, params = split(name, max_degree=NODES)
    np.testing.assert_allclose(nnx.merge(lists, params)(x, graph), embed(name, x, graph)[1], atol=1e-5)


@every_encoder
def test_jit_vmap_and_loop_agree_over_graphs_and_over_seeds(name):
    examples = [example(False, seed) for seed in range(3)]
    x, graphs = jax.tree.map(lambda *leaves: jnp.stack(leaves), *examples)
    graphdef, params = split(name)
    seeds = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf * 1.5]), params)

    @jax.jit
    def over_both(seeds, x, graphs):
        return jax.vmap(lambda own: jax.vmap(nnx.merge(graphdef, own))(x, graphs))(seeds)

    together = over_both(seeds, x, graphs)
    for s in range(2):
        own = jax.tree.map(lambda leaf, s=s: leaf[s], seeds)
        for i, (inputs, graph) in enumerate(examples):
            np.testing.assert_allclose(together[s, i], compiled(name)(own, inputs, graph)[1], atol=1e-4)
    plain = nnx.merge(graphdef, params)(*examples[0])  # without jit
    np.testing.assert_allclose(together[0, 0], plain, atol=1e-4)


@every_encoder
def test_sizes_transfer(name):
    """Embeddings of a graph fifty times as large are of the same order: nothing grows with the number of nodes."""

    def largest(n):
        graph, _ = from_networkx(nx.barabasi_albert_graph(n, 2, seed=0))
        graphdef, params = split(name, reduce="mean")
        h = jax.jit(nnx.merge(graphdef, params).__call__)(jnp.ones((n, F)), graph)
        return float(jnp.abs(h).max())

    assert 0.2 < largest(1000) / largest(20) < 5


@every_encoder
def test_learns_the_two_factions_of_the_karate_club_from_three_labels_each(name):
    club = nx.karate_club_graph()
    labels = np.array([club.nodes[v]["club"] == "Officer" for v in club])
    graph, _ = from_networkx(club)
    known = np.array([0, 1, 7, 33, 32, 30])  # three of each faction
    held_out = np.setdiff1d(np.arange(34), known)
    degree = np.array([d for _, d in club.degree])
    x = jnp.asarray(np.stack([degree / 17, np.isin(np.arange(34), [0]), np.isin(np.arange(34), [33])], 1), jnp.float32)
    encoder = get_encoder(name)(F, D, 3, rngs=nnx.Rngs(1))
    graphdef, params = nnx.split((encoder, nnx.Linear(D, 1, rngs=nnx.Rngs(2))))
    optimiser = optax.adam(1e-2)

    def logits(params):
        encoder, readout = nnx.merge(graphdef, params)
        return readout(encoder(x, graph))[:, 0]

    def loss(params):
        return optax.sigmoid_binary_cross_entropy(logits(params)[known], labels[known]).mean()

    def update(carry, _):
        params, state = carry
        updates, state = optimiser.update(jax.grad(loss)(params), state)
        return (optax.apply_updates(params, updates), state), None

    (params, _), _ = jax.jit(lambda carry: jax.lax.scan(update, carry, None, length=200))(
        (params, optimiser.init(params))
    )
    accuracy = (np.asarray(logits(params) > 0) == labels)[held_out].mean()
    # The best any classifier that sees only degrees can do, told every answer: the larger faction at each degree.
    by_degree = sum(
        max(np.sum(labels[held_out][degree[held_out] == d]), np.sum(~labels[held_out][degree[held_out] == d]))
        for d in set(degree[held_out])
    ) / len(held_out)
    assert accuracy > max(0.85, by_degree)
