"""Named batch axes, so that dear branches run only when somebody in the batch needs them.

Under ``vmap`` a ``lax.cond`` on a per-member flag becomes a ``select`` that runs both branches for everybody. Drivers
here name their batch axes; ``anywhere(flag)`` asks "does it hold for any member?": a scalar, on which a conditional
stays a conditional. A batch in lock-step then pays for a dear branch only when it is due, and a batch out of step
stays exact, only slower. Under an unnamed ``vmap`` results are the same too.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

__all__ = ["ENVIRONMENT_AXIS", "RUN_AXIS", "anywhere", "in_parts"]

ENVIRONMENT_AXIS = "environments"  # the vmap axis over parallel environments or transitions
RUN_AXIS = "runs"  # the vmap axis over seeds and settings of a learner


def anywhere(flag: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether ``flag`` holds for any member of the named batch axes; ``flag`` itself outside of them."""
    for axis in (ENVIRONMENT_AXIS, RUN_AXIS):
        try:
            flag = jax.lax.pmax(flag.astype(jnp.int32), axis) > 0
        except NameError:  # the axis is not bound: nothing is batched over it
            continue
    return flag


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
