"""What the scoreboard of refinement measures: instances of noise, and policies that learn from labels or rewards."""

import time
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from agents.refinement import Supervised, deleted, fit_labels, halves_of, log_odds, odds_apart, refiner_on
from envs.kg_refinement import KGRefinement, make_kg_refinement
from envs.noisy import verified_wrong
from envs.queries import Task
from experiments.judging import REFINING_DQN, WINDOW
from experiments.refining import Draws, Judged, by_rewards, fit_apart, mean_return, penalty_at, priced, stacked
from experiments.scoreboards.knowledge_options import place_of
from experiments.scoreboards.refinement_options import KGRefine
from experiments.scoreboards.results import Note
from lepton_rl.folds import folds
from lepton_rl.heads import Network

__all__ = ["FROM_LABELS", "LABELS", "OTHER_FACTS", "REWARDS", "Refiner", "draw_noise", "judge", "judge_apart", "learn"]

LABELS, REWARDS, FROM_LABELS = "supervised", "DQN", "DQN from supervised"
OTHER_FACTS = "supervised on other facts"


@dataclass(frozen=True)
class Refiner:
    """A trained policy: its network, its parameters, the penalty that it stops by, and the seconds it took."""

    network: Network
    params: Any
    penalty: float
    seconds: float


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


def judge(refiner: Refiner, draws: Draws) -> Judged:
    """A policy on ``draws.test``; it stops where its values say so."""
    env = priced(draws.test, refiner.penalty)
    z = np.asarray(log_odds(refiner.network, refiner.params, env), np.float64)
    return Judged(z, np.asarray(deleted(refiner.network, refiner.params, env)), 1 / (1 + np.exp(-z)))


def _returns(refiner: Refiner, env: KGRefinement) -> float:
    """The mean return of greedy episodes."""
    gone = np.asarray(deleted(refiner.network, refiner.params, env))
    return mean_return(gone, np.asarray(env.pool.wrong), refiner.penalty)


def learn(draws: Draws, options: KGRefine, note: Note) -> dict[str, Refiner]:
    """Policies trained on ``draws.train``, with all choices by ``draws.valid``.

    First by labels; then what a wrong deletion costs is set so that stopping is where F1 is best on the instances to
    choose by; then by rewards, from nothing and from there. What is no better than its start is not kept.
    """
    begin = time.perf_counter()
    note("learning from labels")
    network, config = refiner_on(draws.train), Supervised(window=WINDOW)
    fitted = fit_labels(network, config, draws.train, draws.valid, jax.random.key(0))
    z = np.asarray(log_odds(network, fitted.params, draws.valid), np.float64)
    penalty = penalty_at(z, np.asarray(draws.valid.pool.wrong))
    env, valid = (priced(one, penalty) for one in (draws.train, draws.valid))
    network = refiner_on(env)
    refiners = {LABELS: Refiner(network, fitted.params, penalty, time.perf_counter() - begin)}
    dqn = replace(REFINING_DQN, iterations=options.iterations)
    for name, start in ((REWARDS, None), (FROM_LABELS, fitted.params)):
        note(f"learning from rewards, {name}")
        begin = time.perf_counter()
        params = by_rewards(network, env, valid, dqn, start)
        refiner = Refiner(network, params, penalty, time.perf_counter() - begin)
        worse = start is not None and _returns(refiner, valid) <= _returns(refiners[LABELS], valid)
        refiners[name] = replace(refiner, params=start) if worse else refiner
    return refiners


def judge_apart(draws: Draws, penalty: float) -> Judged:
    """Supervised policies on ``draws.test``, each fact by one that has seen the label of no fact that is the same.

    Instances of one graph share their right facts, which other rows may know again. Here two policies learn from half
    of all facts each, drawn once for all instances, and judge the other half.
    """
    network, graph = refiner_on(draws.train), draws.train.pool.graphs
    half = folds(range(graph.capacity), range(graph.num_relations))
    params = stacked([fitted.params for fitted in fit_apart(network, Supervised(window=WINDOW), draws, half)])
    odds = odds_apart(network, params, np.asarray(draws.test.pool.evidence), halves_of(draws.test, half))
    sure = 1 / (1 + np.exp(-odds))
    return Judged(odds, sure > penalty / (1 + penalty), sure)
