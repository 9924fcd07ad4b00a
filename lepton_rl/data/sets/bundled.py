"""Social networks that come with networkx."""

from lepton_rl.data.foreign import from_networkx
from lepton_rl.data.named import NamedGraph
from lepton_rl.registry import resolve

__all__ = ["social"]

_SOCIAL = {
    "karate": "networkx:karate_club_graph",
    "les_miserables": "networkx:les_miserables_graph",
    "florentine": "networkx:florentine_families_graph",
    "davis": "networkx:davis_southern_women_graph",
}


def social(name: str) -> NamedGraph:
    """A social network as networkx has it, with its weights and attributes."""
    return from_networkx(resolve(_SOCIAL, name, "social network")(), name)
