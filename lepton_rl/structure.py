"""Where a node stands in its graph, computed under ``jit`` so that it follows the edits: ``BitGraph -> f32[N, K]``.

Every feature is zero at absent nodes, does not change with padding, and moves with the nodes under relabelling
(:func:`laplacian_vectors` as far as eigenvectors can). None depends on the size of the graph as such. Degrees and core
numbers are the plain counts; a network reads them best as log(1 + count).
Letters: N node slots, K features.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lepton_rl.batching import anywhere
from lepton_rl.graph import BitGraph, adjacency, degree, pack_bits
from lepton_rl.registry import resolve

__all__ = [
    "STRUCTURAL", "clustering", "core_numbers", "degrees", "get_structural", "laplacian_vectors", "random_walk",
]  # fmt: skip

STRUCTURAL = {
    "degree": "lepton_rl.structure:degrees",
    "clustering": "lepton_rl.structure:clustering",
    "core": "lepton_rl.structure:core_numbers",
    "random_walk": "lepton_rl.structure:random_walk",
    "laplacian": "lepton_rl.structure:laplacian_vectors",
}

OUTSIDE = 3.0  # above every eigenvalue of a normalised Laplacian (at most 2), and of their size: no digits are lost
LOPSIDED = 1e-3  # relative to the sum of absolute cubes; well above what rounding leaves of a sum that is zero


def get_structural(name: str) -> Callable[[Any], Float[Array, "N K"]]:
    """The feature called ``name``.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    return resolve(STRUCTURAL, name, "structural feature")


def degrees(graph: BitGraph) -> Float[Array, "N K"]:
    """Number of neighbours, f32[N, 1]; out- and in-degree of a directed graph, f32[N, 2].

    >>> from lepton_rl.graph import from_edges
    >>> degrees(from_edges([(0, 1), (0, 2)], num_nodes=3, directed=True)).tolist()
    [[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """
    out = degree(graph)
    columns = [out, adjacency(graph).sum(0)] if graph.directed else [out]
    return jnp.stack(columns, axis=-1).astype(jnp.float32)


def clustering(graph: BitGraph) -> Float[Array, "N 1"]:
    """Local clustering coefficient: the share of pairs of neighbours that are joined, f32[N, 1]; 0 without a pair.

    (A + Aᵀ)³_uu / 2(d(d - 1) - 2m) with d the in- plus out-degree and m the neighbours joined both ways, which counts
    triangles of every orientation (Fagiolo, "Clustering in complex directed networks", Physical Review E 76, 2007).
    Where edges have no direction that is the coefficient of Watts & Strogatz (Nature 393, 1998).
    """
    dense = adjacency(graph).astype(jnp.float32)
    both = dense + dense.T
    total, mutual = both.sum(-1), (dense * dense.T).sum(-1)
    triangles = ((both @ both) * both).sum(-1)
    pairs = 2 * (total * (total - 1) - 2 * mutual)
    return jnp.where(pairs > 0, triangles / jnp.maximum(pairs, 1), 0.0)[:, None]


def core_numbers(graph: BitGraph) -> Float[Array, "N 1"]:
    """Core number: the largest k such that the node is in a part where all have k neighbours or more, f32[N, 1].

    In a directed graph neighbours count once for each direction, as in networkx. By peeling (Seidman, "Network
    structure and minimum degree", Social Networks 5, 1983): each round takes away everybody of the smallest degree so
    far or less, on bitsets, so that there are at most n rounds and usually few.
    """
    sides = [graph.rows, pack_bits(adjacency(graph).T)] if graph.directed else [graph.rows]
    both = jnp.stack(sides)

    def peel(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        left, core, k, _ = state
        around = jax.lax.population_count(both & pack_bits(left)).astype(jnp.int32).sum((0, 2))
        k = jnp.maximum(k, jnp.where(left, around, 2 * graph.capacity).min())
        gone = left & (around <= k)
        left &= ~gone
        return left, jnp.where(gone, k, core), k, anywhere(left.any())

    start = graph.node_mask, jnp.zeros(graph.capacity, jnp.int32), jnp.int32(0), jnp.bool_(True)
    core = jax.lax.while_loop(lambda state: state[3], peel, start)[1]
    return core.astype(jnp.float32)[:, None]


def random_walk(graph: BitGraph, steps: int = 16) -> Float[Array, "N steps"]:
    """Random-walk encoding: the chances of being back after 1 … ``steps`` steps, f32[N, steps].

    Column k - 1 is the diagonal of (D⁻¹A)^k (RWPE; Dwivedi, Luu, Laurent, Bengio & Bresson, "Graph neural networks with
    learnable structural and positional representations", ICLR 2022). The first is 0, as there are no self-loops; it
    stays, so that the columns are the paper's. In a directed graph walks follow the edges and end where there is none.
    """
    dense = adjacency(graph).astype(jnp.float32)
    walk = dense / jnp.maximum(dense.sum(-1, keepdims=True), 1)
    powers, columns = [walk], [jnp.diagonal(walk)]
    for k in range(2, steps + 1):
        if k % 2:  # the diagonal of P^(a + b) takes P^a and P^b only: half as many products
            powers.append(jnp.matmul(powers[-1], walk, precision="highest"))
        columns.append((powers[k - k // 2 - 1] * powers[k // 2 - 1].T).sum(-1))
    return jnp.stack(columns, axis=-1)


def laplacian_vectors(graph: BitGraph, count: int = 8) -> Float[Array, "N count"]:
    """Laplacian encoding: eigenvectors of I - D^(-1/2) A D^(-1/2) by ascending eigenvalue, f32[N, count].

    Without the trivial one, D^(1/2)·1 (Dwivedi et al., "Benchmarking graph neural networks", JMLR 24, 2023), scaled to
    mean square 1 over the nodes that have a neighbour. Isolated nodes have no place in the spectrum and are 0; so are
    columns beyond what the graph has. Costs an eigendecomposition, O(N³), at every call.

    Sign: the sum of cubes is positive, which does not depend on labels. Limits: where a symmetry of the graph maps a
    vector to its negative that sum is 0 and no rule can be blind to labels; the lowest slot that is not 0 is positive
    then. Where eigenvalues coincide (components, symmetric graphs) only the space that their vectors span is defined:
    the vectors in it are any basis, which labels and edits change. :func:`random_walk` has no such limits.

    Raises:
        ValueError: a directed graph; its Laplacian is not symmetric.
    """
    if graph.directed:
        raise ValueError(
            "Laplacian encodings need an undirected graph (a directed one has no symmetric Laplacian): build it "
            "with directed=False, or use 'random_walk', which follows directions."
        )
    d = degree(graph).astype(jnp.float32)
    joined = d > 0
    scale = jnp.where(joined, 1 / jnp.sqrt(jnp.maximum(d, 1)), 0.0)
    trivial = jnp.sqrt(d / jnp.maximum(d.sum(), 1))
    matrix = jnp.diag(jnp.where(joined, 1.0, OUTSIDE)) - adjacency(graph) * scale[:, None] * scale[None, :]
    vectors = jnp.linalg.eigh(matrix + OUTSIDE * jnp.outer(trivial, trivial))[1][:, :count]
    size = joined.sum().astype(jnp.float32)
    there = joined[:, None] & (jnp.arange(vectors.shape[1]) < size - 1)
    encoding = jnp.where(there, vectors * _sign(vectors) * jnp.sqrt(size), 0.0)
    return jnp.pad(encoding, ((0, 0), (0, count - vectors.shape[1])))


def _sign(vectors: Float[Array, "N K"]) -> Float[Array, "K"]:
    """1 or -1 a column: the sign of the sum of cubes, or where that is 0 of the first entry that is not."""
    cubes, size = (vectors**3).sum(0), (jnp.abs(vectors) ** 3).sum(0)
    first = jnp.argmax(jnp.abs(vectors) > LOPSIDED * jnp.abs(vectors).max(0), axis=0)
    leading = jnp.take_along_axis(vectors, first[None], axis=0)[0]
    return jnp.where(jnp.where(jnp.abs(cubes) > LOPSIDED * size, cubes, leading) < 0, -1.0, 1.0)
