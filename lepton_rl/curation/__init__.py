"""Which facts of a knowledge graph are wrong and which are missing: candidates, and calibrated verdicts.

Nothing here imports jax; :func:`lepton_rl.curation.judging.judge` does the work.
"""

from lepton_rl.curation.config import Curation

__all__ = ["Curation"]
