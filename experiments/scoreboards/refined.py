"""What the scoreboard of refinement measures: instances of noise, detectors with a threshold, policies.

Letters: P instances, E facts of an instance, F columns of evidence.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from agents.dqn import make_hyper
from agents.refinement import Supervised, deleted, fit_labels, log_odds, refiner_on, started_from_labels
from agents.training import make_runs
from envs.kg_refinement import KGRefinement, make_kg_refinement, refinement_on
from envs.noisy import restricted, verified_wrong
from envs.queries import Task
from experiments.evaluation import interval
from experiments.scoreboards.knowledge_options import place_of
from experiments.scoreboards.refinement_options import DQN, WINDOW, KGRefine
from experiments.scoreboards.results import Note, entry
from lepton_rl.detection import auroc, best_threshold, f1, precision_at, reliability
from lepton_rl.evidence import columns
from lepton_rl.heads import Network
from lepton_rl.metrics import average_precision
from lepton_rl.noise import fact_keys

__all__ = [
    "FROM_LABELS", "LABELS", "OTHER_FACTS", "REWARDS", "Draws", "Judged", "Refiner", "detectors", "draw_noise", "judge",
    "judge_apart", "learn", "summary",
]  # fmt: skip

LABELS, REWARDS, FROM_LABELS, MEAN = "supervised", "DQN", "DQN from supervised", "mean of detectors"
OTHER_FACTS = "supervised on other facts"
_SURE = 0.9


class Draws(NamedTuple):
    """Environments over all facts of an instance, on noise of their own: to learn on, to choose by, to report on."""

    train: KGRefinement
    valid: KGRefinement
    test: KGRefinement


@dataclass(frozen=True)
class Refiner:
    """A trained policy: its network, its parameters, the penalty that it stops by, and the seconds it took."""

    network: Network
    params: Any
    penalty: float
    seconds: float


class Judged(NamedTuple):
    """What a method says of P instances: scores f64[P, E], higher is more suspicious; facts it deletes bool[P, E]; and
    probabilities that facts are wrong, or None."""

    scores: np.ndarray
    chosen: np.ndarray
    sure: np.ndarray | None = None


def draw_noise(name: str, task: Task, kind: str, share: float, options: KGRefine, note: Note) -> Draws:
    """Noise of all parts, and the evidence on it."""
    counts = {"train": options.train, "valid": options.valid, "test": options.seeds}
    made = {}
    for part in ("train", "valid", "test") if options.split == "test" else ("train", "valid"):
        draws = counts[part]
        note(f"{name}, {kind} {share:.0%}: evidence on {draws} draws ({part})")
        made[part] = make_kg_refinement(
            task, share=share, kind=kind, draws=draws, part=part, evidence=options.chosen_evidence,
            negatives=verified_wrong(place_of(name, options.data), part) if kind == "verified" else None,
        )  # fmt: skip
    return Draws(made["train"], made["valid"], made.get("test", made["valid"]))


def _columns(env: KGRefinement) -> tuple[np.ndarray, np.ndarray]:
    """Evidence f64[P, E, F] and labels bool[P, E]; instances of one share have as many facts."""
    return np.asarray(env.pool.evidence, np.float64), np.asarray(env.pool.wrong)


def _verdicts(env: KGRefinement, families: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Suspicion f64[P, E] by each family's verdict, and by their mean in standard deviations."""
    evidence, names = _columns(env)[0], columns(families)
    found = {name: -evidence[..., names.index(name)] for name in families}
    spread = [(x - x.mean(1, keepdims=True)) / (x.std(1, keepdims=True) + 1e-9) for x in found.values()]
    return found | ({MEAN: np.mean(spread, axis=0)} if len(families) > 1 else {})


def detectors(draws: Draws, on: Draws, families: tuple[str, ...]) -> dict[str, Judged]:
    """Every detector on ``on.test``, with the threshold of the best F1 on the instances that ``draws`` chooses by."""
    chosen, wrong = _verdicts(draws.valid, families), _columns(draws.valid)[1]
    found = _verdicts(on.test, families)
    return {name: Judged(scores, scores >= best_threshold(chosen[name], wrong)) for name, scores in found.items()}


def judge(refiner: Refiner, draws: Draws) -> Judged:
    """A policy on ``draws.test``; it stops where its values say so."""
    env = _priced(draws.test, refiner.penalty)
    z = np.asarray(log_odds(refiner.network, refiner.params, env), np.float64)
    return Judged(z, np.asarray(deleted(refiner.network, refiner.params, env)), 1 / (1 + np.exp(-z)))


def _priced(env: KGRefinement, penalty: float) -> KGRefinement:
    return refinement_on(env.pool, env.horizon, penalty=penalty)


def _returns(refiner: Refiner, env: KGRefinement) -> float:
    """The mean return of greedy episodes."""
    gone, wrong = np.asarray(deleted(refiner.network, refiner.params, env)), np.asarray(env.pool.wrong)
    return float(((gone & wrong).sum(1) - refiner.penalty * (gone & ~wrong).sum(1)).mean())


def learn(draws: Draws, options: KGRefine, note: Note) -> dict[str, Refiner]:
    """Policies trained on ``draws.train``, with all choices by ``draws.valid``.

    First by labels; then what a wrong deletion costs is set so that stopping is where F1 is best on the instances to
    choose by; then by rewards, from nothing and from there. What is no better than its start is not kept.
    """
    begin = time.perf_counter()
    note("learning from labels")
    network, config = refiner_on(draws.train), Supervised(window=WINDOW)
    fitted = fit_labels(network, config, draws.train, draws.valid, jax.random.key(0))
    z, wrong = np.asarray(log_odds(network, fitted.params, draws.valid), np.float64), _columns(draws.valid)[1]
    bar = float(np.clip(1 / (1 + np.exp(-best_threshold(z, wrong))), 0.1, 0.9))
    penalty = round(bar / (1 - bar), 3)
    env, valid = (_priced(one, penalty) for one in (draws.train, draws.valid))
    network = refiner_on(env)
    refiners = {LABELS: Refiner(network, fitted.params, penalty, time.perf_counter() - begin)}
    for name, start in ((REWARDS, None), (FROM_LABELS, fitted.params)):
        note(f"learning from rewards, {name}")
        begin = time.perf_counter()
        params = _by_rewards(network, env, valid, options, start)
        refiner = Refiner(network, params, penalty, time.perf_counter() - begin)
        worse = start is not None and _returns(refiner, valid) <= _returns(refiners[LABELS], valid)
        refiners[name] = replace(refiner, params=start) if worse else refiner
    return refiners


def judge_apart(draws: Draws, penalty: float) -> Judged:
    """Supervised policies on ``draws.test``, each fact by one that has seen the label of no fact that is the same.

    Instances of one graph share their right facts, which other rows may know again. Here two policies learn from half
    of all facts each, drawn once for all instances, and judge the other half.
    """
    z, network = [], refiner_on(draws.train)
    for half in (0, 1):
        train, valid = (
            refinement_on(restricted(one.pool, _half(one) == half), 1, penalty=float(one.penalty))
            for one in (draws.train, draws.valid)
        )
        fitted = fit_labels(network, Supervised(window=WINDOW), train, valid, jax.random.key(half))
        z.append(np.asarray(log_odds(network, fitted.params, draws.test), np.float64))
    here = np.append(_half(draws.test), 0)[np.asarray(draws.test.pool.numbers)]
    odds = np.where(here == 0, z[1], z[0])
    sure = 1 / (1 + np.exp(-odds))
    return Judged(odds, sure > penalty / (1 + penalty), sure)


def _half(env: KGRefinement) -> np.ndarray:
    """0 or 1 for each fact of the base, the same wherever it stands, i64[B]."""
    graph = env.pool.graphs
    keys = fact_keys(np.asarray(graph.base.triples), graph.capacity, graph.num_relations)
    return (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(63)).astype(np.int64)


def _by_rewards(network: Network, env: KGRefinement, valid: KGRefinement, options: KGRefine, start: Any) -> Any:
    """Parameters after the DQN learner, the best on validation windows; from ``start``, if that is not None."""
    window = min(WINDOW, int(env.pool.counts.min()))
    config = replace(DQN, iterations=options.iterations)
    gentle = replace(config, learning_rate=DQN.learning_rate / 4, epsilon_start=DQN.epsilon_end)
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
        about, above = (said >= _SURE - 0.05) & (said < _SURE + 0.05), said >= _SURE
        for where, those in (("at", about), ("above", above)):
            found[f"{name}_{where}_90"] = float(so[those].mean()) if those.any() else None
            found[f"{name}_{where}_90_said"] = float(said[those].mean()) if those.any() else None
            found[f"{name}_{where}_90_facts"] = int(those.sum())
    return found
