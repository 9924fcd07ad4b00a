"""A branch that keeps only its inputs: the values and gradients of ``lax.cond``, alone and in batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lepton_rl.batching import ENVIRONMENT_AXIS, anywhere, branch, in_full_batches


def dear(fixed, operands):
    x, w = operands
    return jnp.sin(x @ w) * fixed


def cheap(fixed, operands):
    return operands[0].sum() + fixed


def case(batch=()):
    rng = np.random.default_rng(0)
    x, fixed = rng.normal(size=(*batch, 5)).astype(np.float32), rng.normal(size=batch).astype(np.float32)
    return fixed, (x, rng.normal(size=5).astype(np.float32))


@pytest.mark.parametrize("flag", [True, False])
def test_values_and_gradients_are_those_of_the_function_taken(flag):
    fixed, operands = case()
    taken = dear if flag else cheap
    value, gradient = jax.jit(jax.value_and_grad(lambda o, f: branch(dear, cheap, f, fixed, o)))(operands, flag)
    expected = jax.value_and_grad(lambda o: taken(fixed, o))(operands)
    np.testing.assert_allclose(value, expected[0], rtol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), gradient, expected[1])


@pytest.mark.parametrize("flags", [[True, False, False], [False, False, False]])
def test_a_batch_stays_one_conditional_and_its_gradient_the_sum_of_its_members(flags):
    fixed, (x, w) = case((3,))
    due = jnp.array(flags)

    def total(w):
        def one(fixed, x, flag):
            return branch(dear, cheap, anywhere(flag), fixed, (x, w))

        return jax.vmap(one, axis_name=ENVIRONMENT_AXIS)(fixed, x, due).sum()

    taken = dear if any(flags) else cheap
    expected = jax.grad(lambda w: sum(taken(f, (row, w)) for f, row in zip(fixed, x, strict=True)))(w)
    np.testing.assert_allclose(jax.grad(total)(w), expected, rtol=1e-5, atol=1e-6)
    assert str(jax.make_jaxpr(jax.grad(total))(w)).count("cond[") == 2  # one forward, one backward


def test_what_is_fixed_may_be_anything_and_has_no_gradient():
    def chosen(fixed, x):
        words, mask = fixed
        return jnp.where(mask, x * (words & 1), 0).sum()

    fixed = jnp.arange(4, dtype=jnp.uint32), jnp.array([True, True, False, True])
    gradient = jax.grad(lambda x: branch(chosen, lambda fixed, x: x.sum() * 0, jnp.bool_(True), fixed, x))(jnp.ones(4))
    np.testing.assert_array_equal(gradient, [0, 1, 0, 1])


def test_full_batches_are_the_rows_in_order_and_one_shape():
    shapes = set()

    def doubled(rows):
        shapes.add(rows.shape)
        return 2 * rows

    for m in (1, 4, 6, 9):
        rows = np.arange(3 * m).reshape(m, 3)
        np.testing.assert_array_equal(in_full_batches(doubled, rows, 4), 2 * rows)
    assert shapes == {(4, 3)}
