"""What trained rankers say of triples that they were not trained on.

Letters: N entities, R relations, E facts, m triples asked about, K folds.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from lepton_rl.evidence.base import Case, Note
from lepton_rl.metrics import Known, Score
from lepton_rl.ranking import RankerConfig, get_ranker
from lepton_rl.ranking.base import Ranker
from lepton_rl.ranking.training import fit
from lepton_rl.triple_graph import TripleGraph, from_triples

__all__ = ["answered", "folds_of", "graph_of", "over_folds", "trained_on"]

_BATCH = 256
_LEAST_VALID, _MOST_VALID = 1, 256


def folds_of(case: Case, count: int) -> np.ndarray:
    """The fold of each fact, i64[E]: K = ``count`` random parts of equal size, or nearly."""
    order = np.random.default_rng(case.seed).permutation(len(case.facts))
    folds = np.zeros(len(order), np.int64)
    folds[order] = np.arange(len(order)) % count
    return folds


def over_folds(case: Case, folds: np.ndarray, ask: Callable[[int], Score]) -> np.ndarray:
    """What :func:`answered` says of each asked triple, f64[m, 5].

    Facts are judged by ``ask`` of their own fold, other triples by the mean over all folds.

    Args:
        folds: i64[E]. ``ask``: the scores that know nothing of a fold.
    """
    known = Known(case.facts, case.num_entities, case.num_relations)
    of, total = np.append(folds, -1)[case.own], np.zeros((len(case.asked), 5))
    count = int(folds.max()) + 1
    for fold in range(count):
        rows = np.flatnonzero((of == fold) | (of < 0))
        if len(rows):
            total[rows] += answered(ask(fold), case.asked[rows], known)
    return np.where(of[:, None] < 0, total / count, total)


def answered(score: Score, asked: np.ndarray, known: Known) -> np.ndarray:
    """How triples int[m, 3] come out as answers to their own questions, for the tail and for the head, f64[m, 5].

    Of each the score beside the mean over entities that are no known answer (of exponentials, in logarithms), and the
    log-odds of the rank among them; the first column is the mean of both such scores.
    """
    h, r, t = asked.T
    tail = _one_way(score, np.stack([h, r, t], 1), known)
    head = _one_way(score, np.stack([t, r + known.num_relations, h], 1), known)
    return np.stack([(tail[:, 0] + head[:, 0]) / 2, tail[:, 0], head[:, 0], tail[:, 1], head[:, 1]], axis=1)


def _one_way(score: Score, queries: np.ndarray, known: Known) -> np.ndarray:
    """The score and the rank of the answers of queries int[m, 3], f64[m, 2]."""
    parts = [np.zeros((0, 2))]
    for i in range(0, len(queries), _BATCH):
        rows = queries[i : i + _BATCH]
        entities, relations, answers = np.resize(rows, (_BATCH, 3)).T  # always in full: one program
        scores = np.asarray(score(entities, relations), np.float64)[: len(rows)]
        entities, relations, answers = rows.T
        at = np.arange(len(rows))
        own, among = scores[at, answers][:, None], ~known.mask(entities, relations)
        among[at, answers] = False
        most = np.maximum(own, np.where(among, scores, -np.inf).max(1, keepdims=True))
        others = (np.exp(scores - most) * among).sum(1)
        count = np.maximum(among.sum(1), 1)
        better = ((scores > own) & among).sum(1) + ((scores == own) & among).sum(1) / 2
        lift = (own - most)[:, 0] - np.log(np.maximum(others, 1e-30) / count)
        parts.append(np.stack([lift, np.log((among.sum(1) - better + 0.5) / (better + 0.5))], axis=1))
    return np.concatenate(parts)


def graph_of(facts: np.ndarray, case: Case) -> TripleGraph:
    """The graph of some facts; what is static of it is rounded up, so that graphs of as many facts share programs."""
    graph = from_triples(facts, case.num_entities, case.num_relations)
    widest, most = (1 << int(n).bit_length() for n in (graph.base.widest, graph.base.most))
    return replace(graph, base=replace(graph.base, widest=widest, most=most))


def trained_on(
    name: str, config: RankerConfig, case: Case, numbers: np.ndarray, seed: int, note: Note
) -> tuple[Ranker, Any]:
    """A ranker and its parameters, trained on the facts of those numbers; some of these choose the epoch instead."""
    rng, known = np.random.default_rng((case.seed, seed)), Known(case.facts, case.num_entities, case.num_relations)
    numbers = rng.permutation(numbers)
    held = int(np.clip(len(numbers) // 20, _LEAST_VALID, _MOST_VALID))
    ranker = get_ranker(name, config, case.num_entities, case.num_relations)
    fitted = fit(
        ranker, config, graph_of(case.facts[numbers[held:]], case), case.facts[numbers[:held]], known,
        jax.random.fold_in(jax.random.key(case.seed), seed), note=note,
    )  # fmt: skip
    return ranker, fitted.params
