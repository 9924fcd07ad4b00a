"""Settings of rankers: plain frozen records, importable without jax."""

from dataclasses import dataclass, replace

__all__ = ["RankerConfig", "default_config"]


@dataclass(frozen=True)
class RankerConfig:
    """Settings of a ranker and of its training, chosen on validation facts alone.

    Raises:
        ValueError: a number that cannot be.
    """

    width: int = 32
    """Width of the embeddings."""
    rounds: int = 3
    """Rounds of message passing."""
    epochs: int = 15
    """Passes over the training facts; the parameters of the best one on validation facts are kept."""
    batch_size: int = 32
    """Facts a gradient update; each asks for its tail and for its head."""
    learning_rate: float = 5e-3
    """Of Adam, decayed to 0 over the run by a cosine."""
    weight_decay: float = 0.0
    """Decoupled from the gradient."""
    drop: float = 0.0
    """Share of the facts that are hidden at random in an update, beside those it asks for."""
    hops: int = 0
    """Read the facts within so many steps of the query's entity; 0: the whole graph."""
    facts: int = 512
    """At most so many of them, the nearest."""
    sides: str = "both"
    """Ask for the "tail" alone, or for "both" ends."""

    def __post_init__(self) -> None:
        least = min(self.width, self.rounds, self.epochs, self.batch_size, self.facts, self.hops + 1)
        if least < 1 or not 0 <= self.drop < 1:
            raise ValueError("width, rounds, epochs, batch_size and facts must be at least 1, drop in [0, 1).")
        if self.sides not in ("tail", "both"):
            raise ValueError(f"sides must be 'tail' or 'both', not '{self.sides}'.")


# Chosen on the validation facts of UMLS and Kinship, one seed each.
_EMBEDDING = RankerConfig(width=1024, epochs=10, batch_size=64, learning_rate=1e-2, weight_decay=0.3)
_DISTANCE = replace(_EMBEDDING, width=128, weight_decay=0.1)  # N x D numbers a query
_CONVOLUTION = RankerConfig(width=64, rounds=2, epochs=20, batch_size=64, weight_decay=0.1, drop=0.2)
_DEFAULTS = {
    "nbfnet": RankerConfig(epochs=12, weight_decay=0.1, drop=0.2),
    "nbfnet-near": RankerConfig(epochs=12, weight_decay=0.1, drop=0.2, hops=3),
    "rgcn": _CONVOLUTION, "compgcn": _CONVOLUTION,
    "complex": _EMBEDDING, "distmult": replace(_EMBEDDING, width=512), "transe": _DISTANCE, "rotate": _DISTANCE,
}  # fmt: skip


def default_config(name: str) -> RankerConfig:
    """The settings that a ranker is reported with."""
    return _DEFAULTS.get(name, RankerConfig())
