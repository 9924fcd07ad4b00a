"""Graph-editing environments: pure dynamics over a pool of start graphs, one file per rule of edits."""

from collections.abc import Callable
from typing import Any, NamedTuple

import lepton_rl  # noqa: F401 - registers the Gymnasium ids, so that gym.make("envs:lepton/…") works
from lepton_rl.registry import resolve

__all__ = ["DEFAULTS", "ENVIRONMENTS", "KNOWLEDGE", "Defaults", "get_environment", "rule_of"]

ENVIRONMENTS = {
    "EdgeAddition": "envs.edge_addition:make_edge_addition",
    "EdgeRemoval": "envs.edge_removal:make_edge_removal",
    "EdgeToggle": "envs.edge_toggle:make_edge_toggle",
    "EdgeReweighting": "envs.edge_reweighting:make_edge_reweighting",
    "Rewiring": "envs.rewiring:make_rewiring",
    "EdgeMove": "envs.rewiring:make_edge_move",
    "NodeRemoval": "envs.node_removal:make_node_removal",
    "NodeSelection": "envs.node_selection:make_node_selection",
    "NodeFlip": "envs.node_flip:make_node_flip",
    "LinkRecommendation": "envs.link_recommendation:make_link_recommendation",
    "KGCompletion": "envs.kg_completion:make_kg_completion",
    "KGRepair": "envs.kg_repair:make_kg_repair",
    "KGWalk": "envs.kg_walk:make_kg_walk",
    "KGRefinement": "envs.kg_refinement:make_kg_refinement",
}
KNOWLEDGE = ("KGCompletion", "KGRefinement", "KGRepair", "KGWalk")
"""The environments of knowledge graphs: pools of queries or of noise, and rewards of their own for an objective."""


class Defaults(NamedTuple):
    """What a rule is played with where nothing else is said.

    Attributes:
        objective: a name or a sum, see :func:`lepton_rl.objectives.get_objective`.
        graphs: family of the generated start graphs.
        build: import string of a function that builds the environment from its name and JSON-able settings.
    """

    objective: str
    graphs: str = "ba"
    build: str = "envs.episodes:build_env"


DEFAULTS = {
    "EdgeAddition": Defaults("critical_fraction_targeted"),
    "EdgeRemoval": Defaults("-efficiency"),
    "EdgeToggle": Defaults("-polarisation"),
    "EdgeReweighting": Defaults("-effective_resistance"),
    "Rewiring": Defaults("largest_component_targeted"),
    "EdgeMove": Defaults("largest_component_targeted"),
    "NodeRemoval": Defaults("-largest_component"),
    "NodeSelection": Defaults("independent_cascade"),
    "NodeFlip": Defaults("cut"),
    "LinkRecommendation": Defaults("diversity", "user_item"),
    "KGCompletion": Defaults("", "world", "envs.kg_completion:build_kg_completion"),
    "KGRepair": Defaults("", "world", "envs.kg_repair:build_kg_repair"),
    "KGWalk": Defaults("", "world", "envs.kg_walk:build_kg_walk"),
    "KGRefinement": Defaults("", "world", "envs.kg_refinement:build_kg_refinement"),
}


def rule_of(name: str) -> str:
    """The rule that ``name``, itself or its Gymnasium id ``lepton/<name>-v0``, stands for."""
    return name.removeprefix("lepton/").removesuffix("-v0")


def get_environment(name: str) -> Callable[..., Any]:
    """The builder of the rule ``name``, ``(pool, objective, budget, reward) -> GraphEnv``, which checks its arguments.

    Of the rules in :data:`KNOWLEDGE` it is ``(task, horizon) -> GraphEnv``, see :func:`envs.queries.load_task`.
    Also accepts the rule's Gymnasium id, ``lepton/<name>-v0``.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    return resolve(ENVIRONMENTS, rule_of(name), "environment")
