"""Checked against sums arc by arc in numpy, and against JAX's own derivative of a gather and a segment sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lepton_rl.arc_sum import arc_sum

N, E, W, B, D = 5, 12, 3, 4, 2
# What each query has of its own, of (h, weights, present, arcs); the rest is shared.
BATCHES = {
    "embeddings": (0, None, None, None),
    "presence": (None, None, 0, None),
    "embeddings and presence": (0, None, 0, None),
    "weights": (None, 0, None, None),
    "all": (0, 0, 0, 0),
}


def given(axes):
    """Numbers for B queries, those that are shared once."""
    rng = np.random.default_rng(0)

    def of(axis, draw):
        return jnp.asarray(np.stack([draw() for _ in range(B)]) if axis == 0 else draw())

    arcs = tuple(of(axes[3], lambda top=top: rng.integers(0, top, E).astype(np.int32)) for top in (N, W, N))
    return (
        of(axes[0], lambda: rng.normal(size=(N, D)).astype(np.float32)),
        of(axes[1], lambda: rng.normal(size=(W, D)).astype(np.float32)),
        of(axes[2], lambda: rng.random(E) < 0.7),
        arcs,
    )


def query(given, axes, b):
    """What query b has."""
    h, weights, present, arcs = (
        jax.tree.map(lambda x, axis=axis: x[b] if axis == 0 else x, one)
        for one, axis in zip(given, axes, strict=True)
    )
    return h, weights, present, arcs


def arc_by_arc(h, weights, present, arcs):
    total = np.zeros((N, D), np.float64)
    for s, r, t, there in zip(*(np.asarray(one) for one in arcs), np.asarray(present), strict=True):
        total[t] += there * np.asarray(weights[r], np.float64) * np.asarray(h[s], np.float64)
    return total


def segment_sum(h, weights, present, arcs):
    s, r, t = arcs
    return jax.ops.segment_sum(jnp.where(present[:, None], h[s] * weights[r], 0), t, N)


@pytest.mark.parametrize("name", BATCHES)
def test_sum_arc_by_arc(name):
    axes = BATCHES[name]
    numbers = given(axes)
    sums = jax.jit(jax.vmap(arc_sum, axes))(*numbers)
    for b in range(B):
        np.testing.assert_allclose(sums[b], arc_by_arc(*query(numbers, axes, b)), atol=1e-5)


def test_one_query():
    axes = (None,) * 4
    np.testing.assert_allclose(arc_sum(*given(axes)), arc_by_arc(*given(axes)), atol=1e-5)


@pytest.mark.parametrize("name", BATCHES)
def test_gradient_is_that_of_a_segment_sum(name):
    """Of a batch by what is shared too, where the derivatives of all queries add up."""
    axes = BATCHES[name]
    h, weights, present, arcs = given(axes)

    def gradients(of_one):
        def total(h, weights):
            return (jax.vmap(of_one, axes)(h, weights, present, arcs) ** 3).sum()

        return jax.jit(jax.grad(total, (0, 1)))(h, weights)

    for ours, theirs in zip(gradients(arc_sum), gradients(segment_sum), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_batches_of_batches():
    """Runs with parameters of their own, each with a batch of queries, as the learner has them."""
    h, weights, present, arcs = given(BATCHES["embeddings and presence"])
    runs = jnp.stack([weights, -2 * weights])
    queries = jax.vmap(arc_sum, (0, None, 0, None))
    sums = jax.jit(jax.vmap(queries, (None, 0, None, None)))(h, runs, present, arcs)
    np.testing.assert_allclose(sums[0], queries(h, weights, present, arcs), atol=1e-5)
    np.testing.assert_allclose(sums[1], -2 * sums[0], atol=1e-5)


def test_queries_that_share_arcs_share_a_loop():
    """One loop over the arcs for the whole batch and none of the scatters that it is there to replace."""
    axes = BATCHES["embeddings"]
    program = jax.jit(jax.vmap(arc_sum, axes)).lower(*given(axes)).as_text()
    assert "stablehlo.while" in program
    assert ("scatter" in program) == (jax.default_backend() != "cpu")
