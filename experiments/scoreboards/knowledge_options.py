"""What the scoreboard of knowledge graphs takes, and what was published: importable without jax."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from experiments.scoreboards.options import chosen
from lepton_rl.metrics import Protocol
from lepton_rl.ranking import RANKERS, RankerConfig, default_config
from lepton_rl.registry import near_match

__all__ = ["KG", "PUBLISHED", "WORLD", "Published", "check_sets", "config_for"]

WORLD = "world"


class Published(NamedTuple):
    """A published mean reciprocal rank, filtered, on the same split; what its protocol says of the rest."""

    system: str
    mrr: float
    side: str
    ties: str
    candidates: str


_BEAM = ("tails only", "beam order", "reached entities, unreached = 0")
PUBLISHED = {
    "umls": (
        Published("MINERVA (Das et al. 2018)", 0.825, *_BEAM),
        Published("MultiHopKG, ConvE (Lin et al. 2018)", 0.940, *_BEAM),
    ),
    "kinship": (
        Published("MINERVA (Das et al. 2018)", 0.720, *_BEAM),
        Published("MultiHopKG, ConvE (Lin et al. 2018)", 0.865, *_BEAM),
    ),
}

# Chosen on validation facts, one seed each.
_CHOSEN = {
    ("nbfnet", "kinship"): RankerConfig(rounds=2, epochs=8, batch_size=64, weight_decay=0.3, drop=0.3),
}


def config_for(method: str, name: str) -> RankerConfig:
    """The settings of a ranker on a data set."""
    return _CHOSEN.get((method, name), default_config(method))


def check_sets(names: Iterable[str], data: Path | None) -> None:
    """Check that there are data sets of these names, "world" or folders of ``data``.

    Raises:
        ValueError: a missing folder or an unknown name; the message names a near match.
    """
    there = [WORLD]
    if data is not None:
        if not data.is_dir():
            raise ValueError(f"--data: no folder {data}.")
        there += sorted(entry.name for entry in data.iterdir() if entry.is_dir())
    for name in names:
        if name not in there:
            raise ValueError(
                f"no data set '{name}'.{near_match(name, there)} There: {', '.join(there)}"
                f"{' (give --data DIR for more)' if data is None else ''}."
            )


@dataclass(frozen=True)
class KG:
    """Answers to held-out facts of knowledge graphs, ranked: every row says its side, ties, candidates and split.

    The parameters of trained rankers are those of the epoch that is best on validation facts. Ranks are filtered by the
    facts of all parts.
    """

    sets: tuple[str, ...] = ()
    """Folders of --data; default: umls and kinship there, or "world", which is installed with a package, without."""
    methods: tuple[str, ...] = tuple(RANKERS)
    """Which rankers."""
    data: Path | None = None
    """Folder with a folder a data set: train, valid and test files of facts."""
    seeds: int = 5
    """Training seeds of each trained ranker."""
    split: Literal["valid", "test"] = "valid"
    """Facts to report on. Validation facts also choose the parameters that are kept: report final numbers on test."""
    side: Literal["tail", "head", "both"] = "tail"
    """Ask for tails, heads or both."""
    ties: Literal["realistic", "optimistic", "pessimistic"] = "realistic"
    """Where an answer among equals comes."""
    candidates: Literal["all", "negatives"] = "all"
    """Rank answers among all entities, or among 50 wrong ones."""
    json: Path | None = None
    """Write results here after every row; rows of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for kg.md and kg.png."""
    epochs: int | None = None
    """Epochs of every trained ranker instead of the chosen ones: for a quick look."""

    @property
    def protocol(self) -> Protocol:
        """How answers are ranked."""
        return Protocol(self.side, self.ties, self.candidates)

    @property
    def chosen_sets(self) -> tuple[str, ...]:
        """The data sets asked for."""
        return tuple(dict.fromkeys(self.sets or ((WORLD,) if self.data is None else ("umls", "kinship"))))

    def check(self) -> None:
        """Check names and numbers.

        Raises:
            ValueError: an unknown ranker or data set, or numbers out of range.
        """
        chosen(self.methods, RANKERS, "ranker")
        if self.seeds < 1 or (self.epochs is not None and self.epochs < 1):
            raise ValueError("--seeds and --epochs must be at least 1.")
        check_sets(self.chosen_sets, self.data)
