"""How edges are drawn: straight or bent, dashed, with arrowheads where they go one way."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

__all__ = ["Edge", "Layout", "draw_lines"]

Edge = tuple[Hashable, Hashable]
Layout = Mapping[Hashable, Any]  # f64[2] each


def draw_lines(
    axes: Axes, edges: Iterable[Edge], layout: Layout, *, directed: bool, colour: str, width: float,
    bent: bool = False, dashed: bool = False, zorder: int = 1,
) -> None:  # fmt: skip
    """Draw edges as straight lines; highlighted ones may bend, so that none seems to end at a node it only passes.

    Args:
        layout: positions of all nodes. ``directed``: arrowheads past the middle of each.
        width: points. ``bent``, ``dashed``: how the lines run. ``zorder``: what lies over what.
    """
    segments = []
    for u, v in edges:
        others = np.array([layout[node] for node in layout if node not in (u, v)]).reshape(-1, 2)
        ends = layout[u], layout[v]
        segments.append(_bent(*ends, others) if bent else np.stack(ends))
    style = "--" if dashed else "-"
    axes.add_collection(
        LineCollection(segments, capstyle="round", colors=colour, linewidths=width, linestyles=style, zorder=zorder)
    )
    if directed:
        heads = [_head(segment, 0.008 + 0.004 * width) for segment in segments]
        axes.add_collection(PolyCollection(heads, facecolors=colour, edgecolors="none", zorder=zorder))


def _bent(u: np.ndarray, v: np.ndarray, others: np.ndarray) -> np.ndarray:
    """A curve f64[K, 2] from u to v, bent as little as keeps it clear of ``others`` f64[n, 2]."""
    t = np.linspace(0, 1, 24)[:, None]
    normal = np.array([u[1] - v[1], v[0] - u[0]])
    curves = [(1 - t) * u + t * v + 2 * t * (1 - t) * bend * normal for bend in (0.0, 0.12, -0.12, 0.24, -0.24)]
    gaps = [np.linalg.norm(curve[:, None] - others, axis=-1).min(initial=1.0) for curve in curves]
    clear = [i for i, gap in enumerate(gaps) if gap > 0.035]
    return curves[clear[0] if clear else int(np.argmax(gaps))]


def _head(curve: np.ndarray, size: float) -> np.ndarray:
    """An arrowhead f64[3, 2] past the middle of a curve f64[K, 2], clear of the node that it points to."""
    i = (len(curve) - 1) * 3 // 5
    along = curve[i + 1] - curve[i]
    tip = curve[i] + 0.6 * along
    along = size * along / max(float(np.linalg.norm(along)), 1e-9)
    across = 0.6 * np.array([-along[1], along[0]])
    return np.stack([tip + along, tip - along + across, tip - along - across])
