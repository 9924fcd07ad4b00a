"""How agents that complete a knowledge graph are trained: plain settings, importable without jax."""

from dataclasses import dataclass, field, replace

from agents.config import DQNConfig
from lepton_rl.ranking.config import RankerConfig, default_config

__all__ = ["BY_REWARDS", "FROM_TRAINED", "NEAR", "AgentConfig"]

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
    proposer: str = ""
    """The ranker, one that is counted, whose candidates are all that completion may answer; none: all entities are."""
    proposed: int = 64
    """Candidates a query."""
    asked: int = 0
    """Queries drawn from the training part; 0: all."""


# Of WN18RR: an update takes twenty times that on UMLS, and there are more queries than training can ask.
NEAR = AgentConfig(
    replace(BY_REWARDS, iterations=60, chunks=6), default_config("nbfnet-near"), proposer="rules", asked=1 << 14
)
"""How a ranker of neighbourhoods learns by rewards."""
