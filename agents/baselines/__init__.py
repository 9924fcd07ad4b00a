"""Classical baselines by name: planners that see the start graph and the objective, never the environment's noise."""

from agents.baselines.base import Planner
from lepton_rl.registry import resolve

__all__ = ["BASELINES", "Planner", "baselines_for", "get_baseline"]

BASELINES = {
    "random": "agents.baselines.degree:uniform",
    "lowest_degree_product": "agents.baselines.degree:lowest_degree_product",
    "fiedler": "agents.baselines.spectral:fiedler",
    "effective_resistance": "agents.baselines.spectral:effective_resistance",
    "adaptive_degree": "agents.baselines.dismantling:adaptive_degree",
    "collective_influence": "agents.baselines.dismantling:collective_influence",
    "core_degree": "agents.baselines.dismantling:core_degree",
    "adaptive_betweenness": "agents.baselines.dismantling:adaptive_betweenness",
    "degree_discount": "agents.baselines.seeding:degree_discount",
    "lazy_greedy": "agents.baselines.seeding:lazy_greedy",
    "greedy": "agents.baselines.greedy:greedy",
    "simulated_annealing": "agents.baselines.annealing:simulated_annealing",
}

# The rules whose edits a baseline can plan; one that is not here plans any.
_RULES = {
    "lowest_degree_product": ("EdgeAddition",),
    "fiedler": ("EdgeAddition",),
    "effective_resistance": ("EdgeAddition",),
    "adaptive_degree": ("NodeRemoval", "NodeSelection"),
    "collective_influence": ("NodeRemoval", "NodeSelection"),
    "core_degree": ("NodeRemoval",),
    "adaptive_betweenness": ("NodeRemoval", "NodeSelection"),
    "degree_discount": ("NodeSelection",),
    "lazy_greedy": ("NodeSelection",),
    "simulated_annealing": (
        "EdgeAddition", "EdgeRemoval", "EdgeToggle", "EdgeReweighting", "NodeRemoval", "NodeSelection", "NodeFlip",
        "LinkRecommendation",
    ),
}  # fmt: skip


def baselines_for(rule: str) -> tuple[str, ...]:
    """Names of the baselines that plan edits of ``rule``, a name in ``envs.ENVIRONMENTS``."""
    return tuple(name for name in BASELINES if rule in _RULES.get(name, (rule,)))


def get_baseline(name: str) -> Planner:
    """The planner called ``name``: ``(env, start, key) -> i32[horizon]``, pure and un-batched.

    >>> plan = get_baseline("lowest_degree_product")  # jax.jit(jax.vmap(plan, in_axes=(None, 0, 0))) plans a batch

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    return resolve(BASELINES, name, "baseline")
