"""Real networks that come with networkx, under the names used in papers."""

import networkx as nx

from lepton_rl.data.foreign import from_networkx
from lepton_rl.data.named import NamedGraph
from lepton_rl.registry import resolve

__all__ = ["NAMED", "load"]

NAMED = {
    "karate": "networkx:karate_club_graph",
    "les_miserables": "networkx:les_miserables_graph",
    "florentine": "networkx:florentine_families_graph",
    "davis": "networkx:davis_southern_women_graph",
}


def load(name: str) -> NamedGraph:
    """Load a named data set; weights are ignored and reported.

    * ``karate``: members of a karate club (Zachary 1977), 34 nodes, 78 edges.
    * ``les_miserables``: characters who appear together (Knuth 1993), 77 nodes, 254 edges.
    * ``florentine``: marriages of Florentine families (Padgett; Breiger & Pattison 1986), 15 nodes, 20 edges.
    * ``davis``: women and the events they attended (Davis, Gardner & Gardner 1941), 32 nodes, 89 edges; both kinds
      are plain nodes here.

    Raises:
        ValueError: no such set; the message names a near match and every allowed name.

    >>> load("florentine").num_nodes
    15
    """
    graph: nx.Graph = resolve(NAMED, name, "data set")()
    return from_networkx(graph, name)
