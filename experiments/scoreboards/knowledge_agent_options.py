"""Settings of the agents in the table of knowledge graphs, chosen on validation facts: importable without jax."""

from agents.config import DQNConfig
from experiments.completion_settings import BY_REWARDS, FROM_TRAINED, NEAR, AgentConfig
from experiments.scoreboards.knowledge_options import config_for

__all__ = ["agent_config"]

_WALK = DQNConfig(
    iterations=200, chunks=10, episodes=128, updates=8, batch_size=64, replay_capacity=2048, picks="all",
    return_mix=0.3, learning_rate=5e-3, epsilon_end=0.1, epsilon_fraction=0.5,
)  # fmt: skip


def agent_config(method: str, name: str) -> AgentConfig:
    """The settings of an agent, a name in :data:`~experiments.scoreboards.knowledge_options.AGENTS`, on a data set."""
    if method == "dqn-near":
        return NEAR
    dqn = {"dqn": BY_REWARDS, "dqn-pretrained": FROM_TRAINED, "walk": _WALK}[method]
    return AgentConfig(dqn, config_for("nbfnet", name))
