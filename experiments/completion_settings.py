"""How what completes a knowledge graph is trained: plain settings, importable without jax."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import tyro

from agents.config import DQNConfig
from lepton_rl.ranking.config import RankerConfig, default_config

__all__ = ["BY_REWARDS", "FROM_TRAINED", "AgentConfig", "Completing", "CompletingOptions"]

# An action is judged by its own reward alone (a discount of 0): what is asked later does not depend on it, and what it
# inserts changes later answers little. Chosen on validation facts of UMLS and Kinship.
BY_REWARDS = DQNConfig(
    iterations=300, chunks=10, episodes=16, updates=8, batch_size=1024, replay_capacity=256, batch="episodes",
    picks="all", loss="logistic", return_mix=0.0, discount=0.0, learning_rate=5e-3, weight_decay=0.1,
    exploration="odds", epsilon_end=1.0,
)  # fmt: skip
FROM_TRAINED = replace(BY_REWARDS, iterations=40, chunks=4, learning_rate=5e-4)


@dataclass(frozen=True)
class AgentConfig:
    """How an agent is trained on a data set."""

    dqn: DQNConfig
    ranker: RankerConfig = field(default_factory=lambda: default_config("nbfnet"))
    """The encoder's width and rounds."""
    queries: int = 16
    """Of an episode of completion."""
    answers: int = 16
    """To each of them."""
    steps: int = 3
    """Of a walk."""


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
