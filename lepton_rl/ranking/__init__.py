"""Rankers of answers to queries (h, r, ?) by name: propagation, convolutions, embeddings, counts and rules.

All are one record (:class:`~lepton_rl.ranking.base.Ranker`), trained by :func:`~lepton_rl.ranking.training.fit` and
judged by :func:`lepton_rl.metrics.evaluate`. Nothing here imports jax until a ranker is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_rl.ranking.config import RankerConfig, default_config
from lepton_rl.registry import resolve

if TYPE_CHECKING:
    from lepton_rl.ranking.base import Ranker

__all__ = ["RANKERS", "RankerConfig", "default_config", "get_ranker"]

RANKERS = {
    "frequency": "lepton_rl.ranking.counts:frequency",
    "rules": "lepton_rl.ranking.rules:rules",
    "transe": "lepton_rl.ranking.embeddings:transe",
    "distmult": "lepton_rl.ranking.embeddings:distmult",
    "complex": "lepton_rl.ranking.embeddings:complex_",
    "rotate": "lepton_rl.ranking.embeddings:rotate",
    "rgcn": "lepton_rl.ranking.convolution:rgcn",
    "compgcn": "lepton_rl.ranking.convolution:compgcn",
    "nbfnet": "lepton_rl.ranking.propagation:nbfnet",
    "nbfnet-near": "lepton_rl.ranking.propagation:nbfnet_near",
}


def get_ranker(name: str, config: RankerConfig, num_entities: int, num_relations: int) -> Ranker:
    """The ranker called ``name``; equal arguments give the same object, so that nothing is compiled twice.

    Raises:
        ValueError: unknown name; the message names a near match and every allowed one.
    """
    ranker: Ranker = resolve(RANKERS, name, "ranker")(config, num_entities, num_relations)
    return ranker
