"""What every family of evidence is given, and what it gives.

Letters: N entities, R relations, E facts, m triples asked about, C columns of a family.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["MOST", "Case", "Family", "Note"]

MOST = 200
"""2R, up to which rules of two steps are counted: their supports are a table of R (2R)² numbers."""

Note = Callable[[str], None]


class Case(NamedTuple):
    """A graph, and triples asked about.

    Attributes:
        facts: i64[E, 3], the graph. ``asked``: i64[m, 3].
        own: i64[m], the number of each asked triple among the facts, E where it is none of them. A fact speaks for
            others and never for itself.
        num_entities: N. ``num_relations``: R. ``types``: i64[N], a label an entity, or None.
        seed: of what is random.
    """

    facts: np.ndarray
    asked: np.ndarray
    own: np.ndarray
    num_entities: int
    num_relations: int
    types: np.ndarray | None
    seed: int

    @property
    def stated(self) -> np.ndarray:
        """Which asked triples are facts, bool[m]."""
        return self.own < len(self.facts)


class Family(NamedTuple):
    """One way to judge triples.

    Attributes:
        columns: names; the first is the family's verdict, the others are its parts.
        score: ``(Case, Note) -> f64[m, C]``, higher is more plausible: logarithms of odds or of ratios to what is
            usual, so that their scale is that of no graph.
    """

    columns: tuple[str, ...]
    score: Callable[[Case, Note], np.ndarray]
