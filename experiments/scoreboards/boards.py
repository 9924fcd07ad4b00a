"""What the scoreboards of learned criteria take: plain frozen records, importable without jax."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agents.config import EvolutionConfig
from experiments.scoreboards.options import chosen

__all__ = [
    "CASCADES", "CUT_SETS", "GENERATED", "INFLUENCE_NETWORKS", "NINE", "OPINION_NETWORKS", "VALIDATION",
    "Depolarization", "Dismantle", "Influence", "MaxCut",
]  # fmt: skip


def at_least_one(**numbers: int) -> None:
    """Refuse numbers below 1.

    Raises:
        ValueError: names the option.
    """
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1; got {number}.")


def check_generated(names: Iterable[str]) -> None:
    """Refuse names of networks that nobody carries or generates.

    Raises:
        ValueError: the message says what there is.
    """
    for name in names:
        family, _, nodes = name.rpartition("-")
        chosen([family or name], ("les_miserables", "karate", "ba", "sparse", "geometric"), "network")
        if family and not nodes.isdigit():
            raise ValueError(f"network '{name}': give FAMILY-NODES, as ba-300.")


CUT_SETS = ("ER_20", "BA_20", "ER_40", "BA_40", "BA_200")


def _cut_config() -> EvolutionConfig:
    return EvolutionConfig(iterations=150, chunks=10, population=32, episodes=32, spread=0.1, learning_rate=0.05)


@dataclass(frozen=True)
class MaxCut:
    """Largest cuts of graphs with weights ±1, the sets of ECO-DQN (Barrett et al. 2020).

    One criterion, learned on generated graphs of 40 nodes, flips labels 2n times from random ones; the cut is the best
    on the way, in one pass or the best of a few. Beside it steepest ascent from the same starts, tabu search,
    annealing, and what was published.
    """

    sets: tuple[str, ...] = CUT_SETS
    """Which sets: {ER,BA}_20, {ER,BA}_40, BA_200."""
    seeds: int = 5
    """Training seeds, all in one program."""
    split: Literal["valid", "test"] = "valid"
    """valid: generated graphs that also choose the parameters; test: those of --data, or others generated."""
    data: Path | None = None
    """Folder with {ER,BA}_<n>spin_{p15,m4}_100graphs.npz; default: the same protocol's graphs, generated. Their best
    known cut is the best that any method here finds."""
    json: Path | None = None
    """Write results here after every set; sets of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for maxcut.md and maxcut.png."""
    graphs: int = 100
    """Graphs a set."""
    starts: int = 5
    """Starts of which the best counts."""
    train_nodes: int = 40
    """Nodes of a training graph."""
    train_graphs: int = 300
    """Training graphs a family."""
    evolution: EvolutionConfig = field(default_factory=_cut_config)

    def check(self) -> None:
        """Raises ValueError for an unknown name, or numbers out of range."""
        chosen(self.sets, CUT_SETS, "set")
        at_least_one(seeds=self.seeds, graphs=self.graphs, starts=self.starts, train_graphs=self.train_graphs)
        if self.train_nodes < 10:
            raise ValueError(f"--train-nodes {self.train_nodes}: give at least 10.")


NINE = (
    "london_transport_multiplex_aggr", "librec-filmtrust-trust", "foodweb-baydry", "dimacs10-celegansneural",
    "arenas-meta", "eu-powergrid", "maayan-foodweb", "econ-wm1", "moreno_propro",
)  # fmt: skip
VALIDATION = ("librec-filmtrust-trust", "foodweb-baydry", "arenas-meta")
GENERATED = {"valid": ("les_miserables", "geometric-300"), "test": ("ba-300", "sparse-300", "geometric-400")}


def _removal_config() -> EvolutionConfig:
    return EvolutionConfig(iterations=12, chunks=3, population=16, episodes=8, spread=0.07, learning_rate=0.02)


@dataclass(frozen=True)
class Dismantle:
    """Taking networks apart by their nodes: the area under the curve of the largest component, time beside it.

    One criterion, learned on synthetic graphs, from betweenness of a few pivots and what neighbours add; it is scored
    anew after every removal, on 2,000 nodes and more after every thousandth of them. Beside it adaptive degree,
    collective influence, CoreHD, adaptive betweenness (by networkit where it is installed), what was published of
    MIND, and the criterion that learning began with.
    """

    networks: tuple[str, ...] = ()
    """Names in --data; default: filmtrust, foodweb-baydry and arenas-meta (valid), or the other six of the table
    (test). Without --data: les_miserables, karate or FAMILY-NODES of ba, sparse, geometric."""
    seeds: int = 5
    """Training seeds, all in one program."""
    split: Literal["valid", "test"] = "valid"
    """Which networks: those by which everything was chosen, or the others."""
    data: Path | None = None
    """Folder with <network>.txt, two node numbers a line, and published_auc.csv; default: generated networks."""
    json: Path | None = None
    """Write results here after every network; those of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for dismantling.md and dismantling.png."""
    limit: float = 300.0
    """Seconds that adaptive betweenness may take a network."""
    pivots: int = 24
    """Nodes that shortest paths are counted from, at least; 64 on networks up to 1,000 nodes, above one in 80."""
    train_nodes: int = 60
    """Nodes of a training graph, at most."""
    train_graphs: int = 240
    """Training graphs."""
    evolution: EvolutionConfig = field(default_factory=_removal_config)

    def check(self) -> None:
        """Raises ValueError for numbers out of range, or an unknown network where there is no --data."""
        at_least_one(seeds=self.seeds, pivots=self.pivots, train_graphs=self.train_graphs)
        if self.train_nodes < 20:
            raise ValueError(f"--train-nodes {self.train_nodes}: give at least 20.")
        if self.data is None:
            check_generated(self.networks)


OPINION_NETWORKS = {
    "valid": ("watts_strogatz-200", "watts_strogatz-400"),
    "test": ("reddit", "twitter", "watts_strogatz-500", "watts_strogatz-1000", "watts_strogatz-2000"),
}


def _opinion_config() -> EvolutionConfig:
    return EvolutionConfig(iterations=30, chunks=5, population=16, episodes=16, spread=0.1, learning_rate=0.03)


@dataclass(frozen=True)
class Depolarization:
    """Lowering the polarisation of expressed opinions by flipping n // 10 pairs, beside greedy over all pairs.

    One criterion, learned on small graphs, that reads two linear solves instead of an inverse.
    """

    networks: tuple[str, ...] = ()
    """reddit, twitter (with --data), watts_strogatz-<nodes>; default: two small worlds (valid), or the real networks
    and small worlds of 500 to 2000 nodes (test)."""
    seeds: int = 5
    """Training seeds, all in one program."""
    split: Literal["valid", "test"] = "valid"
    """Which networks, where none are named."""
    data: Path | None = None
    """Folder with reddit_edgelist.csv, reddit_innateop.csv, edges_twitter.txt and opinion_twitter.txt."""
    json: Path | None = None
    """Write results here after every network; those of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for depolarization.md and depolarization.png."""
    extremes: int = 16
    """People of the most extreme opinions that one end of every pair is among."""
    train_nodes: int = 40
    """Nodes of a training graph."""
    train_graphs: int = 128
    """Training graphs."""
    evolution: EvolutionConfig = field(default_factory=_opinion_config)

    def check(self) -> None:
        """Raises ValueError for numbers out of range, or an unknown network."""
        at_least_one(seeds=self.seeds, train_graphs=self.train_graphs)
        if self.train_nodes < 16 or self.extremes < 2:
            raise ValueError("--train-nodes must be at least 16, --extremes at least 2.")
        for name in self.networks:
            family, _, nodes = name.rpartition("-")
            chosen([family or name], ("reddit", "twitter", "watts_strogatz"), "network")
            if family and not (nodes.isdigit() and int(nodes) >= 20):
                raise ValueError(f"network '{name}': give watts_strogatz-NODES with at least 20.")


CASCADES: dict[str, float | None] = {"p=.01": 0.01, "p=.1": 0.1, "weighted": None}  # None: 1 / degree of the head
INFLUENCE_NETWORKS = {
    "generated": ("ba-300", "sparse-300"),
    "valid": ("librec-filmtrust-trust",),
    "test": ("opsahl-ucsocial", "petster-hamster", "advogato", "pajek-erdos"),
}


def _influence_config() -> EvolutionConfig:
    return EvolutionConfig(iterations=20, chunks=4, population=16, episodes=8, spread=0.1, learning_rate=0.03)


@dataclass(frozen=True)
class Influence:
    """Whom to seed for the widest spread in cascades, scored on fresh worlds.

    One criterion a cascade, learned on small synthetic graphs, that corrects ranks of influence; every seed is chosen
    by ranks made anew. Beside it IMM, greedy on worlds (CELF), degree discount and PageRank.
    """

    networks: tuple[str, ...] = ()
    """Names in --data; default: filmtrust (valid), or ucsocial, hamster, advogato and erdos (test). Without --data:
    les_miserables, karate or FAMILY-NODES of ba, sparse, geometric."""
    cascades: tuple[str, ...] = tuple(CASCADES)
    """p=.01, p=.1: chances of every edge; weighted: 1 / degree of whom it reaches."""
    budgets: tuple[int, ...] = (10, 20, 50)
    """Numbers of seeds."""
    seeds: int = 5
    """Training seeds, all in one program."""
    split: Literal["valid", "test"] = "valid"
    """Which networks of --data, where none are named."""
    data: Path | None = None
    """Folder with <network>.txt, two node numbers a line; default: generated networks."""
    json: Path | None = None
    """Write results here after every row; rows of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for influence.md and influence.png."""
    worlds: int = 200
    """Worlds that greedy chooses on, and fresh ones that a spread is the mean of."""
    error: float = 0.5
    """ε of IMM: smaller is better and slower, sets grow as 1/ε²."""
    train_nodes: int = 60
    """Nodes of a training graph, at most."""
    train_graphs: int = 160
    """Training graphs."""
    evolution: EvolutionConfig = field(default_factory=_influence_config)

    def check(self) -> None:
        """Raises ValueError for an unknown name, or numbers out of range."""
        chosen(self.cascades, CASCADES, "cascade")
        at_least_one(seeds=self.seeds, worlds=self.worlds, train_graphs=self.train_graphs)
        if not self.budgets or min(self.budgets) < 1 or self.train_nodes < 20 or not 0 < self.error < 1:
            raise ValueError("--budgets must be at least 1, --train-nodes at least 20, --error between 0 and 1.")
        if self.data is None:
            check_generated(self.networks)
