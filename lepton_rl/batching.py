"""Named batch axes, so that dear branches run only when somebody in the batch needs them.

Under ``vmap`` a ``lax.cond`` on a per-member flag becomes a ``select`` that runs both branches for everybody. Drivers
here name their batch axes; ``anywhere(flag)`` asks "does it hold for any member?": a scalar, on which a conditional
stays a conditional. A batch in lock-step then pays for a dear branch only when it is due, and a batch out of step
stays exact, only slower. Under an unnamed ``vmap`` results are the same too.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

__all__ = ["ENVIRONMENT_AXIS", "RUN_AXIS", "anywhere"]

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
