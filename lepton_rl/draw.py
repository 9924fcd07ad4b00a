"""Pictures of graphs, edits and learning curves (host side: networkx and NumPy in, matplotlib figures out).

No function touches pyplot's global state, so pictures can be made in threads and without a display. Colours are Okabe
and Ito's, told apart by readers with any common colour vision; added and removed edges also differ in line style.
"""

import io
import os
import tempfile
from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import EngFormatter
from scipy.special import stdtrit

from lepton_rl.labels import box_of, free_place
from lepton_rl.shades import INK, shade_legend, shades
from lepton_rl.strokes import Edge, Layout, draw_lines

__all__ = [
    "band", "draw_before_after", "draw_curves", "draw_graph", "figure_to_array", "graph_layout", "save_figure",
]  # fmt: skip

GREY, ADDED, REMOVED, SELECTED, REWEIGHTED = "#b4b4b4", "#0072B2", "#D55E00", "#E69F00", "#009E73"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":")  # curves stay apart without colour

LABEL_ALL = 40  # above this many nodes only those an edit touches are named
SPRING_ABOVE = 150  # Kamada-Kawai takes all-pairs distances and an O(n^2) objective; a spring layout scales further


def graph_layout(graph: nx.Graph, seed: int = 0) -> dict[Hashable, Any]:
    """Positions f64[2] of the nodes in the unit square, the same for the same graph and ``seed``.

    Kamada-Kawai (1989) where the graph is connected and small, else a seeded spring layout.
    """
    small = 1 < graph.number_of_nodes() <= SPRING_ABOVE
    undirected = nx.Graph(graph.to_undirected(as_view=True))
    if small and nx.is_connected(undirected):
        positions = nx.kamada_kawai_layout(undirected, weight=None)
    else:
        spread = 2.5 / np.sqrt(max(graph.number_of_nodes(), 1))
        positions = nx.spring_layout(undirected, seed=seed, k=spread, iterations=100)
    names = list(positions)
    xy = np.array([positions[name] for name in names], dtype=float).reshape(-1, 2)
    low, span = xy.min(0, initial=np.inf), np.ptp(xy, axis=0) if len(xy) else 1.0
    unit = (xy - low) / np.where(np.asarray(span) > 1e-9, span, 1.0)
    return dict(zip(names, unit, strict=True))


def _labels(
    axes: Axes, graph: nx.Graph, layout: Layout, touched: set[Hashable], *, inside: bool, size: float
) -> None:
    shown = [node for node in graph if len(graph) <= LABEL_ALL or node in touched]
    shown.sort(key=lambda node: node not in touched)  # the edited ones choose their places first
    halo = [] if inside else [withStroke(linewidth=2.5, foreground="white", alpha=0.85)]
    points = axes.transData.transform([layout[node] for node in graph]) * 72 / axes.figure.dpi
    where = dict(zip(graph, points, strict=True))
    taken = [box_of(point, np.sqrt(size), np.sqrt(size)) for point in points]
    for node in shown:
        bold = node in touched
        font = 8.0 if inside or bold else 6.5
        offset = np.zeros(2)
        if not inside:
            offset, box = free_place(where[node], str(node), font, np.sqrt(size) / 2, taken)
            taken.append(box)
        axes.annotate(
            str(node), layout[node], xytext=(offset[0], offset[1]), textcoords="offset points", ha="center",
            va="center", path_effects=halo, fontsize=font, color=INK if inside or bold else "#6a6a6a",
            fontweight="bold" if bold else "normal", zorder=6 if bold else 5,
        )  # fmt: skip


def _graph_on(
    axes: Axes, graph: nx.Graph, layout: Layout, *, added: Iterable[Edge] = (), removed: Iterable[Edge] = (),
    reweighted: Iterable[Edge] = (), chosen: Set[Hashable] = frozenset(), touched: set[Hashable],
    labels: Mapping[Hashable, float],
) -> None:  # fmt: skip
    directed = graph.is_directed()
    key: Callable[[Edge], Any] = tuple if directed else frozenset
    special = {key(edge) for edge in (*added, *removed, *reweighted)}
    inside = len(graph) <= LABEL_ALL and all(len(str(node)) <= 2 for node in graph)
    size = float(np.clip(9000 / max(len(graph), 1), 18, 260 if inside else 70))
    plain = [edge for edge in graph.edges() if key(edge) not in special and edge[0] != edge[1]]
    draw_lines(axes, plain, layout, directed=directed, colour=GREY, width=1.0)
    draw_lines(axes, reweighted, layout, directed=directed, bent=True, colour=REWEIGHTED, width=2.6, zorder=2)
    draw_lines(axes, removed, layout, directed=directed, bent=True, colour=REMOVED, width=2.0, dashed=True, zorder=2)
    draw_lines(axes, added, layout, directed=directed, bent=True, colour=ADDED, width=2.6, zorder=3)
    nodes = list(graph)
    xy = np.array([layout[node] for node in nodes]).reshape(-1, 2)
    fills = zip(nodes, shades(nodes, labels), strict=True)
    axes.scatter(
        xy[:, 0], xy[:, 1], s=size, zorder=4, c=[SELECTED if node in chosen else fill for node, fill in fills],
        edgecolors=[INK if node in touched else "#7a7a7a" for node in nodes],
        linewidths=[1.6 if node in touched else 0.8 for node in nodes],
    )  # fmt: skip
    axes.set_axis_off()
    axes.set_xlim(-0.08, 1.08)
    axes.set_ylim(-0.1, 1.08)
    _labels(axes, graph, layout, touched, inside=inside, size=size)


def _legend(
    figure: Figure, labels: Mapping[Hashable, float], *, added: bool, removed: bool, selected: bool,
    reweighted: bool = False,
) -> None:  # fmt: skip
    handles = shade_legend(labels)
    if added:
        handles.append(Line2D([], [], color=ADDED, linewidth=2.6, label="added"))
    if removed:
        handles.append(Line2D([], [], color=REMOVED, linewidth=1.8, linestyle="--", label="removed"))
    if reweighted:
        handles.append(Line2D([], [], color=REWEIGHTED, linewidth=2.6, label="reweighted"))
    if selected:
        handles.append(
            Line2D([], [], linestyle="", marker="o", markersize=8, markerfacecolor=SELECTED, markeredgecolor=INK,
                   label="selected")
        )  # fmt: skip
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False, fontsize=9)


def draw_graph(
    graph: nx.Graph,
    *,
    added: Iterable[Edge] = (),
    removed: Iterable[Edge] = (),
    selected: Hashable | None = None,
    labels: Mapping[Hashable, float] | None = None,
    title: str = "",
    layout: Layout | None = None,
    width: float = 5.0,
) -> Figure:
    """Picture of one graph.

    Args:
        graph: the graph, with the user's node names.
        added: edges to show as added; ``removed``: edges to show as removed (in ``graph`` or not).
        selected: a node to highlight, or None.
        labels: numbers of nodes that colour them, opinions say: purple below 0, green above.
        title: the heading.
        layout: positions from :func:`graph_layout`; default: computed.
        width: inches; the height follows.
    """
    added, removed = list(added), list(removed)
    figure = Figure(figsize=(width, width), layout="constrained")
    axes = figure.add_subplot()
    layout = graph_layout(graph) if layout is None else layout
    chosen = {selected} - {None}
    touched = {node for edge in added + removed for node in edge} | chosen
    _graph_on(axes, graph, layout, added=added, removed=removed, chosen=chosen, touched=touched,
              labels=labels or {})  # fmt: skip
    if title:
        axes.set_title(title, fontsize=11, color=INK)
    _legend(figure, labels or {}, added=bool(added), removed=bool(removed), selected=selected is not None)
    return figure


def draw_before_after(
    before: nx.Graph,
    after: nx.Graph,
    *,
    objective: str = "",
    values: tuple[float, float] | None = None,
    chosen: Set[Hashable] = frozenset(),
    reweighted: Iterable[Edge] = (),
    labels: Mapping[Hashable, float] | None = None,
    layout: Layout | None = None,
) -> Figure:
    """Picture of a graph before and after its edits, in one layout, the edits highlighted; directed edges as arrows.

    Args:
        before: the start graph; ``after``: the edited graph on the same nodes.
        objective: its name; ``values``: what it is before and after. Both appear in the heading.
        chosen: nodes that the edits chose, removed or flipped. ``reweighted``: edges that they reweighted.
        labels: numbers of nodes that colour them, as in :func:`draw_graph`.
        layout: positions from :func:`graph_layout`; default: those of ``before``.
    """
    layout = graph_layout(before) if layout is None else layout
    added = [edge for edge in after.edges() if not before.has_edge(*edge)]
    removed = [edge for edge in before.edges() if not after.has_edge(*edge)]
    figure = Figure(figsize=(10.5, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    reweighted = list(reweighted)
    touched = set(chosen) if chosen else {node for edge in added + removed + reweighted for node in edge}
    labels = labels or {}
    _graph_on(left, before, layout, removed=removed, touched=touched, labels=labels)
    _graph_on(
        right, after, layout, added=added, reweighted=reweighted, chosen=chosen, touched=touched, labels=labels
    )
    left.set_title(f"before: {before.number_of_edges()} edges", fontsize=10, color=INK)
    words = (added, "added"), (removed, "removed"), (reweighted, "reweighted"), (chosen, "selected")
    changes = [f"{len(edits)} {word}" for edits, word in words if edits]
    right.set_title(f"after: {', '.join(changes) or 'no change'}", fontsize=10, color=INK)
    if values is not None:
        heading = f"{values[0]:.4g} → {values[1]:.4g}  ({values[1] - values[0]:+.4g})"
        figure.suptitle(f"{objective.replace('_', ' ')}  {heading}".strip(), fontsize=13, color=INK)
    _legend(
        figure, labels, added=bool(added), removed=bool(removed), selected=bool(chosen), reweighted=bool(reweighted)
    )
    return figure


def band(values: Float[np.ndarray, "S P"]) -> tuple[Float[np.ndarray, "P"], Float[np.ndarray, "P"]]:
    """Mean over S seeds and the half width of its 95 % interval (Student's t); half width 0 for one seed."""
    values = np.asarray(values, dtype=float)
    seeds = values.shape[0]
    if seeds < 2:
        return values.mean(0), np.zeros(values.shape[1])
    return values.mean(0), stdtrit(seeds - 1, 0.975) * values.std(0, ddof=1) / np.sqrt(seeds)


def draw_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    xlabel: str = "environment steps",
    ylabel: str = "gain",
    title: str = "",
    references: Mapping[str, float] | None = None,
) -> Figure:
    """Learning curves: the mean over seeds with its 95 % band, and horizontal lines to compare with.

    Args:
        curves: name -> (x f64[P], y f64[S, P]), S seeds.
        xlabel: what x counts; ``ylabel``: what y measures; ``title``: the heading.
        references: name -> value, drawn dashed: baselines, say.
    """
    figure = Figure(figsize=(7.6, 4.2), layout="constrained")
    axes = figure.add_subplot()
    labels = []
    for i, (name, (x, y)) in enumerate(curves.items()):
        mean, half = band(np.atleast_2d(y))
        colour = SERIES[i % len(SERIES)]
        axes.plot(x, mean, color=colour, linewidth=2, linestyle=STYLES[i // len(SERIES) % len(STYLES)])
        if half.any():
            axes.fill_between(x, mean - half, mean + half, color=colour, alpha=0.18, linewidth=0)
        labels.append((float(mean[-1]), name, colour))
    for name, value in (references or {}).items():
        axes.axhline(value, color="#7a7a7a", linewidth=1, linestyle=(0, (5, 3)), zorder=0)
        labels.append((float(value), name, "#5a5a5a"))
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.margins(x=0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_title(title, fontsize=11, color=INK, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    _end_labels(axes, labels)
    return figure


def _end_labels(axes: Axes, labels: list[tuple[float, str, str]]) -> None:
    """Name the lines at the right margin, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    gap, position = 0.052 * (high - low), -np.inf
    for value, name, colour in sorted(labels):
        position = max(value, position + gap)
        axes.annotate(
            name, (1, position), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
            color=colour, va="center", fontsize=9, annotation_clip=False,
        )  # fmt: skip


def figure_to_array(figure: Figure, dpi: int = 100) -> UInt8[np.ndarray, "H W 3"]:
    """The figure as pixels, u8[H, W, 3]."""
    width, height = (round(inches * dpi) for inches in figure.get_size_inches())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=dpi, facecolor="white")
    return np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)[..., :3].copy()


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: int = 160) -> Path:
    """Write the figure (format by suffix) atomically: readers see the old file or the new one, never half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    try:
        figure.savefig(temporary, dpi=dpi, facecolor="white")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path
