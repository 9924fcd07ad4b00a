import jax
import numpy as np
import pytest

from lepton_rl.linear import BLOCK, inverse

SIZES = (1, 7, BLOCK, BLOCK + 1, 2 * BLOCK + 3)


def dominant(size, symmetric):
    """Rows whose diagonal outweighs the others by 1, as of I + a Laplacian."""
    links = np.random.default_rng(size).uniform(size=(size, size)) < 4 / size
    links = links | links.T if symmetric else links
    off = np.where(np.eye(size, dtype=bool), 0, links).astype(np.float64)
    return np.diag(off.sum(1) + 1) - off


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_inverses_are_numpys(size, symmetric):
    matrix = dominant(size, symmetric)
    found = jax.jit(inverse, static_argnums=1)(matrix.astype(np.float32), symmetric)
    np.testing.assert_allclose(found, np.linalg.inv(matrix), atol=3e-6)


def test_no_library_that_waits_for_the_thread_pool_is_called():
    """Two threads that factorise batches by LAPACK at once never end."""
    matrices = np.stack([dominant(BLOCK + 1, False).astype(np.float32)] * 2)
    program = jax.jit(jax.vmap(lambda matrix: inverse(matrix, False))).lower(matrices).as_text()
    assert "lapack" not in program and "while" in program
