"""Inverses of matrices that need no pivots, in XLA's own operations.

LAPACK's batched LU and Cholesky wait in the CPU's thread pool for that pool itself (jaxlib 0.10): as many at once as it
has threads, a planner's beside the learner's, never end. They also take a batch one member after the other.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lepton_rl.batching import once

__all__ = ["inverse"]

BLOCK = 128  # rows that are eliminated one by one; larger matrices go by blocks of so many


def inverse(matrix: Float[Array, "N N"], symmetric: bool = True) -> Float[Array, "N N"]:
    """The inverse of a positive definite or a diagonally dominant matrix, by Gauss–Jordan elimination in place.

    Neither kind needs pivots (Golub & Van Loan, "Matrix Computations", 4th edition, 2013, §4.1 and §4.2). Up to 128
    rows every step is one fused loop over the batch; above, blocks of rows are eliminated by products of matrices.
    """
    size = matrix.shape[0]
    if size <= BLOCK:
        # Swept with the signs of the SWEEP operator (Goodnight 1979), which leave a symmetric matrix symmetric.
        return -jax.lax.fori_loop(0, size, _sweep_symmetric if symmetric else _sweep, matrix)
    spare = -size % BLOCK
    padded = jnp.pad(matrix, (0, spare)) + jnp.diag((jnp.arange(size + spare) >= size).astype(matrix.dtype))

    def eliminate(k: Array, matrix: Float[Array, "N N"]) -> Float[Array, "N N"]:
        return _eliminate_block(k * BLOCK, matrix, symmetric)

    found = jax.lax.fori_loop(0, padded.shape[0] // BLOCK, eliminate, padded)[:size, :size]
    # A step of Newton's method takes back what rounding of many blocks added up to.
    residual = jnp.eye(size) - jnp.matmul(matrix, found, precision="highest")
    return found + jnp.matmul(found, residual, precision="highest")


def _sweep_symmetric(k: Array, matrix: Float[Array, "N N"]) -> Float[Array, "N N"]:
    row, here = once(lambda: matrix[k]), jnp.arange(matrix.shape[0]) == k
    return _swept(matrix, row, row, here)


def _sweep(k: Array, matrix: Float[Array, "N N"]) -> Float[Array, "N N"]:
    row, column = once(lambda: (matrix[k], matrix[:, k]))
    return _swept(matrix, row, column, jnp.arange(matrix.shape[0]) == k)


def _swept(
    matrix: Float[Array, "N N"], row: Float[Array, "N"], column: Float[Array, "N"], here: Bool[Array, "N"]
) -> Float[Array, "N N"]:
    pivot = jnp.where(here, row, 0.0).sum()
    down, along = (jnp.where(here, -1.0, line) / pivot for line in (column, row))
    swept = jnp.where(here[None, :], down[:, None], matrix - down[:, None] * row[None, :])
    return jnp.where(here[:, None], along[None, :], swept)


def _eliminate_block(first: Array, matrix: Float[Array, "N N"], symmetric: bool) -> Float[Array, "N N"]:
    """The rows from ``first`` on; the block in the place of a pivot, and signs as in plain elimination."""
    size = matrix.shape[0]
    rows = jax.lax.dynamic_slice(matrix, (first, 0), (BLOCK, size))
    columns = jax.lax.dynamic_slice(matrix, (0, first), (size, BLOCK))
    pivot = inverse(jax.lax.dynamic_slice(rows, (0, first), (BLOCK, BLOCK)), symmetric)
    scaled = jnp.matmul(pivot, rows, precision="highest")
    others = matrix - jnp.matmul(columns, scaled, precision="highest")
    others = jax.lax.dynamic_update_slice(others, scaled, (first, 0))
    across = -jnp.matmul(columns, pivot, precision="highest")
    others = jax.lax.dynamic_update_slice(others, across, (0, first))
    return jax.lax.dynamic_update_slice(others, pivot, (first, first))
