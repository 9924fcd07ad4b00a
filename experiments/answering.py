"""How well queries are answered: ranks, what inserting the likeliest answers is worth, and what probabilities mean.

Letters: N entities, Q queries.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments.completing import Task
from experiments.evaluation import interval
from experiments.refining import LIMITS, about_sure, draw_reliability, share_of
from experiments.report import Section
from lepton_rl.batching import in_full_batches
from lepton_rl.calibration import Platt, platt
from lepton_rl.detection import reliability
from lepton_rl.draw import SERIES
from lepton_rl.metrics import Protocol, Ranking, Score, queries_of

__all__ = ["PROTOCOL", "Inserted", "inserted", "open_answers", "picture", "row", "scale_of", "table"]

PROTOCOL = Protocol("both")
_ANSWERS = 1 << 21  # of as many candidates probabilities are fitted and judged
_BATCH = 32
_MOST = 50  # answers that the picture looks at


def _some_queries(task: Task, part: str) -> np.ndarray:
    """Different queries i64[Q, 2] of a part, not more than make a few million candidates."""
    queries = np.unique(queries_of(task.splits.parts[part].triples, task.graph.num_relations, "both")[:, :2], axis=0)
    return np.random.default_rng(0).permutation(queries)[: max(_ANSWERS // task.graph.capacity, _BATCH)]


def open_answers(odds: Score, task: Task, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of some queries of a part and all tails: log-odds f[Q, N], what training states and what is true, bool[Q, N]."""
    queries = _some_queries(task, part)
    found = in_full_batches(lambda some: odds(some[:, 0], some[:, 1]), queries, _BATCH)
    return found, task.stated.mask(*queries.T), task.known.mask(*queries.T)


def scale_of(odds: Score, task: Task) -> Platt:
    """What log-odds of tails that training does not state mean, by validation facts."""
    found, stated, true = open_answers(odds, task, "valid")
    return platt(found[~stated].astype(np.float64), true[~stated])


class Inserted(NamedTuple):
    """What comes of inserting each query's likeliest tail where that pays: rewards f64[Q], and where it was bool[Q]."""

    rewards: np.ndarray
    made: np.ndarray


def inserted(likely: np.ndarray, stated: np.ndarray, true: np.ndarray, penalty: float = 1.0) -> Inserted:
    """Episodes of KGCompletion with one query each, played greedily.

    Args:
        likely: probabilities f64[Q, N]. ``stated``, ``true``: bool[Q, N], facts of the graph and of all parts.
        penalty: what a wrong fact costs: inserting pays from a probability of penalty / (1 + penalty) on.
    """
    open_ = np.where(stated, -1.0, likely)
    best, rows = open_.argmax(1), np.arange(len(likely))
    made = (1 + penalty) * open_[rows, best] - penalty > 0
    return Inserted(np.where(made, np.where(true[rows, best], 1.0, -penalty), 0.0), made)


def row(ranking: Ranking, likely: np.ndarray, stated: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    """The JSON of a method: where answers come, what inserting them is worth, and how sure is how right."""
    played, (said, so) = inserted(likely, stated, true), (likely[~stated], true[~stated])
    about = about_sure(said)
    return {
        **ranking.metrics(), "ci95": interval(1 / ranking.ranks())[1:], "return": interval(played.rewards),
        "inserted": float(played.made.mean()), "error": reliability(said, so).error,
        "at_90": share_of(float(so[about].mean()) if about.any() else None, int(about.sum())),
    }  # fmt: skip


def table(rows: Mapping[str, Mapping[str, Any]], own: str) -> Section:
    """All methods, the best first, ``own`` in bold; ``rows`` of :func:`row`, by method."""
    order = sorted(rows, key=lambda name: -rows[name]["mrr"])
    lines = [
        (name, f"{one['mrr']:.3f} [{one['ci95'][0]:.3f}, {one['ci95'][1]:.3f}]",
         *(f"{one[f'hits@{k}']:.3f}" for k in (1, 10)),
         f"{one['return'][0]:+.3f} [{one['return'][1]:+.3f}, {one['return'][2]:+.3f}]", f"{one['inserted']:.0%}",
         one["at_90"])
        for name, one in ((name, rows[name]) for name in order)
    ]  # fmt: skip
    title = f"Where the answers of {rows[own]['queries']:,.0f} held-out queries come"
    text = (
        f"{PROTOCOL}. Intervals of 95 % over queries. Return: 1 for a right answer inserted, -1 for a wrong one, 0 "
        "for abstaining; each method inserts its likeliest answer where that is likelier right than wrong, by "
        "probabilities calibrated on validation facts (an oracle has 1). The last column says how many of the answers "
        "called 85–95 % sure are facts of the data set; true ones that it lacks count as wrong."
    )
    head = ("method", "MRR [95 %]", "Hits@1", "Hits@10", "return [95 %]", "inserted", "90 % sure: true")
    return Section(title, text, head, lines, (order.index(own),))


def picture(rankings: Mapping[str, Ranking], sure: np.ndarray, true: np.ndarray) -> Figure:
    """How many answers are among the first k of every method, and what the probabilities mean."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    places = np.arange(1, _MOST + 1)
    for colour, (name, one) in zip(SERIES, rankings.items(), strict=False):
        ranks = one.ranks()
        left.plot(places, [(ranks <= k).mean() for k in places], color=colour, linewidth=1.6, label=name)
    draw_reliability(right, sure, true, SERIES[0])
    left.set(xscale="log", xlabel="first so many answers", ylabel="share of queries whose answer is among them")
    left.set(xticks=[1, 2, 5, 10, 20, 50], xticklabels=["1", "2", "5", "10", "20", "50"], ylim=(-0.02, 1.02))
    right.set(xlabel="how sure an answer is", ylabel="share that is true (and how many)", xlim=LIMITS, ylim=LIMITS)
    left.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
