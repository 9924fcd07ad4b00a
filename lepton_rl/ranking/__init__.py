"""Rankers of answers to queries (h, r, ?) by name: propagation, convolutions, embeddings, counts and rules.

All are one record (:class:`~lepton_rl.ranking.base.Ranker`), trained by :func:`~lepton_rl.ranking.training.fit` and
judged by :func:`lepton_rl.metrics.evaluate`.
"""

from lepton_rl.ranking.base import RANKERS, Ranker, get_ranker, scorer
from lepton_rl.ranking.config import RankerConfig, default_config

__all__ = ["RANKERS", "Ranker", "RankerConfig", "default_config", "get_ranker", "scorer"]
