"""Which facts of a knowledge graph are likely wrong, and which are likely missing, with calibrated probabilities.

The graph's own facts are all there is to learn from. So they are taken for true, some are hidden and wrong ones are
put in, several times; what the evidence looks like then is learnt, calibrated on other such draws and reported on yet
others. Those draws share their right facts with each other and with the graph that is judged. So several networks
learn, each from a part of all facts, and what is said of a fact comes from the one that has seen no label of it on any
draw. Wrong facts that the graph has already count as right in the draws, which makes verdicts too mild.
Letters: N entities, R relations, E facts, m candidates, F columns of evidence.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lepton_rl.calibration import calibrated, fit, logits, moved_prior, platt
from lepton_rl.curation.config import Curation
from lepton_rl.curation.proposals import propose
from lepton_rl.evidence import columns, gather, usable
from lepton_rl.folds import Fold, folds
from lepton_rl.noise import corrupt, facts_in

__all__ = ["FOLDS", "Check", "Judged", "Scorer", "Verdicts", "judge"]

FOLDS = 4
"""Parts of all facts, each judged by a network that is fitted to the others."""
_LEAST = 0.05  # share that is made wrong or hidden at least, so that there are some to learn from
_LARGE = 10_000  # facts above which four draws are enough
_ROWS = 60_000  # that a network is fitted to

Note = Callable[[str], None]
Scorer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``(facts int[m, 3], evidence f64[m, F]) -> f64[m]``, log-odds, of all facts of a graph at once, that they are so."""


class Check(NamedTuple):
    """What was said of facts of held-out draws, f64[n], and whether it is so, bool[n]."""

    said: np.ndarray
    so: np.ndarray

    def between(self, low: float, high: float) -> tuple[int, int]:
        """How many facts were called so sure, and for how many it was so."""
        mine = (self.said >= low) & (self.said < high)
        return int(mine.sum()), int(self.so[mine].sum())


class Verdicts(NamedTuple):
    """What is said of n facts.

    Attributes:
        score: f64[n], log-odds as the network has them. ``confidence``: f64[n], calibrated probability.
        check: how good such probabilities were.
    """

    score: np.ndarray
    confidence: np.ndarray
    check: Check


class Judged(NamedTuple):
    """Verdicts on a graph.

    Attributes:
        wrong: that its E facts are wrong. ``candidates``: i64[m, 3], facts that may be missing. ``missing``: that they
            are true. ``columns``: names of the evidence. ``evidence``: f64[E + m, F], of facts, then candidates.
    """

    wrong: Verdicts
    candidates: np.ndarray
    missing: Verdicts
    columns: tuple[str, ...]
    evidence: np.ndarray


class _Labelled(NamedTuple):
    """Facts i64[n, 3], evidence on them f64[n, F] and labels bool[n]."""

    facts: np.ndarray
    rows: np.ndarray
    labels: np.ndarray


class _Rows(NamedTuple):
    """Facts i64[n, 3] and evidence on them f64[n, F]."""

    facts: np.ndarray
    rows: np.ndarray


def _ignore(_: str) -> None:
    pass


def judge(
    facts: np.ndarray, num_entities: int, num_relations: int, settings: Curation = Curation(),  # noqa: B008 - frozen
    note: Note = _ignore, *, fold: Fold | None = None, policy: Scorer | None = None,
) -> Judged:  # fmt: skip
    """Judge facts int[E, 3], each given once, and candidates that rules lead to.

    Args:
        note: is told how far it is.
        fold: which of :data:`FOLDS` parts facts belong to; default: by slots.
        policy: has learnt elsewhere to tell wrong facts by evidence as ``settings`` asks for; what it says is only
            calibrated here, so that four draws are enough. None: a network is fitted to draws of this graph.

    Raises:
        ValueError: no such evidence, or a graph too small or too dense to put wrong facts into.
    """
    facts, N, R = np.asarray(facts, np.int64), num_entities, num_relations
    names, fold = usable(settings.evidence, R, note), fold or folds(range(N), range(R), FOLDS)
    draws = settings.draws or (4 if policy is not None or len(facts) > _LARGE else 8)
    made = [_draw(facts, N, R, names, settings, draw, note) for draw in range(draws)]
    asked = np.concatenate([facts, propose(facts, N, R)])
    evidence = gather(facts, asked, N, R, names=names, seed=settings.seed)
    stated, candidates = _Rows(facts, evidence[: len(facts)]), _Rows(asked[len(facts) :], evidence[len(facts) :])
    ratio = _odds(settings.wrong) / max(settings.wrong, _LEAST)  # so many wrong ones there were to a fact
    noisy = [one["wrong"] for one in made]
    if policy is None:
        wrong = _learnt(noisy, stated, ratio, fold, settings.seed)
    else:
        wrong = _verdicts(policy, noisy[: draws // 2], noisy[draws // 2 :], stated, ratio)
    ratio = _odds(settings.missing) / _odds(max(settings.missing, _LEAST))
    try:
        missing = _learnt([one["missing"] for one in made], candidates, ratio, fold, settings.seed)
    except ValueError:
        note("rules find too few of the facts that are hidden: none is proposed.")
        candidates, evidence = _Rows(candidates.facts[:0], candidates.rows[:0]), evidence[: len(facts)]
        missing = Verdicts(np.zeros(0), np.zeros(0), Check(np.zeros(0), np.zeros(0, bool)))
    return Judged(wrong, candidates.facts, missing, columns(names), evidence)


def _odds(share: float) -> float:
    return share / (1 - share)


def _draw(
    facts: np.ndarray, N: int, R: int, names: Sequence[str], settings: Curation, draw: int, note: Note
) -> dict[str, _Labelled]:
    """A noisy copy of the graph: evidence on its facts, wrong or not, and on candidates, hidden or not."""
    rng = np.random.default_rng((settings.seed, draw))
    shown = rng.permutation(len(facts)) >= round(max(settings.missing, _LEAST) * len(facts))
    wrong = corrupt(facts[shown], N, R, max(settings.wrong, _LEAST), "mixed", rng, known=facts)
    noisy = wrong.facts
    candidates = propose(noisy, N, R)
    rows = gather(noisy, np.concatenate([noisy, candidates]), N, R, names=names, seed=settings.seed + draw)
    true = facts_in(candidates, facts, N, R) < len(facts)
    counts = f"{wrong.wrong.sum()} wrong facts, {int((~shown).sum())} hidden, {int(true.sum())} of them proposed"
    note(f"draw {draw + 1}: {counts}")
    return {
        "wrong": _Labelled(noisy, rows[: len(noisy)], wrong.wrong),
        "missing": _Labelled(candidates, rows[len(noisy) :], true),
    }


def _learnt(made: Sequence[_Labelled], asked: _Rows, ratio: float, fold: Fold, seed: int) -> Verdicts:
    """Verdicts by networks of which each judges the facts of one part and is fitted to those of the others."""
    last = len(made) // 4
    first, second = len(made) - 2 * last, len(made) - last
    given, rng = _joined(made[:first]), np.random.default_rng(seed)
    mine = fold(given.facts)
    others = [rng.permutation(np.flatnonzero(mine != part))[:_ROWS] for part in range(FOLDS)]
    some = min(map(len, others))  # one shape, one program
    models = [fit(given.rows[rows[:some]], given.labels[rows[:some]], seed) for rows in others]

    def score(facts: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.choose(fold(facts), [logits(model, rows) for model in models])

    return _verdicts(score, made[first:second], made[second:], asked, ratio)


def _verdicts(
    score: Scorer, tune: Sequence[_Labelled], held: Sequence[_Labelled], asked: _Rows, ratio: float
) -> Verdicts:
    """Verdicts on the rows asked about, where prior odds are ``ratio`` times those of the draws."""
    said = [np.concatenate([score(one.facts, one.rows) for one in part]) for part in (tune, held)]
    scale = platt(said[0], _joined(tune).labels)
    check = Check(calibrated(scale, said[1]), _joined(held).labels)
    scores = score(*asked)
    return Verdicts(scores, moved_prior(calibrated(scale, scores), ratio), check)


def _joined(parts: Sequence[_Labelled]) -> _Labelled:
    return _Labelled(*(np.concatenate(column) for column in zip(*parts, strict=True)))
