"""Jumanji's GraphColoring, played like ours: the fastest graph environment in JAX elsewhere (Bonnet et al. 2024)."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

__all__ = ["graph_coloring", "installed"]


def installed() -> bool:
    """Whether Jumanji can be imported (``pip install jumanji``)."""
    return find_spec("jumanji") is not None


def graph_coloring(num_nodes: int) -> Callable[[Key[Array, "B"]], Array]:
    """A function that plays whole episodes, num_nodes steps each, and returns their rewards f32[B, num_nodes].

    Edges with probability 0.2, about as many as our graphs have. Colours are picked as our benchmarks pick nodes: the
    first legal one from a random place on. Resets are in it, as in ours.
    """
    from jumanji.environments.logic.graph_coloring import GraphColoring  # noqa: PLC0415 - an optional peer
    from jumanji.environments.logic.graph_coloring.generator import RandomGenerator  # noqa: PLC0415

    env = GraphColoring(RandomGenerator(num_nodes, edge_probability=0.2))
    colours = jnp.arange(num_nodes)

    def episode(key: Array) -> Array:
        state, step = env.reset(key)

        def act(carry: tuple[Any, Array], t: Array) -> tuple[tuple[Any, Array], Array]:
            state, legal = carry
            place = jax.random.key_data(jax.random.fold_in(key, t))[0] % num_nodes
            pick = jnp.argmin(jnp.where(legal, (colours - place) % num_nodes, num_nodes))
            state, step = env.step(state, pick)
            return (state, step.observation.action_mask), step.reward

        return jax.lax.scan(act, (state, step.observation.action_mask), jnp.arange(num_nodes))[1]

    return jax.vmap(episode)
