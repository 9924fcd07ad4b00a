"""Settings of the agents in the table of knowledge graphs, chosen on validation facts: importable without jax."""

from agents.config import DQNConfig
from experiments.completion_settings import BY_REWARDS, FROM_TRAINED, NEAR, AgentConfig
from experiments.scoreboards.knowledge_options import config_for

__all__ = ["agent_config"]

_WALK = DQNConfig(
    iterations=200, chunks=10, episodes=512, updates=8, batch_size=192, replay_capacity=4096, batch="episodes",
    picks="all", loss="logistic", return_mix=0.0, learning_rate=5e-3, exploration="odds", epsilon_end=1.0,
)


def agent_config(method: str, name: str) -> AgentConfig:
    """The settings of an agent, a name in :data:`~experiments.scoreboards.knowledge_options.AGENTS`, on a data set."""
    if method == "dqn-near":
        return NEAR
    dqn = {"dqn": BY_REWARDS, "dqn-pretrained": FROM_TRAINED, "walk": _WALK}[method]
    return AgentConfig(dqn, config_for("nbfnet", name))
