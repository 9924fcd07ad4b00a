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
        query: (h, r), and where the walk is, if there is one; () where nothing is asked.
        focus: the entities that edits are around, if there are such. ``left``: share of the steps left.
        facts: int[m, 3], the facts there. ``inserted``, ``removed``: int[k, 3], those of the episode.
        step, horizon: steps taken, and steps an episode. ``value``: the environment's.
    """

    query: tuple[int, ...]
    focus: tuple[int, ...]
    left: float
    facts: np.ndarray
    inserted: np.ndarray
    removed: np.ndarray
    step: int
    horizon: int
    value: float


def _asked(frame: KGFrame) -> list[str]:
    if frame.focus:
        return ["focus " + " ".join(map(str, frame.focus))]
    return [f"query {frame.query[0]} -{frame.query[1]}-> ?"] if frame.query else []


def kg_ansi(frame: KGFrame) -> str:
    """One line: step, budget left, query or focus, where the walk is, what was inserted and removed, value."""
    parts = [f"step {frame.step}/{frame.horizon}", f"budget left {frame.left:.0%}", *_asked(frame)]
    parts += [f"at {place}" for place in frame.query[2:]]
    for what, facts in (("inserted", frame.inserted), ("removed", frame.removed)):
        if len(facts):
            parts.append(f"{what} " + " ".join(f"{h} -{r}-> {t}" for h, r, t in facts))
    return " | ".join([*parts, f"value {frame.value:.4f}"])


def _centre(frame: KGFrame) -> int:
    """The entity in the middle: where the walk is, who is asked about or edited around, or the first removed fact's."""
    where = frame.query[2:3] or frame.query[:1] or frame.focus[:1]
    return int([*where, *frame.removed[:1, 0], *frame.facts[:1, 0], 0][0])


def kg_rgb(frame: KGFrame) -> UInt8[np.ndarray, "H W 3"]:
    """A picture u8[500, 500, 3]: some facts around one entity, and all edits.

    Where another relation joins the same two entities, a fact that went is shown all the same.
    """
    centre = _centre(frame)
    h, _, t = frame.facts.reshape(-1, 3).T
    near = np.flatnonzero((h == centre) | (t == centre))[:_MOST]
    pairs = [(int(a), int(b)) for a, b in zip(h[near], t[near], strict=True) if a != b]
    added, removed = (
        [(int(a), int(b)) for a, _, b in some if a != b] for some in (frame.inserted, frame.removed)
    )
    graph = nx.Graph([*pairs, *added, *removed])
    graph.add_node(centre)
    title = ", ".join([*_asked(frame), f"step {frame.step}/{frame.horizon}"])
    edits = [[edge for edge in graph.edges if edge in some or edge[::-1] in some] for some in (added, removed)]
    picture = draw_graph(
        graph, added=edits[0], removed=edits[1], selected=centre, title=title, layout=graph_layout(graph)
    )
    return figure_to_array(picture)
