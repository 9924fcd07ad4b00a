"""What finds wrong facts: detectors with a threshold, policies, and how well they do on noise that they have not seen.

Letters: P instances, E facts of an instance, F columns of evidence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agents.config import DQNConfig
from agents.dqn import make_hyper
from agents.refinement import Fitted, Supervised, fit_labels, other_half, started_from_labels
from agents.training import make_runs
from envs.kg_refinement import KGRefinement, refinement_on
from experiments.evaluation import entry, interval
from experiments.judging import WINDOW
from lepton_rl.detection import auroc, best_threshold, f1, precision_at, precision_recall, reliability
from lepton_rl.draw import SERIES, STYLES
from lepton_rl.evidence import columns
from lepton_rl.folds import Fold
from lepton_rl.heads import Network
from lepton_rl.metrics import average_precision

__all__ = [
    "LIMITS", "MEAN", "SURE", "Draws", "Judged", "about_sure", "by_rewards", "detectors", "draw_reliability",
    "fit_apart", "mean_return", "penalty_at", "picture", "priced", "share_of", "stacked", "summary",
]  # fmt: skip

MEAN = "mean of detectors"
SURE = 0.9
"""How sure a fact is called whose kind is counted, to a twentieth."""
LIMITS = (-0.02, 1.05)
"""Of axes of shares in pictures."""


class Draws(NamedTuple):
    """Environments over all facts of an instance, on noise of their own: to learn on, to choose by, to report on."""

    train: KGRefinement
    valid: KGRefinement
    test: KGRefinement


class Judged(NamedTuple):
    """What a method says of P instances: scores f64[P, E], higher is more suspicious; facts it deletes bool[P, E]; and
    probabilities that facts are wrong, or None."""

    scores: np.ndarray
    chosen: np.ndarray
    sure: np.ndarray | None = None


def priced(env: KGRefinement, penalty: float) -> KGRefinement:
    """The environment in which deleting a right fact costs ``penalty``."""
    return refinement_on(env.pool, env.horizon, penalty=penalty)


def penalty_at(odds: np.ndarray, wrong: np.ndarray) -> float:
    """What deleting a right fact must cost for a policy to stop where F1 is best, by log-odds f[P, E] and labels."""
    bar = float(np.clip(1 / (1 + np.exp(-best_threshold(odds, wrong))), 0.1, 0.9))
    return round(bar / (1 - bar), 3)


def mean_return(gone: np.ndarray, wrong: np.ndarray, penalty: float) -> float:
    """Of episodes that delete the facts ``gone`` bool[P, E], of which those ``wrong`` are, before they stop."""
    return float(((gone & wrong).sum(1) - penalty * (gone & ~wrong).sum(1)).mean())


def fit_apart(network: Network, config: Supervised, draws: Draws, half: Fold, seed: int = 0) -> list[Fitted]:
    """Two policies by labels, the first for the facts of half 0: each has seen the labels of the other half alone."""
    train, valid = ([other_half(one, half, which) for which in (0, 1)] for one in (draws.train, draws.valid))
    window = min(config.window, *(int(one.pool.counts.min()) for one in train))  # one shape, one program
    config, keys = replace(config, window=window), jax.random.split(jax.random.key(seed))
    return [fit_labels(network, config, train[which], valid[which], keys[which]) for which in (0, 1)]


def stacked(parts: Sequence[Any]) -> Any:
    """Trees of equal structure as one, with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)


def by_rewards(network: Network, env: KGRefinement, valid: KGRefinement, config: DQNConfig, start: Any) -> Any:
    """Parameters after the DQN learner, the best on validation windows; from ``start``, if that is not None."""
    window = min(WINDOW, int(env.pool.counts.min()))
    gentle = replace(config, learning_rate=config.learning_rate / 4, epsilon_start=config.epsilon_end)
    hyper = jax.tree.map(lambda leaf: leaf[None], make_hyper(config if start is None else gentle))
    train, look = (
        refinement_on(one.pool, max(size // 16, 1), penalty=float(one.penalty), window=size)
        for one, size in ((env, window), (valid, min(4 * WINDOW, int(valid.pool.counts.min()))))
    )
    runs = make_runs(network, config, 1, hyper)  # settings apart from the program, which both starts share
    state = runs.init(train, [0])
    state = state if start is None else started_from_labels(state, start)
    for state, _ in runs.chunks(train, look, state):  # noqa: B007, B020 - donated
        pass
    return jax.tree.map(lambda leaf: leaf[0], state.best_params)


def _verdicts(env: KGRefinement, families: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Suspicion f64[P, E] by each family's verdict, and by their mean in standard deviations."""
    evidence, names = np.asarray(env.pool.evidence, np.float64), columns(families)
    found = {name: -evidence[..., names.index(name)] for name in families}
    spread = [(x - x.mean(1, keepdims=True)) / (x.std(1, keepdims=True) + 1e-9) for x in found.values()]
    return found | ({MEAN: np.mean(spread, axis=0)} if len(families) > 1 else {})


def detectors(draws: Draws, on: Draws, families: tuple[str, ...]) -> dict[str, Judged]:
    """Every detector on ``on.test``, with the threshold of the best F1 on the instances that ``draws`` chooses by."""
    chosen, wrong = _verdicts(draws.valid, families), np.asarray(draws.valid.pool.wrong)
    found = _verdicts(on.test, families)
    return {name: Judged(scores, scores >= best_threshold(chosen[name], wrong)) for name, scores in found.items()}


def summary(judged: Judged, env: KGRefinement) -> dict[str, Any]:
    """The JSON of a row: means over instances with intervals, and calibration over all facts."""
    wrong, row = np.asarray(env.pool.wrong), dict[str, Any]()
    measures: dict[str, Callable[..., float]] = {
        "precision_at_k": precision_at, "average_precision": average_precision, "auroc": auroc,
    }  # fmt: skip
    for name, measure in measures.items():
        values = [measure(scores, labels) for scores, labels in zip(judged.scores, wrong, strict=True)]
        row[name] = entry(interval(np.array(values)))
    row["f1"] = entry(interval(np.array([f1(one, labels) for one, labels in zip(judged.chosen, wrong, strict=True)])))
    hits, count = (judged.chosen & wrong).sum(), max(int(judged.chosen.sum()), 1)
    row |= {"precision": float(hits / count), "recall": float(hits / wrong.sum()), "deleted": float(count / len(wrong))}
    return row | ({} if judged.sure is None else {"calibration": _calibration(judged.sure, wrong)})


def _calibration(sure: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    """Of the facts called 90 % sure to be wrong (or right), and more, how many are; and the expected error."""
    found: dict[str, Any] = {"error": reliability(sure.ravel(), wrong.ravel()).error}
    for name, said, so in (("wrong", sure, wrong), ("right", 1 - sure, ~wrong)):
        about, above = about_sure(said), said >= SURE
        for where, those in (("at", about), ("above", above)):
            found[f"{name}_{where}_90"] = float(so[those].mean()) if those.any() else None
            found[f"{name}_{where}_90_said"] = float(said[those].mean()) if those.any() else None
            found[f"{name}_{where}_90_facts"] = int(those.sum())
    return found


def about_sure(said: np.ndarray) -> np.ndarray:
    """Of which probabilities f[...] it is said that they are as sure as ``SURE``, to a twentieth, bool[...]."""
    return (said >= SURE - 0.05) & (said < SURE + 0.05)


def share_of(value: float | None, facts: int) -> str:
    """How many of some facts, in words."""
    return "–" if value is None else f"{value:.1%} of {facts}"


def draw_reliability(axes: Axes, said: np.ndarray, so: np.ndarray, colour: str) -> None:
    """How often what is said to be likely f[...] is so bool[...], with the counts, beside where both agree."""
    bins = reliability(said, so)
    there = bins.counts > 0
    axes.plot([0, 1], [0, 1], color="#b4b4b4", linewidth=1, linestyle=":")
    axes.plot(bins.said[there], bins.so[there], color=colour, linewidth=1, marker="o", markersize=5)
    for x, y, count in zip(bins.said[there], bins.so[there], bins.counts[there], strict=True):
        below = y > 0.05  # the axis is there
        axes.annotate(f"{count:,}", (x, y), xytext=(6, -9 if below else 4), textcoords="offset points", fontsize=7)


def picture(judged: Mapping[str, Judged], wrong: np.ndarray) -> Figure:
    """Precision and recall of every method over all instances, and what the probabilities of those that give some mean.

    Args:
        judged: of P instances, by method. ``wrong``: bool[P, E].
    """
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for i, (name, one) in enumerate(judged.items()):
        colour, style = SERIES[i % len(SERIES)], STYLES[i // len(SERIES) % len(STYLES)]
        left.plot(*precision_recall(one.scores, wrong), color=colour, linestyle=style, linewidth=1.6, label=name)
        if one.sure is None:
            continue
        draw_reliability(right, one.sure, wrong, colour)
    left.set(xlabel="share of the wrong facts that is found", ylabel="share of the found that is wrong")
    right.set(xlabel="how sure it is that facts are wrong", ylabel="share that is wrong (and how many facts)")
    for axes in (left, right):
        axes.set(xlim=LIMITS, ylim=LIMITS)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False, fontsize=8)
    return figure
