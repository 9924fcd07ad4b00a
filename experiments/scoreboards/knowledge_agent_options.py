"""Settings of the agents in the table of knowledge graphs, chosen on validation facts: importable without jax."""

from dataclasses import dataclass, field, replace

from agents.config import DQNConfig
from experiments.scoreboards.knowledge_options import config_for
from lepton_rl.ranking import RankerConfig

__all__ = ["AgentConfig", "agent_config"]

# An action is judged by its own reward alone (a discount of 0): what is asked later does not depend on it, and what it
# inserts changes later answers little.
_TD = DQNConfig(
    iterations=200, chunks=10, episodes=16, updates=8, batch_size=512, replay_capacity=256, batch="episodes",
    picks="all", loss="logistic", return_mix=0.0, discount=0.0, learning_rate=5e-3, weight_decay=0.1,
    exploration="odds", epsilon_end=1.0,
)  # fmt: skip
_FROM_TRAINED = replace(_TD, iterations=40, chunks=4, learning_rate=5e-4)
_WALK = DQNConfig(
    iterations=200, chunks=10, episodes=128, updates=8, batch_size=64, replay_capacity=2048, picks="all",
    return_mix=0.3, learning_rate=5e-3, epsilon_end=0.1, epsilon_fraction=0.5,
)  # fmt: skip


@dataclass(frozen=True)
class AgentConfig:
    """How an agent is trained on a data set."""

    dqn: DQNConfig
    ranker: RankerConfig = field(default_factory=lambda: config_for("nbfnet", ""))
    """The encoder's width and rounds."""
    queries: int = 16
    """Of an episode of completion."""
    answers: int = 8
    """To each of them."""
    steps: int = 3
    """Of a walk."""


def agent_config(method: str, name: str) -> AgentConfig:
    """The settings of an agent, a name in :data:`~experiments.scoreboards.knowledge_options.AGENTS`, on a data set."""
    dqn = {"dqn": _TD, "dqn-pretrained": _FROM_TRAINED, "walk": _WALK}[method]
    return AgentConfig(dqn, config_for("nbfnet", name))
