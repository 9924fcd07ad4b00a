"""What embeddings say of a fact that they were not fitted to: ComplEx, fitted without each fold of the facts."""

import numpy as np

from lepton_rl.evidence.base import Case, Family, Note
from lepton_rl.evidence.trained import folds_of, graph_of, over_folds, trained_on
from lepton_rl.metrics import Score
from lepton_rl.ranking import RankerConfig
from lepton_rl.ranking.base import scorer

__all__ = ["EMBEDDING", "FOLDS"]

FOLDS = 5
_CONFIG = RankerConfig(width=128, epochs=6, batch_size=64, learning_rate=1e-2, weight_decay=0.3)
_SMALL = 512  # entities up to which embeddings may be wider
_WIDER = RankerConfig(width=256, epochs=8, batch_size=64, learning_rate=1e-2, weight_decay=0.3)


def _score(case: Case, note: Note) -> np.ndarray:
    E = len(case.facts)
    folds = folds_of(case, min(FOLDS, E))
    config, size = _WIDER if case.num_entities <= _SMALL else _CONFIG, E - -(-E // min(FOLDS, E))

    def ask(fold: int) -> Score:
        others = np.flatnonzero(folds != fold)[:size]  # as many for every fold, so that nothing is compiled twice
        ranker, params = trained_on("complex", config, case, others, fold, note)
        return scorer(ranker, params, graph_of(case.facts[others], case))

    return over_folds(case, folds, ask)


EMBEDDING = Family(
    ("embedding", "embedding: as a tail", "embedding: as a head", "embedding: rank as a tail",
     "embedding: rank as a head"),
    _score,
)  # fmt: skip
"""Scores and ranks as answers, see :func:`lepton_rl.evidence.trained.answered`."""
