"""``train --env KGRefinement``: a policy that finds wrong facts of knowledge graphs, kept for ``solve --facts --run``.

It comes in two: each has learnt from the labels of one half of all facts (by their names) and judges the other half, on
the graph it was trained on as on any other. Letters: P instances, E facts of an instance, F columns of evidence.
"""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from agents.refinement import Supervised, halves_of, odds_apart, other_half, refiner_on
from envs import rule_of
from envs.kg_refinement import make_kg_refinement
from envs.queries import make_task
from experiments.configs import Train, refuse_others
from experiments.display import Display, device
from experiments.folder import RunFolder, open_run
from experiments.judging import REFINING_DQN, WINDOW, Refining
from experiments.knowledge_runs import conclude, kept_if_it_works, new_folder
from experiments.query import whole_graph
from experiments.refining import (
    Draws,
    Judged,
    by_rewards,
    detectors,
    fit_apart,
    mean_return,
    penalty_at,
    picture,
    priced,
    share_of,
    stacked,
    summary,
)
from experiments.report import Section
from lepton_rl import checkpoint
from lepton_rl.calibration import calibrated, platt
from lepton_rl.data import KnowledgeGraph
from lepton_rl.draw import save_figure
from lepton_rl.evidence import columns, usable
from lepton_rl.evidence_heads import evidence_network
from lepton_rl.folds import Fold, folds
from lepton_rl.heads import Network

__all__ = ["POLICY", "Refiner", "draw_noise", "judge", "learn", "open_refiner", "run", "table"]

POLICY = "policy"
_COUNTS = {"valid": 2, "test": 5}  # draws of noise
_GIVEN = ("graph", "env", "refining", "teacher", "seed", "name", "runs_dir")  # what of the options counts here
_FILE = f"policy{checkpoint.SUFFIX}"


class Refiner(NamedTuple):
    """A trained policy.

    Attributes:
        network: gives facts log-odds by evidence. ``params``: of two policies, the first for the facts of half 0.
        penalty: what deleting a right fact costs, by which it stops. ``evidence``: the families that it judges by.
    """

    network: Network
    params: Any
    penalty: float
    evidence: tuple[str, ...]

    def odds(self, facts: np.ndarray, rows: np.ndarray, half: Fold) -> np.ndarray:
        """Log-odds that facts int[E, 3] of a graph are wrong, by evidence f[E, F] on all of them, f64[E]."""
        return odds_apart(self.network, self.params, rows[None], half(facts)[None])[0]


def run(command: Train) -> int:
    """Train, judge on held-out noise beside the detectors, and keep the policy."""
    begun, display = time.perf_counter(), Display()
    refuse_others(command, _GIVEN)
    graph, options = whole_graph(command.graph or "world"), command.refining
    options = dataclasses.replace(options, evidence=usable(options.evidence, graph.num_relations, display.note))
    command = dataclasses.replace(command, refining=options)
    folder = new_folder(command)
    settings = {
        "device": device(),
        "environment": f"{command.env}, {options.missing:.2g} hidden, {options.wrong:.2g} wrong facts put in for each",
        "graph": f"{graph.name} ({graph.num_entities:,} entities, {graph.num_relations:,} relations, "
        f"{len(graph.triples):,} facts)",
        "evidence": ", ".join(options.evidence), "teacher": command.teacher, "run": str(folder.path),
    }  # fmt: skip
    display.header("lepton_rl", settings)
    folder.write_config(command)
    with kept_if_it_works(folder):
        draws = draw_noise(graph, options, command.seed, display)
        half = folds(graph.entities, graph.relations)
        refiner = learn(draws, options, half, command.seed, display, folder, command.teacher)
    judged = detectors(draws, draws, options.evidence) | {POLICY: judge(refiner, draws, half)}
    section = _report(folder, judged, draws, refiner)
    title, use = f"{graph.name}: wrong facts", f"--facts --graph {command.graph or 'world'}"
    conclude(folder, display, title, settings, section, begun, use)
    return 0


def draw_noise(graph: KnowledgeGraph, options: Refining, seed: int, display: Display) -> Draws:
    """Noise of all parts in the facts of a graph, and the evidence on it.

    Raises:
        ValueError: a graph too small or too dense to put wrong facts into.
    """
    task, made = make_task(graph.triples, graph.num_entities, graph.num_relations), []
    with display.phase("evidence", 3) as phase:
        for part, count in ({"train": options.draws} | _COUNTS).items():
            made.append(make_kg_refinement(
                task, share=options.wrong, kind="mixed", missing=options.missing, draws=count, seed=seed, part=part,
                evidence=options.evidence,
            ))  # fmt: skip
            phase.advance(f"{count} copies, {int(made[-1].pool.wrong[0].sum())} wrong facts in each")
    return Draws(*made)


def learn(
    draws: Draws, options: Refining, half: Fold, seed: int, display: Display, folder: RunFolder | None = None,
    teacher: str = "labels",
) -> Refiner:  # fmt: skip
    """A policy by "labels", by "rewards" or by "both", with all choices by ``draws.valid``; kept in ``folder``.

    What a wrong deletion costs is set so that stopping is where F1 is best on the instances to choose by.
    """
    network = refiner_on(draws.train)
    with display.phase("train", 1 if teacher == "labels" else 3) as phase:
        fitted = fit_apart(network, Supervised(window=WINDOW), draws, half, seed)
        by_labels = stacked([one.params for one in fitted])
        wrong, columns_ = np.asarray(draws.valid.pool.wrong), np.asarray(draws.valid.pool.evidence)
        penalty = penalty_at(odds_apart(network, by_labels, columns_, halves_of(draws.valid, half)), wrong)
        losses = [one.validation[one.look] for one in fitted]
        phase.advance(f"by labels, loss on the copies to choose by {np.mean(losses):.4f}; penalty {penalty:g}")
        priced_draws = Draws(*(priced(one, penalty) for one in draws))
        refiner = Refiner(refiner_on(priced_draws.train), by_labels, penalty, options.evidence)
        if teacher != "labels":
            found = []
            for which in (0, 1):
                train, valid = (other_half(one, half, which) for one in priced_draws[:2])
                start = fitted[which].params if teacher == "both" else None
                found.append(by_rewards(refiner.network, train, valid, REFINING_DQN, start))
                phase.advance(f"by rewards, half {which + 1}")
            other = refiner._replace(params=stacked(found))
            better = _returns(other, priced_draws, half) > _returns(refiner, priced_draws, half)
            refiner = other if better or teacher == "rewards" else refiner
            display.note(f"by rewards: {'kept' if refiner is other else 'no better on the copies to choose by'}")
    if folder is not None:
        _save(folder, refiner)
        folder.write_metrics([{"half": i, "validation": one.validation} for i, one in enumerate(fitted)])
    return refiner


def _odds(refiner: Refiner, draws: Draws, part: str, half: Fold) -> np.ndarray:
    env = getattr(draws, part)
    return odds_apart(refiner.network, refiner.params, np.asarray(env.pool.evidence), halves_of(env, half))


def _returns(refiner: Refiner, draws: Draws, half: Fold) -> float:
    """The mean return on the instances to choose by, where all facts worth it are deleted."""
    gone = _odds(refiner, draws, "valid", half) > np.log(refiner.penalty)
    return mean_return(gone, np.asarray(draws.valid.pool.wrong), refiner.penalty)


def judge(refiner: Refiner, draws: Draws, half: Fold) -> Judged:
    """What the policy says of ``draws.test``, each fact by the one of the two that has not seen its label.

    Its probabilities are calibrated (Platt) on the instances to choose by.
    """
    odds = _odds(refiner, draws, "test", half)
    scale = platt(_odds(refiner, draws, "valid", half).ravel(), np.asarray(draws.valid.pool.wrong).ravel())
    return Judged(odds, odds > np.log(refiner.penalty), calibrated(scale, odds))


def _report(folder: RunFolder, judged: Mapping[str, Judged], draws: Draws, refiner: Refiner) -> Section:
    """The table of all methods, written as ``result.json`` too, with the picture."""
    rows, wrong = {name: summary(one, draws.test) for name, one in judged.items()}, np.asarray(draws.test.pool.wrong)
    folder.write_json("result.json", {"penalty": refiner.penalty, "evidence": refiner.evidence, "rows": rows})
    path = save_figure(picture(judged, wrong), folder.path / "precision_recall.png", dpi=110)
    return table(rows, wrong)._replace(pictures=[path])


def table(rows: Mapping[str, Mapping[str, Any]], wrong: np.ndarray) -> Section:
    """All methods on held-out draws, the best first.

    Args:
        rows: of :func:`experiments.refining.summary`, by method. ``wrong``: bool[P, E].
    """
    order = sorted(rows, key=lambda name: -rows[name]["average_precision"]["mean"])
    lines = []
    for name in order:
        row, sure = rows[name], rows[name].get("calibration")
        said = share_of(sure["wrong_at_90"], sure["wrong_at_90_facts"]) if sure else "–"
        lines.append((
            name, *(f"{one['mean']:.3f} [{one['ci95'][0]:.3f}, {one['ci95'][1]:.3f}]"
                    for one in (row["average_precision"], row["f1"])),
            f"{row['precision']:.3f}", f"{row['recall']:.3f}", said,
        ))  # fmt: skip
    title = f"Wrong facts on {len(wrong)} held-out draws of noise ({wrong[0].sum()} of {wrong.shape[1]:,} in each)"
    text = (
        "F1, precision and recall are of the facts that are deleted: above a threshold chosen on other draws, or where "
        "the policy stops. The last column says how many of the facts called 85–95 % sure are wrong. Intervals of 95 % "
        "over draws. The policy has seen no label of a fact that it judges."
    )
    head = ("method", "average precision [95 %]", "F1 [95 %]", "precision", "recall", "90 % sure: wrong")
    return Section(title, text, head, lines, (order.index(POLICY),))


def _save(folder: RunFolder, refiner: Refiner) -> None:
    what = {"penalty": refiner.penalty, "evidence": refiner.evidence, "columns": columns(refiner.evidence)}
    checkpoint.save(folder.path / _FILE, refiner.params, what)


def open_refiner(path: Path) -> Refiner:
    """The policy of a run.

    Raises:
        ValueError: no run is there, one of another environment, or of a version with other evidence.
    """
    folder, config = open_run(path)
    if rule_of(config.env) != "KGRefinement":
        raise ValueError(
            f"--run {path} was trained for {config.env}, which does not judge facts: give a run of "
            "`train --env KGRefinement`, or leave out --run."
        )
    what = checkpoint.load_config(folder.path / _FILE)
    evidence = tuple(what["evidence"])
    if tuple(what["columns"]) != columns(evidence):
        raise ValueError(f"--run {path} judges by other columns of evidence than this version has: train anew.")
    network = evidence_network(len(what["columns"]), penalty=what["penalty"])
    like = jax.eval_shape(jax.vmap(lambda key: network.init(key, None)), jax.random.split(jax.random.key(0)))
    return Refiner(network, checkpoint.load(folder.path / _FILE, like)[0], what["penalty"], evidence)
