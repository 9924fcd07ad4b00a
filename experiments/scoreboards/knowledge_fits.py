"""What the tables of knowledge graphs share: trained rankers seed by seed, data sets, and graphs of other entities."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.completing import Note, Task
from experiments.scoreboards.knowledge_options import WORLD, Shared, config_for
from lepton_rl.data import TripleSplits, load, read_splits
from lepton_rl.data.splits import split_triples
from lepton_rl.metrics import Protocol, Score
from lepton_rl.ranking import RankerConfig, get_ranker
from lepton_rl.ranking.base import Ranker, scorer
from lepton_rl.ranking.training import fit
from lepton_rl.triple_graph import TripleGraph

__all__ = ["Trained", "config_of", "fits", "splits_of"]


class Trained(NamedTuple):
    """A ranker with the parameters of one seed, and the seconds they took; ``on(graph)`` scores on a graph."""

    ranker: Ranker
    params: Any
    seconds: float

    def on(self, graph: TripleGraph) -> Score:
        """Scores of answers, as :func:`lepton_rl.metrics.evaluate` asks for them."""
        return scorer(self.ranker, self.params, graph)


def splits_of(name: str, options: Shared) -> TripleSplits:
    """A data set by name: ``world``, or a folder of --data."""
    if name == WORLD:
        return split_triples(load(WORLD), seed=0)
    assert options.data is not None
    return read_splits(options.data / name)


def config_of(method: str, name: str, options: Shared) -> RankerConfig:
    """The settings of a ranker on a data set, with the epochs that were asked for."""
    config = config_for(method, name)
    return config if options.epochs is None else replace(config, epochs=options.epochs)


def fits(
    method: str, config: RankerConfig, task: Task, seeds: Iterable[int], note: Note,
    protocol: Protocol = Protocol(), asked: np.ndarray | None = None,  # noqa: B008 - a frozen record
) -> Iterator[Trained]:  # fmt: skip
    """A ranker trained with every seed, or counted once; epochs are chosen on validation facts by ``protocol``.

    Args:
        asked: numbers of the training facts that are asked for; by default all.
    """
    ranker = get_ranker(method, config, task.graph.capacity, task.graph.num_relations)
    for seed in seeds if ranker.trained else (0,):
        begin = time.perf_counter()

        def said(line: str, seed: int = seed) -> None:
            note(f"seed {seed}: {line}")

        valid, key = task.splits.valid.triples, jax.random.key(seed)
        fitted = fit(ranker, config, task.graph, valid, task.known, key, protocol, said, asked)
        yield Trained(ranker, fitted.params, time.perf_counter() - begin)
