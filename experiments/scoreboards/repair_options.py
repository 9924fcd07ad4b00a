"""What the scoreboard of repairs takes: importable without jax."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agents.config import DQNConfig
from experiments.scoreboards.boards import at_least_one
from experiments.scoreboards.knowledge_options import check_sets, sets_asked
from experiments.scoreboards.options import chosen
from lepton_rl.damage import Damage
from lepton_rl.evidence import DEFAULT, EVIDENCE

__all__ = ["KGRepair"]

# So that an episode has about as many errors as edits, or up to twice as many: entities of dense graphs have enough.
_ENTITIES = {"umls": 1, "kinship": 1}


def _config() -> DQNConfig:
    # An edit's worth hardly depends on those before it, so what comes later is left out of an action's value: with it
    # (discount 1, one-step targets) less was repaired on validation draws.
    return DQNConfig(
        iterations=200, chunks=10, episodes=32, updates=4, batch_size=64, replay_capacity=4096, picks="all",
        n_step=64, return_mix=0.0, discount=0.0, learning_rate=3e-3, epsilon_end=0.1,
    )  # fmt: skip


@dataclass(frozen=True)
class KGRepair:
    """Repairs of damaged knowledge graphs: how much of what the budget could mend is mended.

    Facts are removed, injected and rewired, types are changed; every part has draws of its own. The score is the drop
    of the symmetric difference to the true graph, summed over episodes, beside the largest drop that so many edits
    can bring, exactly, whatever was proposed. It is 1 for perfect repairs, 0 for none, negative where more is broken
    than mended.
    """

    sets: tuple[str, ...] = ()
    """Folders of --data; default: umls, kinship and codex_s there, or "world", installed with a package, without."""
    data: Path | None = None
    """Folder with a folder a data set: train, valid and test files of facts, which all count as true."""
    seeds: int = 5
    """Training seeds, all in one program."""
    split: Literal["valid", "test"] = "valid"
    """Draws to report on. Validation draws also choose thresholds and parameters: report final numbers on test."""
    json: Path | None = None
    """Write results here after every set; sets of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for kg-repair.md and kg-repair.png."""
    budget: int = 8
    """Edits an episode."""
    entities: int = 0
    """Entities an episode is about; default: 4, of umls and kinship 1."""
    candidates: int = 128
    """Proposed edits an episode, STOP among them."""
    focuses: int = 208
    """Episodes a draw, at most: all entities are dealt out, and so many groups are kept."""
    draws: int = 8
    """Damaged copies to train on."""
    held_out: int = 3
    """Damaged copies to validate on, and to test on."""
    evidence: tuple[str, ...] = ()
    """What is gathered of facts, see `lepton_rl.evidence`; default: all that is counted, and with --data embeddings."""
    damage: Damage = field(default_factory=Damage)
    dqn: DQNConfig = field(default_factory=_config)
    width: int = 64
    """Of the network."""

    @property
    def chosen_sets(self) -> tuple[str, ...]:
        """The data sets asked for."""
        return sets_asked(self.sets, self.data, ("umls", "kinship", "codex_s"))

    @property
    def chosen_evidence(self) -> tuple[str, ...]:
        """The families of evidence asked for."""
        return self.evidence or tuple(name for name in DEFAULT if self.data is not None or name != "embedding")

    def entities_of(self, name: str) -> int:
        """Entities of a focus on a data set."""
        return self.entities or _ENTITIES.get(name, 4)

    def check(self) -> None:
        """Check names and numbers.

        Raises:
            ValueError: an unknown data set or evidence, or numbers out of range.
        """
        chosen(self.evidence, EVIDENCE, "evidence")
        at_least_one(seeds=self.seeds, budget=self.budget, focuses=self.focuses, draws=self.draws,
                     held_out=self.held_out, width=self.width)  # fmt: skip
        if self.candidates < 16 or self.entities < 0:
            raise ValueError("--candidates must be at least 16, --entities at least 1 where it is given.")
        self.damage.check()
        check_sets(self.chosen_sets, self.data)
