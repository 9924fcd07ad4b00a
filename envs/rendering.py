"""What an episode looks like to a person: one line of text, or a picture."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import UInt8

from lepton_rl.draw import draw_graph, figure_to_array, graph_layout
from lepton_rl.graph import BitGraph, to_networkx

__all__ = ["Frame", "render_ansi", "render_rgb"]


class Frame(NamedTuple):
    """A moment of an episode.

    Attributes:
        start: the start graph. ``graph``: the graph as edited so far.
        selected: the selected node slot, -1 = none.
        left: share of the budget left, in [0, 1].
        step: steps taken; ``horizon``: steps an episode.
        start_value: the objective at the start; ``value``: now, under the same noise.
    """

    start: BitGraph
    graph: BitGraph
    selected: int
    left: float
    step: int
    horizon: int
    start_value: float
    value: float

    def edits(self) -> tuple[nx.Graph, list[tuple[int, int]], list[tuple[int, int]]]:
        """The edited graph, the edges added and the edges removed since the start."""
        before, after = to_networkx(self.start), to_networkx(self.graph)
        added = [edge for edge in after.edges() if not before.has_edge(*edge)]
        return after, added, [edge for edge in before.edges() if not after.has_edge(*edge)]


def render_ansi(frame: Frame) -> str:
    """One line: step, budget left, selected node, edits so far, the objective at the start and now."""
    _, added, removed = frame.edits()
    parts = [f"step {frame.step}/{frame.horizon}", f"budget left {frame.left:.0%}"]
    if frame.selected >= 0:
        parts.append(f"selected {frame.selected}")
    for word, edges in (("added", added), ("removed", removed)):
        if edges:
            parts.append(f"{word} {' '.join(f'{u}-{v}' for u, v in edges)}")
    parts.append(f"value {frame.start_value:.4f} -> {frame.value:.4f}")
    return " | ".join(parts)


def render_rgb(frame: Frame) -> UInt8[np.ndarray, "H W 3"]:
    """A picture u8[500, 500, 3]; nodes stay where they are for a whole episode, their labels colour them."""
    after, added, removed = frame.edits()
    selected = frame.selected if frame.selected >= 0 else None
    title = f"step {frame.step}/{frame.horizon}, value {frame.start_value:.3f} → {frame.value:.3f}"
    layout = graph_layout(to_networkx(frame.start))
    labels = None if frame.graph.labels is None else {v: float(frame.graph.labels[v]) for v in after}
    return figure_to_array(
        draw_graph(after, added=added, removed=removed, selected=selected, labels=labels, title=title, layout=layout)
    )
