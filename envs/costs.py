"""What edits cost, where a budget is counted in cost: of nodes for rules of one pick, of pairs for rules of two."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from lepton_rl.graph import BitGraph, degree
from lepton_rl.objectives.base import Objective
from lepton_rl.registry import resolve
from lepton_rl.weights import pair_weights

__all__ = ["COSTS", "Cost", "get_cost", "reads_weights"]

COSTS = {
    "length": "envs.costs:LENGTH",
    "weight": "envs.costs:WEIGHT",
    "degree": "envs.costs:DEGREE",
    "price": "envs.costs:PRICE",
}


class Cost(NamedTuple):
    """What every edit costs in a graph.

    Attributes:
        of: ``graph -> f32[N]`` of nodes or ``f32[N, N]`` of pairs; finite and not negative.
        picks: 1 = of nodes, 2 = of pairs. ``reads``: what the first node features are to be, as names of attributes.
    """

    of: Callable[[BitGraph], Float[Array, "..."]]
    picks: int
    reads: tuple[str, ...] = ()


def _lengths(graph: BitGraph) -> Float[Array, "N N"]:
    x, y = graph.node_features[:, 0], graph.node_features[:, 1]
    return jnp.sqrt((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2)


LENGTH = Cost(_lengths, picks=2, reads=("x", "y"))
"""The distance between the ends, whose positions are the first two node features.

Reference: Darvariu, Hailes & Musolesi, "Planning spatial networks with Monte Carlo tree search", Proc. R. Soc. A 479,
2023.
"""
WEIGHT = Cost(pair_weights, picks=2)
"""What the pair weighs (``lepton_rl.weights``) before the edit."""
DEGREE = Cost(lambda graph: degree(graph).astype(jnp.float32), picks=1)
"""The node's edges before the edit.

Reference: Ren, Gleinig, Helbing & Antulov-Fantulin, "Generalized network dismantling", PNAS 116, 2019.
"""
PRICE = Cost(lambda graph: graph.node_features[:, 0], picks=1, reads=("price",))
"""The first node feature.

Reference: Nguyen & Zheng, "On budgeted influence maximization in social networks", IEEE Journal on Selected Areas in
Communications 31, 2013.
"""


def reads_weights(objective: Objective, cost: str | None) -> bool:
    """Whether the objective, or a cost by its name, depends on what edges weigh."""
    return bool(objective.weighted) or cost == "weight"


def get_cost(name: str) -> Cost:
    """The cost called ``name``.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    return resolve(COSTS, name, "cost")
