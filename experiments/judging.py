"""How the user's facts are judged: plain options of the command line, importable without jax or arrow."""

from dataclasses import dataclass
from typing import Annotated

import tyro

__all__ = ["Judging", "JudgingOptions"]


@dataclass(frozen=True)
class Judging:
    """The fields are those of :class:`lepton_rl.curation.Curation` (a test keeps them so), which checks them.

    They are repeated here because importing that takes longer than ``--help`` may.
    """

    wrong: float = 0.05
    """Of a knowledge graph: share of the facts that is assumed to be wrong."""
    missing: float = 0.1
    """Share of all true facts that is assumed to be missing."""
    draws: int | None = None
    """Noisy copies of the facts to learn from, to calibrate on and to report on; default: 8, of more than 10,000 facts
    4."""
    evidence: tuple[str, ...] = ("frequency", "types", "rules")
    """What is asked of each fact: frequency, types, rules; embedding and propagation take minutes more."""
    seed: int = 0
    """Of everything random when facts are judged."""


JudgingOptions = Annotated[Judging, tyro.conf.arg(name="")]  # its fields become options without a prefix
