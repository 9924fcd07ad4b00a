"""How the user's graphs are read: plain options of the command line, importable without jax or arrow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

__all__ = ["Reading", "ReadingOptions", "reading_from_json"]


@dataclass(frozen=True)
class Reading:
    """Which part of a file is the graph, and what is done with what a simple graph cannot hold.

    The fields of columns and of cleaning are those of
    :class:`lepton_rl.data.Columns` and :class:`lepton_rl.data.Cleaning` (a test keeps them so), repeated here because
    importing those takes longer than ``--help`` may.
    """

    format: str | None = None
    """File format; default: by suffix (see `list formats`)."""
    nodes: Path | None = None
    """A table of nodes and their attributes; default: net.nodes.csv beside net.csv."""
    source: str | None = None
    """Column of the source nodes, by name or position from 1; default: by its usual names, else the first."""
    target: str | None = None
    """Column of the target nodes; default: by its usual names, else the second."""
    weight: str | None = None
    """Column of the weights; default: the one called weight, if there is one."""
    delimiter: str | None = None
    """What separates the columns of a table; default: found in its first rows."""
    directed: bool = False
    """Keep the directions of the edges; not every rule and objective takes directed graphs."""
    label: str | None = None
    """A numeric column of the nodes that the objective reads: opinions from -1 to 1, sides 0 and 1, communities."""
    attributes: bool = False
    """Let the network see the attributes of the nodes: every column of the graph file's or of --nodes."""
    missing_attributes: Literal["refuse", "impute", "indicator"] = "refuse"
    """Empty attributes: the usual value instead, or a feature of their own that says so."""
    self_loops: Literal["drop", "refuse"] = "drop"
    """Edges from a node to itself."""
    duplicates: Literal["first", "sum", "mean", "max", "refuse"] = "first"
    """Edges given more than once: what becomes of their weights."""
    missing_weights: Literal["refuse", "drop", "one"] = "refuse"
    """Edges whose weight is empty, NaN or infinite: dropped, or given weight 1."""
    negative_weights: Literal["refuse", "drop", "absolute", "keep"] = "refuse"
    """Edges whose weight is below 0."""
    isolated: Literal["keep", "drop"] = "keep"
    """Nodes without an edge."""
    largest_component: bool = False
    """Keep the largest component only of a graph in several parts."""
    core: int | None = None
    """Keep the core only in which every node has so many neighbours."""
    sample: int | None = None
    """Keep so many nodes only, drawn by --sampler."""
    sampler: Literal["random_walk", "snowball", "forest_fire"] = "random_walk"
    """How the nodes of --sample are drawn."""

    def __post_init__(self) -> None:
        for name in ("core", "sample"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"--{name} {value} is too small: give at least 1.")


ReadingOptions = Annotated[Reading, tyro.conf.arg(name="")]  # its fields become options without a prefix


def reading_from_json(plain: dict[str, Any]) -> Reading:
    """The options as :func:`dataclasses.asdict` and JSON left them."""
    nodes = plain["nodes"]
    return Reading(**plain | {"nodes": None if nodes is None else Path(nodes)})
