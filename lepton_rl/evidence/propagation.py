"""Whether a graph's own ranker believes its facts: the query-conditioned one, asked with a fold of them hidden.

It knows relations and no entity, and in training never sees the fact it is asked for, so one training serves all folds:
what is left out of each is the fold, as something to propagate along.
"""

import jax.numpy as jnp
import numpy as np

from lepton_rl.evidence.base import Case, Family, Note
from lepton_rl.evidence.trained import folds_of, graph_of, over_folds, trained_on
from lepton_rl.metrics import Score
from lepton_rl.ranking import RankerConfig
from lepton_rl.ranking.base import scorer
from lepton_rl.triple_graph import hide

__all__ = ["FOLDS", "PROPAGATION"]

FOLDS = 10
_CONFIG = RankerConfig(width=16, rounds=2, epochs=4, batch_size=32, weight_decay=0.1, drop=0.2)


def _score(case: Case, note: Note) -> np.ndarray:
    E, whole = len(case.facts), graph_of(case.facts, case)
    folds, most = folds_of(case, min(FOLDS, E)), -(-E // min(FOLDS, E))
    ranker, params = trained_on("nbfnet", _CONFIG, case, np.arange(E), 0, note)

    def ask(fold: int) -> Score:
        numbers = np.flatnonzero(folds == fold)
        numbers = np.pad(numbers, (0, most - len(numbers)), constant_values=E)  # E is none
        return scorer(ranker, params, hide(whole, jnp.asarray(numbers)))

    return over_folds(case, folds, ask)


PROPAGATION = Family(
    ("propagation", "propagation: as a tail", "propagation: as a head", "propagation: rank as a tail",
     "propagation: rank as a head"),
    _score,
)  # fmt: skip
"""Scores and ranks as answers, see :func:`lepton_rl.evidence.trained.answered`."""
