"""Which facts of a knowledge graph are likely wrong, and which are likely missing, with calibrated probabilities.

The graph's own facts are all there is to learn from. So they are taken for true, some are hidden and wrong ones are
put in, several times; what the evidence looks like then is learnt, calibrated on other such draws and reported on yet
others. Wrong facts that the graph has already count as right there, which makes verdicts a little too mild.
Letters: N entities, R relations, E facts, m candidates, F columns of evidence.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lepton_rl.calibration import fit_calibrated, logits, moved_prior, probabilities
from lepton_rl.curation.config import Curation
from lepton_rl.curation.proposals import propose
from lepton_rl.evidence import EVIDENCE, gather, get_family
from lepton_rl.evidence.rules import MOST
from lepton_rl.noise import corrupt, facts_in

__all__ = ["Check", "Judged", "Verdicts", "judge"]

_KINDS = ("uniform", "types", "relation")
_LEAST = 0.05  # share that is made wrong or hidden at least, so that there are some to learn from
_LARGE = 10_000  # facts above which four draws are enough
_ROWS = 80_000  # that a network is fitted to

Note = Callable[[str], None]


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
    """Evidence f64[n, F] and labels bool[n]."""

    rows: np.ndarray
    labels: np.ndarray


def _ignore(_: str) -> None:
    pass


def judge(
    facts: np.ndarray, num_entities: int, num_relations: int, settings: Curation = Curation(),  # noqa: B008 - frozen
    note: Note = _ignore,
) -> Judged:  # fmt: skip
    """Judge facts int[E, 3], each given once, and candidates that rules lead to.

    Args:
        note: is told how far it is.

    Raises:
        ValueError: no such evidence, or a graph too small or too dense to put wrong facts into.
    """
    facts, N, R = np.asarray(facts, np.int64), num_entities, num_relations
    names = _usable(settings.evidence, R, note)
    draws = settings.draws or (4 if len(facts) > _LARGE else 8)
    made = [_draw(facts, N, R, names, settings, draw, note) for draw in range(draws)]
    candidates = propose(facts, N, R)
    evidence = gather(facts, np.concatenate([facts, candidates]), N, R, names=names, seed=settings.seed)
    columns = tuple(column for name in names for column in get_family(name).columns)
    ratio = _odds(settings.wrong) / max(settings.wrong, _LEAST)  # so many wrong ones there were to a fact
    wrong = _learnt([one["wrong"] for one in made], evidence[: len(facts)], ratio, settings.seed)
    ratio = _odds(settings.missing) / _odds(max(settings.missing, _LEAST))
    try:
        missing = _learnt([one["missing"] for one in made], evidence[len(facts) :], ratio, settings.seed)
    except ValueError:
        note("rules find too few of the facts that are hidden: none is proposed.")
        candidates, evidence = candidates[:0], evidence[: len(facts)]
        missing = Verdicts(np.zeros(0), np.zeros(0), Check(np.zeros(0), np.zeros(0, bool)))
    return Judged(wrong, candidates, missing, columns, evidence)


def _odds(share: float) -> float:
    return share / (1 - share)


def _usable(names: Sequence[str], R: int, note: Note) -> tuple[str, ...]:
    for name in names:
        get_family(name)  # a misspelt one is refused before anything is drawn
    if "rules" in names and 2 * R > MOST:
        note(f"rules left out of the evidence: they are counted for up to {MOST // 2} relations, and there are {R}.")
    found = tuple(name for name in names if name != "rules" or 2 * R <= MOST)
    if not found:
        raise ValueError(f"no evidence is left to judge by: give some of {', '.join(EVIDENCE)}.")
    return found


def _draw(
    facts: np.ndarray, N: int, R: int, names: Sequence[str], settings: Curation, draw: int, note: Note
) -> dict[str, _Labelled]:
    """A noisy copy of the graph: evidence on its facts, wrong or not, and on candidates, hidden or not."""
    rng = np.random.default_rng((settings.seed, draw))
    shown = rng.permutation(len(facts)) >= round(max(settings.missing, _LEAST) * len(facts))
    wrong = _wrong(facts[shown], facts, N, R, max(settings.wrong, _LEAST), rng)
    noisy = np.concatenate([facts[shown], wrong])
    candidates = propose(noisy, N, R)
    rows = gather(noisy, np.concatenate([noisy, candidates]), N, R, names=names, seed=settings.seed + draw)
    true = facts_in(candidates, facts, N, R) < len(facts)
    note(f"draw {draw + 1}: {len(wrong)} wrong facts, {int((~shown).sum())} hidden, {int(true.sum())} of them proposed")
    return {
        "wrong": _Labelled(rows[: len(noisy)], np.arange(len(noisy)) >= shown.sum()),
        "missing": _Labelled(rows[len(noisy) :], true),
    }


def _wrong(shown: np.ndarray, facts: np.ndarray, N: int, R: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Wrong facts, as many of each kind as can be made, i64[k, 3]."""
    found, why = facts[:0], ""
    for kind in _KINDS:
        try:
            known = np.concatenate([facts, found])
            made = corrupt(shown, N, R, max(share / len(_KINDS), 1 / len(shown)), kind, rng, known=known)
        except ValueError as error:
            why = str(error)  # a graph of one relation has none to take instead
            continue
        found = np.concatenate([found, made.facts[made.wrong]])
    if not len(found):
        raise ValueError(why)
    return found


def _learnt(made: Sequence[_Labelled], asked: np.ndarray, ratio: float, seed: int) -> Verdicts:
    """Verdicts on the rows asked about, where prior odds are ``ratio`` times those of the draws."""
    last = len(made) // 4
    first, second = len(made) - 2 * last, len(made) - last
    fit, tune, held = (_joined(part) for part in (made[:first], made[first:second], made[second:]))
    some = np.random.default_rng(seed).permutation(len(fit.labels))[:_ROWS]
    model = fit_calibrated(fit.rows[some], fit.labels[some], tune.rows, tune.labels, seed)
    score = logits(model, asked)
    check = Check(probabilities(model, held.rows), held.labels)
    return Verdicts(score, moved_prior(probabilities(model, asked), ratio), check)


def _joined(parts: Sequence[_Labelled]) -> _Labelled:
    return _Labelled(np.concatenate([one.rows for one in parts]), np.concatenate([one.labels for one in parts]))
