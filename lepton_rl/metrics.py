"""One audited way to rank answers: filtered ranks of queries (h, r, ?), and what is reported of them.

Published numbers disagree because protocols do, so a protocol is a record, and every figure carries its words.
Letters: Q queries, B of them at a time, N entities, R relations; r + R is the inverse of relation r.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lepton_rl.ranges import expand
from lepton_rl.registry import near_match

__all__ = [
    "MINERVA", "Known", "Protocol", "Ranking", "average_precision", "evaluate", "facts_of", "queries_of",
]  # fmt: skip

Score = Callable[[np.ndarray, np.ndarray], Any]

_WORDS = {
    "side": {"tail": "tails only", "head": "heads only", "both": "heads and tails"},
    "ties": {"realistic": "realistic", "optimistic": "optimistic", "pessimistic": "pessimistic"},
    "candidates": {"all": "all entities", "beam": "reached entities, unreached = 0", "negatives": "{} negatives"},
}


@dataclass(frozen=True)
class Protocol:
    """What is ranked against what; other known answers are always left out ("filtered").

    Raises:
        ValueError: an unknown word, or no negatives.
    """

    side: str = "tail"
    """Ask for the "tail" (h, r, ?), for the "head" (t, r + R, ?), or for "both"."""
    ties: str = "realistic"
    """An answer among equals comes in their middle ("realistic"), first ("optimistic") or last ("pessimistic")."""
    candidates: str = "all"
    """All entities ("all"); those that a beam has reached ("beam": scores above -inf; an answer that is not counts
    0); or the answer and some that are wrong ("negatives")."""
    negatives: int = 50
    """How many wrong answers there are, where candidates are negatives."""
    seed: int = 0
    """Draws the negatives: the same for all models."""

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            given = getattr(self, name)
            if given not in words:
                raise ValueError(f"unknown {name} '{given}'.{near_match(given, words)} Allowed: {', '.join(words)}.")
        if self.negatives < 1:
            raise ValueError(f"negatives: give at least 1, not {self.negatives}.")

    def __str__(self) -> str:
        said = [_WORDS[name][getattr(self, name)] for name in _WORDS]
        return f"{said[0]}, filtered, ties {said[1]}, against {said[2].format(self.negatives)}"


MINERVA = Protocol(ties="optimistic", candidates="beam")
"""Das et al. (ICLR 2018): a walk's beam in its order. The walk must not end at other known answers: give them -inf."""


class Known:
    """The true answers of every query, from int[m, 3] facts of all parts of a data set."""

    def __init__(self, facts: np.ndarray, num_entities: int, num_relations: int) -> None:
        self.num_entities, self.num_relations = num_entities, num_relations
        h, r, t = np.asarray(facts, np.int64).reshape(-1, 3).T
        codes = np.concatenate([self._code(h, r), self._code(t, r + num_relations)])
        order = np.argsort(codes, kind="stable")
        self._codes, self._answers = codes[order], np.concatenate([t, h])[order]

    def _code(self, h: np.ndarray, r: np.ndarray) -> np.ndarray:
        return h.astype(np.int64) * 2 * self.num_relations + r

    def mask(self, h: np.ndarray, r: np.ndarray) -> np.ndarray:
        """The true answers of queries i[B], i[B], bool[B, N]."""
        code = self._code(h, r)
        starts, ends = (np.searchsorted(self._codes, code, side) for side in ("left", "right"))
        rows, places = expand(starts, ends - starts)
        mask = np.zeros((len(code), self.num_entities), bool)
        mask[rows, self._answers[places]] = True
        return mask


@dataclass(frozen=True, eq=False)
class Ranking:
    """Where the answers of Q queries came.

    Attributes:
        better: i64[Q] candidates with a higher score than the answer. ``equal``: i64[Q] others with the same.
        candidates: i64[Q] how many there were, the answer among them. ``reached``: bool[Q], False = counts as never.
        unseen: bool[Q], the query or its answer names something that no training fact does.
        queries: i64[Q, 3] entity, relation in [0, 2R), answer. ``protocol``: how all this was made.
    """

    better: np.ndarray
    equal: np.ndarray
    candidates: np.ndarray
    reached: np.ndarray
    unseen: np.ndarray
    queries: np.ndarray
    protocol: Protocol

    def ranks(self, ties: str | None = None) -> np.ndarray:
        """Ranks from 1, f64[Q]; infinite where the answer was not reached. ``ties``: by default the protocol's."""
        share = {"optimistic": 0.0, "realistic": 0.5, "pessimistic": 1.0}[ties or self.protocol.ties]
        return np.where(self.reached, 1 + self.better + share * self.equal, np.inf)

    def metrics(self, ties: str | None = None, hits: Sequence[int] = (1, 3, 10)) -> dict[str, float]:
        """Mean reciprocal rank ``mrr``, ``hits@k``, ``mean_rank``, and counts of queries.

        ``adjusted_mean_rank`` is 1 where all answers are first and 0 where they come as by chance (Berrendorf et al.
        2020); both means are NaN where an answer was not reached.
        """
        ranks = self.ranks(ties)
        mean = float(ranks.mean()) if self.reached.all() else float("nan")
        chance = float((self.candidates - 1).mean() / 2)
        return {
            "mrr": float((1 / ranks).mean()),
            **{f"hits@{k}": float((ranks <= k).mean()) for k in hits},
            "mean_rank": mean,
            "adjusted_mean_rank": 1 - (mean - 1) / chance if chance else float("nan"),
            "queries": float(len(ranks)), "unseen": float(self.unseen.sum()),
            "unreached": float((~self.reached).sum()),
        }  # fmt: skip


def queries_of(facts: np.ndarray, num_relations: int, side: str) -> np.ndarray:
    """Queries i64[Q, 3] (entity, relation in [0, 2R), answer) of facts int[m, 3]: their tails, heads, or both."""
    h, r, t = np.asarray(facts, np.int64).reshape(-1, 3).T
    tails, heads = np.stack([h, r, t], 1), np.stack([t, r + num_relations, h], 1)
    return {"tail": tails, "head": heads, "both": np.concatenate([tails, heads])}[side]


def facts_of(queries: np.ndarray, num_relations: int) -> np.ndarray:
    """The facts i64[Q, 3] that queries int[Q, 3] (entity, relation in [0, 2R), answer) ask for."""
    a, q, b = np.asarray(queries, np.int64).reshape(-1, 3).T
    return np.where((q < num_relations)[:, None], queries, np.stack([b, q - num_relations, a], 1))


def evaluate(
    score: Score, facts: np.ndarray, known: Known, protocol: Protocol, *, train: np.ndarray | None = None,
    batch: int = 128,
) -> Ranking:  # fmt: skip
    """Rank the answers of all queries that ``facts`` int[m, 3] make.

    Args:
        score: (entities i64[B], relations i64[B] in [0, 2R)) -> f32[B, N], higher is likelier; -inf = not reached.
        known: what is true, over all parts of the data set. ``train``: int[m, 3], to count what it does not mention.
        batch: B, always in full, so that a jitted ``score`` compiles once.

    Raises:
        ValueError: no facts; scores of another shape, or NaN.
    """
    queries = queries_of(facts, known.num_relations, protocol.side)
    if not len(queries):
        raise ValueError("there is no fact to rank: give a part that is not empty.")
    counts = [_rank(score, queries[i : i + batch], known, protocol, i, batch) for i in range(0, len(queries), batch)]
    better, equal, candidates, reached = (np.concatenate(part) for part in zip(*counts, strict=True))
    return Ranking(better, equal, candidates, reached, _unseen(queries, known, train), queries, protocol)


def _rank(
    score: Score, queries: np.ndarray, known: Known, protocol: Protocol, first: int, batch: int
) -> tuple[np.ndarray, ...]:
    """(better, equal, candidates, reached) of a batch of queries, the first of them number ``first`` of all."""
    entities, relations, answers = np.resize(queries, (batch, 3)).T
    scores = np.asarray(score(entities, relations))
    if scores.shape != (batch, known.num_entities) or np.isnan(scores).any():
        wrong = "NaN" if np.isnan(scores).any() else f"scores of shape {scores.shape}"
        raise ValueError(f"the model gives {wrong}: it must give f32[{batch}, {known.num_entities}] without NaN.")
    size = len(queries)
    scores, rows, answers = scores[:size], np.arange(size), answers[:size]
    own = scores[rows, answers][:, None]
    among = ~known.mask(entities[:size], relations[:size])
    among[rows, answers] = False
    if protocol.candidates == "negatives":
        among = _drawn(among, protocol, first)
    if protocol.candidates == "beam":
        among &= scores > -np.inf
    reached = (own[:, 0] > -np.inf) | (protocol.candidates != "beam")
    return ((scores > own) & among).sum(1), ((scores == own) & among).sum(1), among.sum(1) + 1, reached


def _drawn(among: np.ndarray, protocol: Protocol, first: int) -> np.ndarray:
    """At most ``negatives`` of each row, bool[B, N]; a query's draw depends on its number and the seed alone."""
    kept = np.zeros_like(among)
    for i, row in enumerate(among):
        wrong = np.flatnonzero(row)
        rng = np.random.default_rng((protocol.seed, first + i))
        kept[i, rng.choice(wrong, min(protocol.negatives, len(wrong)), replace=False)] = True
    return kept


def _unseen(queries: np.ndarray, known: Known, train: np.ndarray | None) -> np.ndarray:
    if train is None:
        return np.zeros(len(queries), bool)
    seen, relations = np.zeros(known.num_entities, bool), np.zeros(known.num_relations, bool)
    seen[train[:, ::2]] = relations[train[:, 1]] = True
    return ~(seen[queries[:, 0]] & seen[queries[:, 2]] & relations[queries[:, 1] % known.num_relations])


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the precision–recall curve as the sum of precision × gain of recall, equal scores taken together.

    Args:
        scores: f[m], higher is likelier. ``labels``: bool[m].

    Raises:
        ValueError: no label is true.
    """
    labels = np.asarray(labels, bool).ravel()
    if not labels.any():
        raise ValueError("average precision needs at least one true label.")
    order = np.argsort(-np.asarray(scores, np.float64).ravel(), kind="stable")
    ordered, hits = np.asarray(scores, np.float64).ravel()[order], np.cumsum(labels[order])
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    precision, recall = hits[ends] / (ends + 1), hits[ends] / hits[-1]
    return float((precision * np.diff(recall, prepend=0.0)).sum())
