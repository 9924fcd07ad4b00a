"""Objectives by name; one file per family."""

from lepton_rl.objectives.base import Edit, Noise, Objective, Value, deterministic, score
from lepton_rl.objectives.composition import parse_sum
from lepton_rl.registry import resolve

__all__ = ["OBJECTIVES", "Edit", "Noise", "Objective", "Value", "deterministic", "get_objective", "score"]

OBJECTIVES = {
    "critical_fraction_random": "lepton_rl.objectives.critical_fraction:critical_fraction_random",
    "critical_fraction_targeted": "lepton_rl.objectives.critical_fraction:critical_fraction_targeted",
    "largest_component_random": "lepton_rl.objectives.robustness:largest_component_random",
    "largest_component_targeted": "lepton_rl.objectives.robustness:largest_component_targeted",
    "largest_component": "lepton_rl.objectives.components:largest_component",
    "pairwise_connectivity": "lepton_rl.objectives.components:pairwise_connectivity",
    "algebraic_connectivity": "lepton_rl.objectives.spectral:algebraic_connectivity",
    "spectral_radius": "lepton_rl.objectives.spectral:spectral_radius",
    "natural_connectivity": "lepton_rl.objectives.spectral:natural_connectivity",
    "effective_resistance": "lepton_rl.objectives.spectral:effective_resistance",
    "efficiency": "lepton_rl.objectives.distance:efficiency",
    "local_efficiency": "lepton_rl.objectives.distance:local_efficiency",
    "average_path": "lepton_rl.objectives.distance:average_path",
    "diameter": "lepton_rl.objectives.distance:diameter",
    "transitivity": "lepton_rl.objectives.cohesion:transitivity",
    "clustering": "lepton_rl.objectives.cohesion:clustering",
    "assortativity": "lepton_rl.objectives.cohesion:assortativity",
    "modularity": "lepton_rl.objectives.cohesion:modularity",
    "independent_cascade": "lepton_rl.objectives.diffusion:independent_cascade",
    "linear_threshold": "lepton_rl.objectives.diffusion:linear_threshold",
    "outbreak": "lepton_rl.objectives.diffusion:outbreak",
    "polarisation": "lepton_rl.objectives.opinion:polarisation",
    "disagreement": "lepton_rl.objectives.opinion:disagreement",
    "controversy": "lepton_rl.objectives.opinion:controversy",
    "cut": "lepton_rl.objectives.cuts:cut",
    "independent_set": "lepton_rl.objectives.cuts:independent_set",
    "vertex_cover": "lepton_rl.objectives.cuts:vertex_cover",
    "exposure": "lepton_rl.objectives.recommendation:exposure",
    "diversity": "lepton_rl.objectives.recommendation:diversity",
    "hit_rate": "lepton_rl.objectives.recommendation:hit_rate",
}


def get_objective(name: str) -> Objective:
    """The objective called ``name``, or a weighted sum: ``"-diameter"``, ``"efficiency + 0.5*clustering"``.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one. Text of another form.
    """
    return parse_sum(name, lambda term: resolve(OBJECTIVES, term, "objective"))
