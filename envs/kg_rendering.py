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
        context: (h, r) of the query, if there is one, and where the walk is. ``left``: share of the steps left.
        facts: int[m, 3], the facts there. ``inserted``, ``deleted``: int[k, 3], those of the episode.
        step, horizon: steps taken, and steps an episode. ``value``: the environment's.
    """

    context: tuple[int, ...]
    left: float
    facts: np.ndarray
    inserted: np.ndarray
    deleted: np.ndarray
    step: int
    horizon: int
    value: float


def kg_ansi(frame: KGFrame) -> str:
    """One line: step, budget left, query, where the walk is, what was inserted and deleted, value."""
    parts = [f"step {frame.step}/{frame.horizon}", f"budget left {frame.left:.0%}", *_query(frame)]
    parts += [f"at {place}" for place in frame.context[2:]]
    for what, facts in (("inserted", frame.inserted), ("deleted", frame.deleted)):
        if len(facts):
            parts.append(f"{what} " + " ".join(f"{h} -{r}-> {t}" for h, r, t in facts))
    return " | ".join([*parts, f"value {frame.value:.4f}"])


def _query(frame: KGFrame) -> list[str]:
    return [f"query {frame.context[0]} -{frame.context[1]}-> ?"] if frame.context else []


def kg_rgb(frame: KGFrame) -> UInt8[np.ndarray, "H W 3"]:
    """A picture u8[500, 500, 3]: some facts around the query's entity, or where the walk is, and all edits.

    Without a query they are around the head of a fact that is deleted, or of the first.
    """
    centre = int([*frame.deleted[:1, 0], *frame.facts[:1, 0], 0][0])
    if frame.context:
        centre = frame.context[-1] if len(frame.context) > 2 else frame.context[0]
    h, _, t = frame.facts.reshape(-1, 3).T
    near = np.flatnonzero((h == centre) | (t == centre))[:_MOST]
    pairs = [(int(a), int(b)) for a, b in zip(h[near], t[near], strict=True) if a != b]
    added = [(int(a), int(b)) for a, _, b in frame.inserted if a != b]
    removed = [(int(a), int(b)) for a, _, b in frame.deleted if a != b]
    graph = nx.Graph([*pairs, *added, *removed])
    graph.add_node(centre)
    title = ", ".join([*_query(frame), f"step {frame.step}/{frame.horizon}"])
    edits = [[edge for edge in graph.edges if edge in some or edge[::-1] in some] for some in (added, removed)]
    # Where another relation joins the same two, the picture shows the fact that went.
    picture = draw_graph(
        graph, added=edits[0], removed=edits[1], selected=centre, title=title, layout=graph_layout(graph)
    )
    return figure_to_array(picture)
