"""Settings of curation: a plain frozen record, importable without jax."""

from dataclasses import dataclass

__all__ = ["Curation"]


@dataclass(frozen=True)
class Curation:
    """How facts are judged.

    Raises:
        ValueError: a share out of range, too few draws, or no such evidence.
    """

    wrong: float = 0.05
    """Share of the facts that is assumed to be wrong."""
    missing: float = 0.1
    """Share of all true facts that is assumed to be missing."""
    draws: int | None = None
    """Noisy copies of the graph: half to learn from, a quarter to calibrate on, a quarter to report on; default: 8, of
    graphs with more than 10,000 facts 4."""
    evidence: tuple[str, ...] = ("frequency", "types", "rules")
    """What is asked of each fact (:data:`lepton_rl.evidence.EVIDENCE`); embedding and propagation take minutes more."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        for name in ("wrong", "missing"):
            if not 0 < getattr(self, name) < 0.5:
                raise ValueError(f"--{name} {getattr(self, name)} is out of range: give a share above 0 and below 0.5.")
        if self.draws is not None and self.draws < 4:
            raise ValueError(f"--draws {self.draws} is too small: give at least 4.")
