"""Members of batches."""

import jax
import jax.numpy as jnp
import numpy as np


def member(tree, i):
    """Member ``i`` of every leaf, taken by NumPy: an index into a JAX array is compiled, for every number anew."""
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[i]), tree)
