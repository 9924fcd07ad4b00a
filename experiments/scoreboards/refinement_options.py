"""What the scoreboard of refinement takes: importable without jax."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from experiments.judging import REFINING_DQN
from experiments.scoreboards.knowledge_options import WORLD, check_sets, sets_asked
from experiments.scoreboards.options import chosen
from lepton_rl.evidence import DEFAULT, EVIDENCE
from lepton_rl.noise import KINDS

__all__ = ["KGRefine"]


@dataclass(frozen=True)
class KGRefine:
    """Wrong facts found in knowledge graphs: detectors with a threshold beside policies, on noise that none has seen.

    Each draw puts other wrong facts into the training facts of a data set. Policies are trained on some draws;
    thresholds, what a wrong deletion costs, and parameters are chosen on others; all is reported on further ones.
    """

    sets: tuple[str, ...] = ()
    """Folders of --data; default: umls and kinship there, or "world", which is installed with a package, without."""
    data: Path | None = None
    """Folder with a folder a data set: train, valid and test files of facts."""
    shares: tuple[float, ...] = (0.05,)
    """Wrong facts for each right one."""
    kinds: tuple[str, ...] = ("uniform",)
    """How facts are made wrong: uniform, types, relation, mixed (a third of each), verified."""
    evidence: tuple[str, ...] = ()
    """Families of evidence: frequency, types, rules, embedding, propagation. Default: all but the last, and for "world"
    alone those that are counted."""
    seeds: int = 5
    """Draws of noise that are reported on."""
    train: int = 4
    """Draws that policies are trained on."""
    valid: int = 2
    """Draws to choose by."""
    split: Literal["valid", "test"] = "test"
    """Report on the draws that were chosen by, or on further ones."""
    transfer: bool = False
    """Judge what was trained on one data set on the others too."""
    iterations: int = REFINING_DQN.iterations
    """Iterations of the DQN learner."""
    epochs: int = 5
    """Epochs of the link predictor that is trained before and after cleaning; 0: none is."""
    json: Path | None = None
    """Write results here after every row; rows of an earlier run with the same settings are kept."""
    output: Path | None = None
    """Folder for kg_refinement.md and kg_refinement.png."""

    @property
    def chosen_sets(self) -> tuple[str, ...]:
        """The data sets asked for."""
        return sets_asked(self.sets, self.data)

    @property
    def chosen_evidence(self) -> tuple[str, ...]:
        """The families asked for."""
        return self.evidence or (DEFAULT[:3] if self.chosen_sets == (WORLD,) else DEFAULT)

    def check(self) -> None:
        """Check names and numbers.

        Raises:
            ValueError: an unknown kind, family or data set, or numbers out of range.
        """
        chosen(self.kinds, KINDS, "kind of noise")
        chosen(self.evidence, EVIDENCE, "evidence")
        if min(self.seeds, self.train, self.valid) < 1 or self.epochs < 0:
            raise ValueError("--seeds, --train and --valid must be at least 1, --epochs at least 0.")
        if self.iterations < 1 or self.iterations % REFINING_DQN.chunks:
            raise ValueError(f"--iterations must be a multiple of {REFINING_DQN.chunks}.")
        if not all(0 < share < 1 for share in self.shares):
            raise ValueError("--shares must lie between 0 and 1.")
        if self.transfer and len(self.chosen_sets) < 2:
            raise ValueError("--transfer judges on other data sets: give at least two --sets.")
        check_sets(self.chosen_sets, self.data)
