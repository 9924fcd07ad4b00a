"""Fills that show a number of every node: purple below 0, green above, the paler the nearer to 0."""

from collections.abc import Hashable, Iterable, Mapping

from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.lines import Line2D

__all__ = ["FILL", "INK", "shade_legend", "shades"]

FILL, INK = "#f2f2f2", "#2b2b2b"
# Two of Okabe and Ito's, darkest at the ends; the hues of added and removed edges are others.
_MAP = LinearSegmentedColormap.from_list("labels", ("#CC79A7", FILL, "#009E73"))


def _shade(value: float, bound: float) -> str:
    return to_hex(_MAP((value / bound + 1) / 2)) if bound else FILL


def shades(nodes: Iterable[Hashable], labels: Mapping[Hashable, float]) -> list[str]:
    """One colour a node; nodes without a label are as good as 0."""
    bound = max(map(abs, labels.values()), default=0.0)
    return [_shade(labels.get(node, 0.0), bound) for node in nodes]


def shade_legend(labels: Mapping[Hashable, float]) -> list[Line2D]:
    """Entries of a legend that name the least and the largest label; none where all are equal."""
    ends = sorted({min(labels.values(), default=0.0), max(labels.values(), default=0.0)})
    bound = max(map(abs, ends))
    return [
        Line2D([], [], linestyle="", marker="o", markersize=8, markerfacecolor=_shade(end, bound), markeredgecolor=INK,
               label=f"label {end:.2g}")
        for end in (ends if len(ends) > 1 else ())
    ]  # fmt: skip
