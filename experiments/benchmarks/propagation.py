"""``python -m experiments.benchmarks propagation``: messages along shared arcs beside a gather and a segment sum."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from experiments.benchmarks.options import Propagation
from experiments.benchmarks.timing import fastest
from lepton_rl.arc_sum import arc_sum

__all__ = ["rows"]

Sum = Callable[[jax.Array, jax.Array], jax.Array]


def _programs(of_one: Sum, gradient: bool) -> Callable[..., Any]:
    of_batch = jax.vmap(of_one, (0, None))
    if not gradient:
        return jax.jit(of_batch)
    return jax.jit(jax.grad(lambda h, weights: (of_batch(h, weights) ** 2).sum(), (0, 1)))


def _measure(batch: int, gradient: bool, options: Propagation) -> dict[str, Any]:
    rng, (n, arcs, relations) = np.random.default_rng(0), (options.entities, 2 * options.facts, 2 * options.relations)
    s, r, t = (jnp.asarray(rng.integers(0, top, arcs), jnp.int32) for top in (n, relations, n))
    h = jnp.asarray(rng.normal(size=(batch, n, options.width)), jnp.float32)
    weights = jnp.asarray(rng.normal(size=(relations, options.width)), jnp.float32)
    present = jnp.ones(arcs, bool)
    ours = _programs(lambda h, weights: arc_sum(h, weights, present, (s, r, t)), gradient)
    plain = _programs(lambda h, weights: jax.ops.segment_sum(h[s] * weights[r], t, n), gradient)
    seconds = fastest([lambda: ours(h, weights), lambda: plain(h, weights)], options.seconds)
    return {"seconds": seconds[0], "segment_sum_seconds": seconds[1], "times_segment_sum": seconds[1] / seconds[0]}


def rows(options: Propagation, console: Console) -> Iterator[dict[str, Any]]:
    """The rows of the table, one by one."""
    for batch, gradient in product((2,) if options.quick else options.batches, (False, True)):
        work = "sum and gradient" if gradient else "sum"
        yield {"work": work, "n": options.entities, "batch": batch, **_measure(batch, gradient, options)}
