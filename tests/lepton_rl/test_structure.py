"""Structural features where the contract of the table stops: eigenspaces, signs, directions, sizes."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from lepton_rl.graph import from_edges, from_networkx, permute
from lepton_rl.structure import get_structural, laplacian_vectors, random_walk
from tests.oracles import laplacian_spectrum, return_probabilities

CAPACITY, COUNT = 24, 23
permuted = jax.jit(permute)
laplacian = jax.jit(lambda graph: laplacian_vectors(graph, COUNT))  # one program for all tests
SYMMETRIC = {
    "cycle": nx.cycle_graph(9), "complete": nx.complete_graph(6), "star": nx.star_graph(7), "path": nx.path_graph(8),
    "grid": nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, 5)), "petersen": nx.petersen_graph(),
    "two parts": nx.disjoint_union(nx.cycle_graph(5), nx.path_graph(6)),
    "three parts and a node alone": nx.disjoint_union_all([nx.complete_graph(4)] * 3 + [nx.empty_graph(1)]),
}  # fmt: skip
every_symmetric = pytest.mark.parametrize("plain", SYMMETRIC.values(), ids=SYMMETRIC.keys())


def projectors(values, vectors):
    """Projector onto each eigenspace, columns grouped by equal eigenvalues: what does not depend on a basis."""
    groups = np.split(np.arange(len(values)), np.flatnonzero(np.diff(values) > 1e-4) + 1)
    return np.stack([vectors[:, group] @ vectors[:, group].T for group in groups])


def spectrum_without_the_trivial_vector(plain):
    """By definition, the space of the trivial vector D^(1/2)·1 taken out by projection and not by its place."""
    values, vectors = laplacian_spectrum(plain)
    spaces = projectors(values, vectors)
    trivial = np.sqrt([plain.degree[v] for v in plain])
    n = len(values)
    spaces[0] -= n * np.outer(trivial, trivial) / (trivial @ trivial)
    return values, spaces


def encode(graph):
    return np.asarray(laplacian(graph))


def same_spaces(encoding, plain):
    values, expected = spectrum_without_the_trivial_vector(plain)
    padded = np.concatenate([np.zeros((len(plain), 1)), encoding[: len(plain), : len(values) - 1]], axis=1)
    np.testing.assert_allclose(projectors(values, padded), expected, atol=1e-4)


@every_symmetric
def test_laplacian_spans_the_eigenspaces_of_symmetric_and_disconnected_graphs(plain):
    encoding = encode(from_networkx(plain, capacity=CAPACITY)[0])
    same_spaces(encoding, plain)
    assert not encoding[len(plain) :].any()


@every_symmetric
def test_laplacian_eigenspaces_move_with_the_nodes(plain):
    order = np.random.default_rng(2).permutation(CAPACITY)
    moved = permuted(from_networkx(plain, capacity=CAPACITY)[0], jnp.asarray(order))
    same_spaces(encode(moved)[np.argsort(order)], plain)


def test_the_sign_no_rule_can_give_is_that_of_the_lowest_slot():
    """The first vector of a path turns into its negative when the path is read from its other end."""
    path = from_networkx(nx.path_graph(CAPACITY))[0]
    reverse = permuted(path, jnp.arange(CAPACITY)[::-1])
    first, of_reverse = (encode(graph)[:, 0] for graph in (path, reverse))
    assert first[0] > 0.5
    np.testing.assert_allclose(of_reverse, first, atol=1e-4)
    np.testing.assert_allclose(first[::-1], -first, atol=1e-4)


def test_the_sign_of_a_lopsided_vector_does_not_depend_on_labels():
    graph = from_networkx(nx.lollipop_graph(5, 6), capacity=CAPACITY)[0]
    expected = encode(graph)[:, :2]
    assert (expected**3).sum(0).min() > 1
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(CAPACITY)
        np.testing.assert_allclose(encode(permuted(graph, jnp.asarray(order)))[:, :2], expected[order], atol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 3, CAPACITY])
def test_laplacian_columns_beyond_the_graph_are_zero(n):
    encoding = encode(from_networkx(nx.path_graph(n), capacity=CAPACITY)[0])
    np.testing.assert_allclose((encoding**2).sum(0), n * (np.arange(COUNT) < n - 1), rtol=1e-4)


def test_more_laplacian_columns_than_slots():
    encoding = jax.jit(lambda graph: laplacian_vectors(graph, 4))(from_networkx(nx.path_graph(2))[0])
    np.testing.assert_allclose(encoding, [[1, 0, 0, 0], [-1, 0, 0, 0]], atol=1e-6)


def test_laplacian_refuses_directed_graphs():
    with pytest.raises(ValueError, match=r"undirected graph.*'random_walk'"):
        laplacian_vectors(from_edges([(0, 1)], 2, directed=True))


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_random_walks_of_any_length(steps):
    plain = nx.gnp_random_graph(12, 0.3, seed=4, directed=True)
    values = jax.jit(lambda graph: random_walk(graph, steps))(from_networkx(plain)[0])
    np.testing.assert_allclose(values, return_probabilities(plain, steps), atol=1e-6)


def test_random_walks_tell_apart_what_message_passing_cannot():
    """Two triangles and a hexagon: all degrees are 2; a walk is back after three steps only in a triangle."""
    triangles, hexagon = nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)), nx.cycle_graph(6)
    walk = jax.jit(lambda graph: random_walk(graph, 3)[:, 2])
    back = [walk(from_networkx(plain)[0]) for plain in (triangles, hexagon)]
    np.testing.assert_allclose(back, [[0.25] * 6, [0.0] * 6], atol=1e-6)


def test_a_misspelt_feature_is_told_the_near_match():
    with pytest.raises(ValueError, match=r"unknown structural feature 'cores'\. Did you mean 'core'\?"):
        get_structural("cores")
