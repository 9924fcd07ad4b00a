"""What an episode on a knowledge graph looks like to a person; entities and relations by their numbers."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import UInt8

from lepton_rl.draw import draw_graph, figure_to_array, graph_layout

__all__ = ["KGFrame", "kg_ansi", "kg_rgb"]

_MOST = 40  # facts in a picture


class KGFrame(NamedTuple):
    """A moment of an episode.

    Attributes:
        context: (h, r) of the query, and where the walk is, if there is one; of a repair the entities of its focus.
        left: share of the steps left.
        facts: int[m, 3], the facts there. ``inserted``: int[k, 3], those of the episode. ``removed``: int[k, 3].
        repair: what ``context`` is.
        step, horizon: steps taken, and steps an episode. ``value``: the environment's.
    """

    context: tuple[int, ...]
    left: float
    facts: np.ndarray
    inserted: np.ndarray
    step: int
    horizon: int
    value: float
    removed: np.ndarray = np.zeros((0, 3), int)
    repair: bool = False


def _asked(frame: KGFrame) -> str:
    if frame.repair:
        return "focus " + " ".join(map(str, frame.context))
    return f"query {frame.context[0]} -{frame.context[1]}-> ?"


def kg_ansi(frame: KGFrame) -> str:
    """One line: step, budget left, query or focus, where the walk is, what was inserted and removed, value."""
    parts = [f"step {frame.step}/{frame.horizon}", f"budget left {frame.left:.0%}", _asked(frame)]
    parts += [] if frame.repair else [f"at {place}" for place in frame.context[2:]]
    for word, facts in (("inserted", frame.inserted), ("removed", frame.removed)):
        if len(facts):
            parts.append(f"{word} " + " ".join(f"{h} -{r}-> {t}" for h, r, t in facts))
    return " | ".join([*parts, f"value {frame.value:.4f}"])


def kg_rgb(frame: KGFrame) -> UInt8[np.ndarray, "H W 3"]:
    """A picture u8[500, 500, 3]: some facts around the query's entity, or where the walk is, and all inserted."""
    centre = frame.context[-1] if len(frame.context) > 2 and not frame.repair else frame.context[0]
    h, _, t = frame.facts.reshape(-1, 3).T
    near = np.flatnonzero((h == centre) | (t == centre))[:_MOST]
    pairs = [(int(a), int(b)) for a, b in zip(h[near], t[near], strict=True) if a != b]
    added = [(int(a), int(b)) for a, _, b in frame.inserted if a != b]
    graph = nx.Graph([*pairs, *added])
    graph.add_node(centre)
    title = f"{_asked(frame)}, step {frame.step}/{frame.horizon}"
    kept = [edge for edge in graph.edges if edge in added or edge[::-1] in added]
    return figure_to_array(draw_graph(graph, added=kept, selected=centre, title=title, layout=graph_layout(graph)))
