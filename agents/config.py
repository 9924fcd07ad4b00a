"""Settings of the learners: plain frozen records, importable without jax."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["DQNConfig", "EvolutionConfig", "dqn_from_json"]


@dataclass(frozen=True)
class DQNConfig:
    """Settings of the DQN learner. Counts of *iterations* are loop iterations, counts of *steps* environment steps.
    """

    iterations: int = 600
    """Iterations of (play a batch of episodes, then take a few gradient updates)."""
    chunks: int = 20
    """They run in so many jitted chunks, with validation, progress and checkpoints in between."""
    episodes: int = 64
    """Parallel environments, each playing one whole episode an iteration."""
    updates: int = 4
    """Gradient updates an iteration."""
    batch_size: int = 128
    """Transitions an update."""
    replay_capacity: int = 8192
    """Episodes kept; a multiple of the episodes an iteration."""
    n_step: int = 1
    """Environment steps before bootstrapping."""
    return_mix: float = 0.3
    """Share of the full return in the target."""
    picks: Literal["all", "last"] = "last"
    """Train on every pick of an edit, or on the last only (enough for a head that scores pairs)."""
    batch: Literal["steps", "episodes"] = "steps"
    """An update takes single steps of many episodes; or all steps of the few that make up its batch, which share what
    their encodings have in common."""
    loss: Literal["squared", "huber", "logistic"] = "squared"
    """Squared error; Huber with δ = 1; or cross entropy, where values and targets are probabilities."""
    max_grad_norm: float = 1.0
    """Global-norm clipping of the gradient."""
    weight_decay: float = 0.0
    """Decoupled from the gradient."""
    learning_rate: float = 2e-3
    """Of Adam, decayed to 0 over the run by a cosine."""
    discount: float = 1.0
    """γ, applied between edits and not inside one. At 0 targets are the rewards of single actions."""
    epsilon_start: float = 1.0
    """Share of random actions at first."""
    epsilon_end: float = 0.05
    """Share of random actions later."""
    epsilon_fraction: float = 0.5
    """Exploration falls linearly over this fraction of the iterations."""
    exploration: Literal["uniform", "values", "odds"] = "uniform"
    """Random actions are drawn uniformly; by exp(Q / temperature); or, where values are probabilities, by their odds to
    the power of 1 / temperature."""
    temperature: float = 1.0
    """Of the exploration by values or odds."""
    target_rate: float = 0.02
    """τ of the soft target update at every gradient update."""
    target_period: int = 0
    """Where positive, a hard target copy every so many gradient updates instead of the soft one."""
    encoder: str = "gin"
    """Name of the encoder."""
    head: str = "pair"
    """Name of the head: "pair" scores pairs of nodes, "node" single nodes (for large graphs)."""
    width: int = 64
    """Width of the embeddings."""
    rounds: int = 3
    """Rounds of message passing."""
    structural: tuple[str, ...] = ()
    """Further structural inputs of the encoder: degree, clustering, core, random_walk, laplacian."""

    def __post_init__(self) -> None:
        if self.iterations % self.chunks:
            raise ValueError(f"iterations ({self.iterations}) must be a multiple of chunks ({self.chunks}).")
        if self.replay_capacity % self.episodes:
            raise ValueError(
                f"replay_capacity ({self.replay_capacity}) must be a multiple of episodes ({self.episodes})."
            )
        if min(self.iterations, self.chunks, self.episodes, self.updates, self.batch_size, self.n_step) < 1:
            raise ValueError("iterations, chunks, episodes, updates, batch_size and n_step must be at least 1.")
        if self.temperature <= 0:
            raise ValueError(f"a temperature of {self.temperature}: give a number above 0.")


@dataclass(frozen=True)
class EvolutionConfig:
    """Settings of evolution strategies."""

    iterations: int = 100
    """Generations."""
    chunks: int = 10
    """They run in so many jitted chunks, with validation in between."""
    population: int = 32
    """Members of a generation, in pairs of opposite perturbations."""
    episodes: int = 16
    """Episodes a member and generation, the same for all members."""
    spread: float = 0.1
    """Standard deviation of the perturbations."""
    learning_rate: float = 0.05
    """Of Adam, decayed to 0 over the run by a cosine."""

    def __post_init__(self) -> None:
        if min(self.iterations, self.chunks, self.population, self.episodes) < 1 or self.iterations % self.chunks:
            raise ValueError(f"iterations ({self.iterations}) must be a multiple of chunks ({self.chunks}).")
        if self.population % 2:
            raise ValueError(f"a population of {self.population}: give an even number, they come in pairs.")


def dqn_from_json(plain: dict[str, Any]) -> DQNConfig:
    """The settings as :func:`dataclasses.asdict` and JSON left them."""
    return DQNConfig(**plain | {"structural": tuple(plain["structural"])})
