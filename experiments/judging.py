"""How facts are judged, and policies and rankers trained: plain options, importable without jax, gymnasium or arrow."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from agents.config import DQNConfig

__all__ = [
    "REFINING_DQN", "WINDOW", "Completing", "CompletingOptions", "Judging", "JudgingOptions", "Refining",
    "RefiningOptions", "refining_from_json",
]  # fmt: skip

WINDOW = 512
"""Facts under review in an episode of training; policies are judged on whole graphs."""
# Rewards follow each deletion at once and what is left does not change, hence no discounted future. Chosen on
# validation noise of UMLS.
REFINING_DQN = DQNConfig(
    iterations=60, chunks=6, episodes=32, updates=8, batch_size=128, replay_capacity=2048, picks="all", return_mix=0.0,
    discount=0.0, learning_rate=2e-3, epsilon_end=0.2,
)  # fmt: skip


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


@dataclass(frozen=True)
class Refining:
    """How a policy of KGRefinement is trained."""

    wrong: float = 0.05
    """KGRefinement: wrong facts that are put into the graph for each of its own, a third each with an end exchanged,
    with an end exchanged for one seen there, with another relation."""
    missing: float = 0.1
    """KGRefinement: share of the facts that is hidden."""
    draws: int = 4
    """KGRefinement: noisy copies of the facts to learn from; two more choose, five more report."""
    evidence: tuple[str, ...] = ("frequency", "types", "rules")
    """KGRefinement: what is asked of each fact: frequency, types, rules; embedding and propagation take minutes
    more."""

    def __post_init__(self) -> None:
        if not 0 < self.wrong < 0.5:
            raise ValueError(f"--wrong {self.wrong} is out of range: give a share above 0 and below 0.5.")
        if not 0 <= self.missing < 0.5:
            raise ValueError(f"--missing {self.missing} is out of range: give a share from 0 to below 0.5.")
        if self.draws < 1:
            raise ValueError(f"--draws {self.draws} is too small: give at least 1.")


RefiningOptions = Annotated[Refining, tyro.conf.arg(name="")]


def refining_from_json(plain: dict[str, Any]) -> Refining:
    """The options as :func:`dataclasses.asdict` and JSON left them."""
    fields = {name: value for name, value in plain.items() if name != "teacher"}  # runs of earlier versions have it
    return Refining(**fields | {"evidence": tuple(plain["evidence"])})


@dataclass(frozen=True)
class Completing:
    """How a ranker of KGCompletion is trained."""

    ranker: Literal["nbfnet", "nbfnet-near", "compgcn", "rgcn"] = "nbfnet"
    """KGCompletion: the network that answers; all of these know relations and no entity. nbfnet-near reads at most 512
    facts around a query's entity, for graphs of many thousand entities."""
    epochs: int | None = None
    """KGCompletion: passes over the training facts by labels; default: the network's own number."""

    def __post_init__(self) -> None:
        if self.epochs is not None and self.epochs < 1:
            raise ValueError(f"--epochs {self.epochs} is too small: give at least 1.")


CompletingOptions = Annotated[Completing, tyro.conf.arg(name="")]
