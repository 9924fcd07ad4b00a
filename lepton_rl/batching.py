"""Named batch axes, so that dear branches run only when somebody in the batch needs them.

Under ``vmap`` a ``lax.cond`` on a per-member flag becomes a ``select`` that runs both branches for everybody. Drivers
here name their batch axes; ``anywhere(flag)`` asks "does it hold for any member?": a scalar, on which a conditional
stays a conditional. A batch in lock-step then pays for a dear branch only when it is due, and a batch out of step
stays exact, only slower. Under an unnamed ``vmap`` results are the same too.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

__all__ = [
    "ENVIRONMENT_AXIS", "POPULATION_AXIS", "RUN_AXIS", "anywhere", "branch", "in_full_batches", "in_parts", "once",
]  # fmt: skip

ENVIRONMENT_AXIS = "environments"  # the vmap axis over parallel environments or transitions
POPULATION_AXIS = "population"  # the vmap axis over the members of a generation
RUN_AXIS = "runs"  # the vmap axis over seeds and settings of a learner


def anywhere(flag: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether ``flag`` holds for any member of the named batch axes; ``flag`` itself outside of them."""
    for axis in (ENVIRONMENT_AXIS, POPULATION_AXIS, RUN_AXIS):
        try:
            flag = jax.lax.pmax(flag.astype(jnp.int32), axis) > 0
        except NameError:  # the axis is not bound: nothing is batched over it
            continue
    return flag


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def branch(
    true: Callable[[Any, Any], Any], false: Callable[[Any, Any], Any], flag: Bool[Array, ""], fixed: Any, operands: Any
) -> Any:
    """``lax.cond`` on ``flag`` whose gradient runs through the branch taken alone and keeps nothing but its inputs.

    The gradient of a ``cond`` passes the intermediate values of both branches from forward to backward, as zeros for
    the one not taken, and copies what it closes over. Here the branch taken is computed again.

    Args:
        true, false: ``(fixed, operands) -> result``, functions that close over no array.
        flag: a scalar of the whole batch, see :func:`anywhere`.
        fixed: arrays without a gradient, in plain containers. ``operands``: floats, likewise.
    """
    return jax.lax.cond(flag, true, false, fixed, operands)


def _branch_forward(
    true: Callable[[Any, Any], Any], false: Callable[[Any, Any], Any], flag: Bool[Array, ""], fixed: Any, operands: Any
) -> tuple[Any, tuple[Any, ...]]:
    return jax.lax.cond(flag, true, false, fixed, operands), (flag, fixed, operands)


def _branch_backward(
    true: Callable[[Any, Any], Any], false: Callable[[Any, Any], Any], kept: tuple[Any, ...], cotangent: Any
) -> tuple[Any, ...]:
    flag, fixed, operands = kept

    def through(taken: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
        return lambda fixed, operands, cotangent: jax.vjp(partial(taken, fixed), operands)[1](cotangent)[0]

    return None, None, jax.lax.cond(flag, through(true), through(false), fixed, operands, cotangent)


branch.defvjp(_branch_forward, _branch_backward)


def in_parts(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """``function(*arguments)`` on ``size`` members of a batch at a time, one part after the other.

    A part that fits the cache, and whose slowest member holds up few others, is quicker than one large batch on CPUs.

    Args:
        function: batched, of results that have the batch as their leading axis too. ``size``: members a part.
        arguments: pytrees with a leading batch axis.

    Raises:
        ValueError: ``size`` does not divide the batch.
    """
    batch = jax.tree.leaves(arguments)[0].shape[0]
    if size < 1 or batch % size:
        raise ValueError(f"parts of {size} do not divide a batch of {batch}: give a divisor of it.")
    parts = jax.tree.map(lambda leaf: leaf.reshape(batch // size, size, *leaf.shape[1:]), arguments)
    results = jax.lax.map(lambda part: function(*part), parts)
    return jax.tree.map(lambda leaf: leaf.reshape(batch, *leaf.shape[2:]), results)


def in_full_batches(function: Callable[[np.ndarray], Any], rows: np.ndarray, size: int) -> np.ndarray:
    """``function`` of ``size`` rows at a time, put together, on the host.

    The last batch is filled up with rows drawn again, so that what is compiled is compiled once.

    Args:
        function: ``rows[size, ...] -> [size, ...]``. ``rows``: [m, ...], at least one.

    >>> in_full_batches(lambda rows: rows + 0.5, np.arange(5), 2).tolist()
    [0.5, 1.5, 2.5, 3.5, 4.5]
    """
    parts = [rows[begin : begin + size] for begin in range(0, len(rows), size)]
    shape = (size, *rows.shape[1:])
    return np.concatenate([np.asarray(function(np.resize(part, shape)))[: len(part)] for part in parts])


def once(function: Callable[[], Any]) -> Any:
    """``function()``, computed once: XLA:CPU would merge it into the loops that read it, and run it there per element.

    A loop of one turn is a border that it does not cross, provided that it cannot see that there is only one.
    """
    blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(function))
    start = blank, jax.lax.optimization_barrier(jnp.bool_(True))
    return jax.lax.while_loop(lambda state: state[1], lambda _: (function(), jnp.bool_(False)), start)[0]
