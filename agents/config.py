"""Settings of the learners: plain frozen records, importable without jax."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["DQNConfig"]


@dataclass(frozen=True)
class DQNConfig:
    """Settings of the DQN learner. Counts of *iterations* are loop iterations, counts of *steps* environment steps.

    Attributes:
        iterations: of (play ``episodes`` episodes, then ``updates`` gradient updates).
        chunks: the iterations run in so many jitted chunks, with validation, progress and checkpoints in between.
        episodes: parallel environments, each playing one whole episode an iteration.
        updates: gradient updates an iteration. ``batch_size``: transitions an update.
        replay_capacity: episodes kept; a multiple of ``episodes``.
        n_step: environment steps before bootstrapping. ``return_mix``: share of the full return in the target.
        picks: train on every pick of an edit, or on the last only (enough for a head that scores pairs).
        loss: "squared" or "huber" (δ = 1). ``max_grad_norm``: global-norm clipping.
        learning_rate: of Adam, decayed to 0 over the run by a cosine. ``discount``: γ, applied between edits.
        epsilon_start, epsilon_end, epsilon_fraction: exploration falls linearly over that fraction of the iterations.
        target_rate: τ of the soft target update at every update; with ``target_period`` > 0 a hard copy instead.
        encoder, head, width, rounds: the network (``lepton_rl.heads.build_network``).
    """

    iterations: int = 600
    chunks: int = 20
    episodes: int = 64
    updates: int = 4
    batch_size: int = 128
    replay_capacity: int = 8192
    n_step: int = 1
    return_mix: float = 0.3
    picks: Literal["all", "last"] = "last"
    loss: Literal["squared", "huber"] = "squared"
    max_grad_norm: float = 1.0
    learning_rate: float = 2e-3
    discount: float = 1.0
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_fraction: float = 0.5
    target_rate: float = 0.02
    target_period: int = 0
    encoder: str = "gin"
    head: str = "pair"
    width: int = 64
    rounds: int = 3

    def __post_init__(self) -> None:
        if self.iterations % self.chunks:
            raise ValueError(f"iterations ({self.iterations}) must be a multiple of chunks ({self.chunks}).")
        if self.replay_capacity % self.episodes:
            raise ValueError(
                f"replay_capacity ({self.replay_capacity}) must be a multiple of episodes ({self.episodes})."
            )
        if min(self.iterations, self.chunks, self.episodes, self.updates, self.batch_size, self.n_step) < 1:
            raise ValueError("iterations, chunks, episodes, updates, batch_size and n_step must be at least 1.")
