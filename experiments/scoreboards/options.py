"""What the scoreboards take: plain frozen records, importable without jax."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from agents.config import DQNConfig
from lepton_rl.registry import near_match

__all__ = [
    "CELLS", "GREEDY_LIMIT", "OPTIMA", "SIZES", "TRAIN_NODES", "Cell", "Optima", "Robustness", "budget_at", "chosen",
    "robustness_config",
]  # fmt: skip

TRAIN_NODES = 20
SIZES = (30, 40, 50, 60, 80, 100)  # the published out-of-distribution sizes
GREEDY_LIMIT = 50  # nodes; beyond, looking one edge ahead at every pair takes hours


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


class Cell(NamedTuple):
    """One cell of the table: a family of graphs, how nodes are removed, and the edges to add."""

    family: Literal["ba", "er"]
    removal: Literal["random", "targeted"]
    budget: int

    @property
    def name(self) -> str:
        """As options and results spell it."""
        return f"{self.family}-{self.removal}-{self.budget}"


_ALL = [Cell(f, r, b) for f in ("ba", "er") for r in ("random", "targeted") for b in (2, 5, 10)]
CELLS = {cell.name: cell for cell in _ALL}


def budget_at(num_nodes: int) -> int:
    """L = ceil(2.5 % of the pairs), in whole numbers."""
    return -(-num_nodes * (num_nodes - 1) // 80)


def robustness_config() -> DQNConfig:
    """The one configuration of all cells, chosen on validation graphs."""
    return DQNConfig(iterations=240, width=32)


@dataclass(frozen=True)
class Robustness:
    """Critical fraction after adding edges, RNet-DQN's protocol (Darvariu, Hailes & Musolesi 2021), 12 cells.

    Every method is scored on the same held-out graphs with the same noise, apart from the noise of training and of
    search. The agent's mean and interval are over training seeds and graphs.
    """

    cells: tuple[str, ...] = tuple(CELLS)
    """Which cells: {ba,er}-{random,targeted}-{2,5,10}."""
    seeds: int = 5
    """Training seeds a cell, all in one program."""
    split: Literal["valid", "test"] = "valid"
    """Graphs to report on. Validation graphs also choose the parameters that are kept: report final numbers on test."""
    data: Path | None = None
    """Folder with {ba,er}_n20_{train,valid,test}.npz and {ba,er}_n<size>_test.npz; default: the same protocol's graphs,
    generated."""
    sizes: tuple[int, ...] = ()
    """Also play agents of the L = 5 cells on larger graphs, with L = ceil(2.5 % of the pairs): 30 40 50 60 80 100."""
    json: Path | None = None
    """Write results here after every cell; cells of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for robustness.md and robustness.png."""
    train_graphs: int = 2000
    """Training graphs to generate where there is no --data."""
    train_orders: int = 200
    """Removal orders a training reward is the mean of; a draw of the reported values has 2n, the protocol's number."""
    graphs: int = 100
    """Held-out graphs a cell."""
    draws: int = 10
    """Draws of 2n removal orders a reported value."""
    dqn: DQNConfig = field(default_factory=robustness_config)

    def check(self) -> None:
        """Raises ValueError as :meth:`checked_cells` does."""
        self.checked_cells()

    def checked_cells(self) -> list[Cell]:
        """The cells asked for.

        Raises:
            ValueError: an unknown name, or numbers out of range.
        """
        cells = [CELLS[name] for name in chosen(self.cells, CELLS, "cell")]
        if min(self.seeds, self.graphs, self.draws, self.train_graphs, self.train_orders) < 1:
            raise ValueError("--seeds, --graphs, --draws, --train-graphs and --train-orders must be at least 1.")
        if self.sizes and (min(self.sizes) <= TRAIN_NODES):
            allowed = " ".join(map(str, SIZES))
            raise ValueError(f"--sizes are beyond the trained {TRAIN_NODES} nodes: give e.g. {allowed}.")
        if self.sizes and not any(cell.budget == budget_at(TRAIN_NODES) for cell in cells):
            needed = budget_at(TRAIN_NODES)
            raise ValueError(f"--sizes uses agents trained with L = {needed}: add such a cell to --cells.")
        return cells


# A deterministic objective for every rule: of noisy ones no plan is the best.
OPTIMA = {
    "EdgeAddition": "efficiency", "EdgeRemoval": "-efficiency", "EdgeToggle": "-polarisation",
    "Rewiring": "efficiency", "EdgeMove": "efficiency", "NodeRemoval": "-pairwise_connectivity",
    "NodeSelection": "vertex_cover", "NodeFlip": "cut", "LinkRecommendation": "diversity",
    "EdgeReweighting": "-effective_resistance",
}  # fmt: skip


@dataclass(frozen=True)
class Optima:
    """On six nodes every plan can be tried: how many of the agents find the best one, rule by rule?"""

    rules: tuple[str, ...] = tuple(OPTIMA)
    """Which rules of edits (see `experiments.run list environments`)."""
    seeds: int = 10
    """Agents a rule, all in one program."""
    budget: int = 2
    """Edits."""
    json: Path | None = None
    """Write results here."""

    def check(self) -> None:
        """Raises ValueError as :meth:`checked_rules` does."""
        self.checked_rules()

    def checked_rules(self) -> list[str]:
        """The rules asked for.

        Raises:
            ValueError: an unknown name, or numbers out of range.
        """
        rules = chosen(self.rules, OPTIMA, "rule")
        if self.seeds < 1 or not 1 <= self.budget <= 3:
            raise ValueError("--seeds must be at least 1, --budget 1 to 3: every plan is tried.")
        return rules
