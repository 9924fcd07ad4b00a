"""Classical baselines by name: planners that see the start graph and the objective, never the environment's noise."""

from agents.baselines.base import Planner
from envs import KNOWLEDGE
from lepton_rl.objectives import Objective, get_objective
from lepton_rl.registry import resolve

__all__ = ["BASELINES", "SPECIALISTS", "Planner", "baselines_for", "get_baseline"]

BASELINES = {
    "random": "agents.baselines.degree:uniform",
    "lowest_degree_product": "agents.baselines.degree:lowest_degree_product",
    "fiedler": "agents.baselines.spectral:fiedler",
    "effective_resistance": "agents.baselines.spectral:effective_resistance",
    "adaptive_degree": "agents.baselines.dismantling:adaptive_degree",
    "collective_influence": "agents.baselines.dismantling:collective_influence",
    "core_degree": "agents.baselines.dismantling:core_degree",
    "adaptive_betweenness": "agents.baselines.dismantling:adaptive_betweenness",
    "k_core": "agents.baselines.dismantling:k_core",
    "spectral_cut": "agents.baselines.spectral:spectral_cut",
    "degree_discount": "agents.baselines.seeding:degree_discount",
    "reverse_influence": "agents.baselines.influence:reverse_influence",
    "lazy_greedy": "agents.baselines.seeding:lazy_greedy",
    "tabu_search": "agents.baselines.cuts:tabu_search",
    "cut_annealing": "agents.baselines.cuts:cut_annealing",
    "depolarise": "agents.baselines.opinions:depolarise",
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
    "k_core": ("NodeRemoval", "NodeSelection"),
    "spectral_cut": ("NodeRemoval",),
    "degree_discount": ("NodeSelection",),
    "reverse_influence": ("NodeSelection",),
    "lazy_greedy": ("NodeSelection",),
    "tabu_search": ("NodeFlip",),
    "cut_annealing": ("NodeFlip",),
    "depolarise": ("EdgeAddition", "EdgeRemoval", "EdgeToggle"),
    "simulated_annealing": (
        "EdgeAddition", "EdgeRemoval", "EdgeToggle", "EdgeReweighting", "NodeRemoval", "NodeSelection", "NodeFlip",
        "LinkRecommendation",
    ),
}  # fmt: skip

# The objectives, as get_objective takes them, that a baseline is made for; one that is not here plans for any.
SPECIALISTS = {
    "reverse_influence": ("independent_cascade", "linear_threshold"),
    "tabu_search": ("cut",),
    "cut_annealing": ("cut",),
    "depolarise": ("-polarisation",),
}


def baselines_for(rule: str, objective: Objective | None = None) -> tuple[str, ...]:
    """Names of the baselines that plan edits of ``rule``, a name in ``envs.ENVIRONMENTS``; none for knowledge graphs.

    Args:
        objective: brings the baselines that are made for it (:data:`SPECIALISTS`); None: those that plan for any.
    """
    if rule in KNOWLEDGE:
        return ()
    return tuple(name for name in BASELINES if rule in _RULES.get(name, (rule,)) and _serves(name, objective))


def _serves(name: str, objective: Objective | None) -> bool:
    return name not in SPECIALISTS or objective in [get_objective(text) for text in SPECIALISTS[name]]


def get_baseline(name: str) -> Planner:
    """The planner called ``name``: ``(env, start, key) -> i32[horizon]``, pure and un-batched.

    >>> plan = get_baseline("lowest_degree_product")  # jax.jit(jax.vmap(plan, in_axes=(None, 0, 0))) plans a batch

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    return resolve(BASELINES, name, "baseline")
