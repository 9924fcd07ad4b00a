"""``train --env KGCompletion``: a ranker that answers queries to knowledge graphs, kept for ``solve --query --run``.

It knows relations by name and no entity, so that it answers on the graph it was trained on as on others of the same
relations. Letters: N entities, R relations, Q queries.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from envs import rule_of
from envs.queries import read_splits_of
from experiments.answering import PROTOCOL, open_answers, picture, row, scale_of, table
from experiments.completing import Note, Task, by_rewards, task_of
from experiments.completion_settings import BY_REWARDS, FROM_TRAINED, NEAR, AgentConfig
from experiments.configs import Train, refuse_others
from experiments.display import Display, device
from experiments.folder import RunFolder, open_run
from experiments.judging import Completing
from experiments.knowledge_runs import conclude, kept_if_it_works, new_folder
from experiments.report import Section
from lepton_rl import checkpoint
from lepton_rl.calibration import Platt, calibrated
from lepton_rl.data import KnowledgeGraph
from lepton_rl.draw import save_figure
from lepton_rl.metrics import Known, Ranking, Score, evaluate
from lepton_rl.query_heads import log_odds
from lepton_rl.ranking import RankerConfig, default_config, get_ranker
from lepton_rl.ranking.base import Ranker, scorer
from lepton_rl.ranking.counts import counted
from lepton_rl.ranking.training import fit
from lepton_rl.registry import near_match
from lepton_rl.triple_graph import TripleGraph, from_triples

__all__ = ["Completer", "learn", "open_completer", "run"]

_FILE = f"policy{checkpoint.SUFFIX}"
_GIVEN = ("graph", "env", "completing", "teacher", "seed", "name", "runs_dir")  # what of the options counts here
_AGENTS = {"nbfnet": AgentConfig(BY_REWARDS), "nbfnet-near": NEAR}  # how what can learn by rewards does
_COUNTED = ("rules", "frequency")  # what is ranked beside it


class Completer(NamedTuple):
    """A trained ranker, and what its scores mean.

    Attributes:
        name: of the ranker. ``config``: its settings. ``relations``: R names, in the order of its numbers.
        scale: of the log-odds of a softmax among tails that are not stated.
    """

    name: str
    config: RankerConfig
    params: Any
    relations: tuple[str, ...]
    scale: Platt

    def ranker(self, num_entities: int) -> Ranker:
        """The ranker for graphs of N entities."""
        return get_ranker(self.name, self.config, num_entities, len(self.relations))

    def score(self, graph: TripleGraph) -> Score:
        """Scores of all entities as answers, on a graph whose relations have its numbers."""
        return scorer(self.ranker(graph.capacity), self.params, graph)

    def on(self, graph: KnowledgeGraph, note: Note) -> Score:
        """How likely every entity is an answer, in [0, 1], by the relations of ``graph``; others than its own are not
        read, and ``note`` is told.

        Raises:
            ValueError: no relation in common; or, when scores are asked for, a relation that it has not seen.
        """
        numbers = {name: number for number, name in enumerate(self.relations)}
        own = np.array([numbers.get(name, -1) for name in graph.relations])
        if (own < 0).all():
            near = near_match(graph.relations[0], self.relations)
            raise ValueError(f"the run knows none of the relations of {graph.name}.{near} Train on a graph like it.")
        odd = [name for name, number in zip(graph.relations, own, strict=True) if number < 0]
        if odd:
            note(f"not read, as the run does not know the relation: {', '.join(odd[:10])}{' …' if odd[10:] else ''}")
        h, r, t = graph.triples[own[graph.triples[:, 1]] >= 0].T
        facts, R = np.stack([h, own[r], t], 1), len(self.relations)
        likely = _probabilities(self, from_triples(facts, graph.num_entities, R), Known(facts, graph.num_entities, R))

        def score(entities: np.ndarray, relations: np.ndarray) -> np.ndarray:
            number = own[relations % len(own)]
            if (number < 0).any():
                name = graph.relations[int(relations[number < 0][0]) % len(own)]
                few = f"{', '.join(self.relations[:20])}{' …' if len(self.relations) > 20 else ''}"
                raise ValueError(f"the run has not seen the relation '{name}', but {few}: ask for one of these.")
            return likely(entities, np.where(relations < len(own), number, number + R))

        return score


def run(command: Train) -> int:
    """Train, rank held-out facts beside what is counted, and keep the ranker."""
    begun, display = time.perf_counter(), Display()
    refuse_others(command, _GIVEN)
    options, data = command.completing, command.graph or "world"
    if command.teacher != "labels" and options.ranker not in _AGENTS:
        raise ValueError(
            f"--teacher {command.teacher} trains {' or '.join(_AGENTS)}: give one of them instead of {options.ranker}."
        )
    task = task_of(read_splits_of(data))
    splits = task.splits
    for part in ("valid", "test"):
        if not len(splits.parts[part].triples):
            raise ValueError(f"{data}: the part '{part}' has no facts: what is learnt could not be judged.")
    folder = new_folder(command)
    settings = {
        "device": device(), "environment": command.env,
        "graph": f"{splits.train.name} ({splits.train.num_entities:,} entities, {splits.train.num_relations:,} "
        f"relations; {', '.join(f'{len(part.triples):,} {name}' for name, part in splits.parts.items())} facts)",
        "ranker": options.ranker, "teacher": command.teacher, "run": str(folder.path),
    }  # fmt: skip
    display.header("lepton_rl", settings)
    folder.write_config(command)
    with kept_if_it_works(folder):
        completer = learn(task, options, command.teacher, command.seed, display, folder)
    section = _report(folder, completer, task, display)
    title, use = f"{splits.train.name}: queries", f"--query QUESTION --graph {data}"
    conclude(folder, display, title, settings, section, begun, use)
    return 0


def learn(
    task: Task, options: Completing, teacher: str, seed: int, display: Display, folder: RunFolder | None = None
) -> Completer:
    """A ranker by labels, by rewards or by both (kept where that is better on validation facts); kept in ``folder``."""
    config = default_config(options.ranker)
    config = config if options.epochs is None else dataclasses.replace(config, epochs=options.epochs)
    agent = dataclasses.replace(_AGENTS.get(options.ranker, AgentConfig(BY_REWARDS)), ranker=config)
    if teacher == "both":
        agent = dataclasses.replace(agent, dqn=FROM_TRAINED)
    steps = (0 if teacher == "rewards" else config.epochs) + (0 if teacher == "labels" else agent.dqn.chunks)
    validation, params = dict[str, list[float]](), None
    with display.phase("train", steps) as phase:
        if teacher != "rewards":
            ranker = get_ranker(options.ranker, config, task.graph.capacity, task.graph.num_relations)
            fitted = fit(ranker, config, task.graph, task.splits.valid.triples, task.known, jax.random.key(seed),
                         PROTOCOL, phase.advance)  # fmt: skip
            validation["labels"], params = fitted.validation, fitted.params
        if teacher != "labels":
            params, validation["rewards"] = by_rewards(agent, task, seed, PROTOCOL, phase.advance, params)
    relations = tuple(task.splits.train.relations)
    completer = Completer(options.ranker, config, params, relations, Platt(1.0, 0.0))
    completer = completer._replace(scale=scale_of(_log_odds(completer, task.graph, task.stated), task))
    if folder is not None:
        what = {"ranker": completer.name, "config": dataclasses.asdict(config), "relations": relations,
                "scale": completer.scale._asdict()}  # fmt: skip
        checkpoint.save(folder.path / _FILE, params, what)
        folder.write_metrics([{"teacher": name, "validation": values} for name, values in validation.items()])
    return completer


def open_completer(path: Path) -> Completer:
    """The ranker of a run.

    Raises:
        ValueError: no run is there, or one of another environment.
    """
    folder, config = open_run(path)
    if rule_of(config.env) != "KGCompletion":
        raise ValueError(
            f"--run {path} was trained for {config.env}, which answers no queries: give a run of "
            "`train --env KGCompletion`, or leave out --run."
        )
    what = checkpoint.load_config(folder.path / _FILE)
    settings, relations = RankerConfig(**what["config"]), tuple(what["relations"])
    ranker = get_ranker(what["ranker"], settings, 1, len(relations))
    empty = from_triples(np.zeros((0, 3), int), 1, len(relations))
    params = checkpoint.load(folder.path / _FILE, jax.eval_shape(ranker.init, jax.random.key(0), empty))[0]
    return Completer(what["ranker"], settings, params, relations, Platt(**what["scale"]))


_batch_odds = jax.jit(jax.vmap(log_odds))


def _log_odds(completer: Completer, graph: TripleGraph, known: Known) -> Score:
    """Log-odds of a softmax among the tails that are not ``known``."""
    score = completer.score(graph)
    return lambda h, r: np.asarray(_batch_odds(np.asarray(score(h, r)), ~known.mask(h, r)), np.float64)


def _probabilities(completer: Completer, graph: TripleGraph, known: Known) -> Score:
    odds = _log_odds(completer, graph, known)
    return lambda h, r: calibrated(completer.scale, odds(h, r))


class _Method(NamedTuple):
    """What answers: scores, log-odds that the tails not stated are true, and what these mean."""

    score: Score
    odds: Score
    scale: Platt


def _methods(completer: Completer, task: Task) -> dict[str, _Method]:
    """The ranker, and what is counted."""
    found = {completer.name: _Method(completer.score(task.graph), _log_odds(completer, task.graph, task.stated),
                                     completer.scale)}  # fmt: skip
    for name in _COUNTED:
        score = counted(name, task.graph)
        found[name] = _Method(score, score, scale_of(score, task))
    return found


def _report(folder: RunFolder, completer: Completer, task: Task, display: Display) -> Section:
    """The table of all methods on test facts, written as ``result.json`` too, with the picture."""
    train, facts = task.splits.train.triples, task.splits.test.triples
    rankings, rows, sure = dict[str, Ranking](), dict[str, Any](), dict[str, tuple[np.ndarray, np.ndarray]]()
    with display.phase("evaluate", 1 + len(_COUNTED)) as phase:
        for name, method in _methods(completer, task).items():
            rankings[name] = evaluate(method.score, facts, task.known, PROTOCOL, train=train)
            found, stated, true = open_answers(method.odds, task, "test")
            likely = calibrated(method.scale, found)
            rows[name], sure[name] = row(rankings[name], likely, stated, true), (likely[~stated], true[~stated])
            phase.advance(name)
    folder.write_json("result.json", {"protocol": str(PROTOCOL), "rows": rows})
    path = save_figure(picture(rankings, *sure[completer.name]), folder.path / "answers.png", dpi=110)
    return table(rows, completer.name)._replace(pictures=[path])
