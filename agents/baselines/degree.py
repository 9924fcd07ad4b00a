"""Baselines that read no more than degrees: uniformly random edges, and the lowest product of degrees."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from agents.baselines.base import add_one_by_one
from envs.edge_addition import EdgeAddition
from lepton_rl.graph import BitGraph, degree

__all__ = ["lowest_degree_product", "uniform"]


def _nothing(graph: BitGraph) -> tuple[()]:
    return ()


def _constant(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    return jnp.zeros((graph.capacity, graph.capacity))


def _degree_product(memory: tuple[()], graph: BitGraph, key: PRNGKeyArray) -> Float[Array, "N N"]:
    degrees = degree(graph).astype(jnp.float32)
    return -degrees[:, None] * degrees[None, :]


def uniform(env: EdgeAddition, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Add absent edges drawn uniformly at random, one after the other. Returns i32[2·budget]."""
    return add_one_by_one(env, start, key, begin=_nothing, criterion=_constant)


def lowest_degree_product(env: EdgeAddition, start: Int[Array, ""], key: PRNGKeyArray) -> Int[Array, "T"]:
    """Repeatedly add the absent edge whose ends have the lowest product of degrees, ties at random.

    Returns i32[2·budget]. Reference: the baseline LDP of Darvariu, Hailes & Musolesi, "Goal-directed graph
    construction using reinforcement learning", Proc. R. Soc. A 477, 2021.
    """
    # Products of degrees are integers, exact in f32 up to 2^24: nothing but equal ones may tie.
    return add_one_by_one(env, start, key, begin=_nothing, criterion=_degree_product, tolerance=0.0)
