"""What the scoreboards of learned criteria take: plain frozen records, importable without jax."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agents.config import EvolutionConfig
from lepton_rl.registry import near_match

__all__ = ["CUT_SETS", "MaxCut", "chosen"]


def chosen(names: Iterable[str], known: Iterable[str], what: str) -> list[str]:
    """``names``, each once.

    Raises:
        ValueError: an unknown one; the message names a near match.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(f"unknown {what} '{name}'.{near_match(name, known)} Allowed: {', '.join(known)}.")
    return list(dict.fromkeys(names))


def at_least_one(**numbers: int) -> None:
    """Refuse numbers below 1.

    Raises:
        ValueError: names the option.
    """
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1; got {number}.")


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
