"""``train --env KGCompletion``: a ranker that answers queries to knowledge graphs, kept for ``solve --query --run``.

It knows relations by name and no entity, so that it answers on the graph it was trained on as on others of the same
relations. Letters: N entities, R relations, Q queries.
"""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from matplotlib.figure import Figure

from envs import rule_of
from envs.queries import read_splits_of
from experiments.completing import Note, Task, by_rewards, task_of
from experiments.completion_settings import BY_REWARDS, FROM_TRAINED, AgentConfig, Completing
from experiments.configs import Train, refuse_others
from experiments.display import Display, device
from experiments.evaluation import interval
from experiments.folder import RunFolder, free_name, make_folder, open_run, stem
from experiments.learning import kept_if_learnt
from experiments.refining import share_of
from experiments.report import Section, page
from lepton_rl import checkpoint
from lepton_rl.calibration import Platt, calibrated, platt
from lepton_rl.data import KnowledgeGraph
from lepton_rl.detection import reliability
from lepton_rl.draw import SERIES, save_figure
from lepton_rl.metrics import Known, Protocol, Ranking, Score, evaluate, queries_of
from lepton_rl.query_heads import log_odds
from lepton_rl.ranking import RankerConfig, default_config, get_ranker
from lepton_rl.ranking.base import Ranker, scorer
from lepton_rl.ranking.training import fit
from lepton_rl.registry import near_match
from lepton_rl.triple_graph import TripleGraph, from_triples

__all__ = ["Completer", "learn", "open_completer", "run"]

_FILE = f"policy{checkpoint.SUFFIX}"
_GIVEN = ("graph", "env", "completing", "teacher", "seed", "name", "runs_dir")  # what of the options counts here
_COUNTED = ("rules", "frequency")  # what is ranked beside it
_PROTOCOL = Protocol("both")
_ANSWERS = 1 << 21  # of as many candidates probabilities are fitted and judged
_BATCH = 32
_MOST = 50  # answers that the picture looks at


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
    if command.teacher != "labels" and options.ranker != "nbfnet":
        raise ValueError(f"--teacher {command.teacher} trains nbfnet alone: leave out --ranker {options.ranker}.")
    task = task_of(read_splits_of(data))
    splits = task.splits
    for part in ("valid", "test"):
        if not len(splits.parts[part].triples):
            raise ValueError(f"{data}: the part '{part}' has no facts: what is learnt could not be judged.")
    folder = RunFolder(make_folder(command.runs_dir / (command.name or free_name(
        command.runs_dir, f"KGCompletion-{stem(data)}"))))  # fmt: skip
    settings = {
        "device": device(), "environment": command.env,
        "graph": f"{splits.train.name} ({splits.train.num_entities:,} entities, {splits.train.num_relations:,} "
        f"relations; {', '.join(f'{len(part.triples):,} {name}' for name, part in splits.parts.items())} facts)",
        "ranker": options.ranker, "teacher": command.teacher, "run": str(folder.path),
    }  # fmt: skip
    display.header("lepton_rl", settings)
    folder.write_config(command)
    try:
        with kept_if_learnt(folder):
            completer = learn(task, options, command.teacher, command.seed, display, folder)
    except ValueError:
        folder.discard()
        raise
    section = _report(folder, completer, task, display)
    display.table(section.title, section.head, section.rows, section.bold)
    display.note(section.text)
    folder.write("report.html", page(f"{splits.train.name}: queries", settings, [section]))
    display.say(f"\n{folder.path / 'report.html'}  ({time.perf_counter() - begun:.0f} s in all)")
    display.say(f"python -m experiments.run solve --graph {data} --run {folder.path} --query QUESTION")
    return 0


def learn(
    task: Task, options: Completing, teacher: str, seed: int, display: Display, folder: RunFolder | None = None
) -> Completer:
    """A ranker by labels, by rewards or by both (kept where that is better on validation facts); kept in ``folder``."""
    config = default_config(options.ranker)
    config = config if options.epochs is None else dataclasses.replace(config, epochs=options.epochs)
    agent = AgentConfig(BY_REWARDS if teacher == "rewards" else FROM_TRAINED, config)
    steps = (0 if teacher == "rewards" else config.epochs) + (0 if teacher == "labels" else agent.dqn.chunks)
    validation, params = dict[str, list[float]](), None
    with display.phase("train", steps) as phase:
        if teacher != "rewards":
            ranker = get_ranker(options.ranker, config, task.graph.capacity, task.graph.num_relations)
            fitted = fit(ranker, config, task.graph, task.splits.valid.triples, task.known, jax.random.key(seed),
                         _PROTOCOL, phase.advance)  # fmt: skip
            validation["labels"], params = fitted.validation, fitted.params
        if teacher != "labels":
            params, validation["rewards"] = by_rewards(agent, task, seed, _PROTOCOL, phase.advance, params)
    relations = tuple(task.splits.train.relations)
    completer = Completer(options.ranker, config, params, relations, Platt(1.0, 0.0))
    completer = completer._replace(scale=platt(*_odds(completer, task, "valid")))
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


def _odds(completer: Completer, task: Task, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds f64[m] of tails that training does not state, of some queries of a part, and which are true bool[m]."""
    N, R = task.graph.capacity, task.graph.num_relations
    stated, odds = Known(task.splits.train.triples, N, R), []
    queries = np.unique(queries_of(task.splits.parts[part].triples, R, "both")[:, :2], axis=0)
    queries = np.random.default_rng(0).permutation(queries)[: max(_ANSWERS // N, _BATCH)]
    score = _log_odds(completer, task.graph, stated)
    for begin in range(0, len(queries), _BATCH):
        some = queries[begin : begin + _BATCH]
        odds.append(score(*np.resize(some, (_BATCH, 2)).T)[: len(some)])
    open_ = ~stated.mask(*queries.T)
    return np.concatenate(odds)[open_], task.known.mask(*queries.T)[open_]


def _report(folder: RunFolder, completer: Completer, task: Task, display: Display) -> Section:
    """The table of all methods on test facts, written as ``result.json`` too, with the picture."""
    facts, rankings = task.splits.test.triples, dict[str, Ranking]()
    N, R = task.graph.capacity, task.graph.num_relations
    with display.phase("evaluate", 1 + len(_COUNTED)) as phase:
        for name in (completer.name, *_COUNTED):
            score = completer.score(task.graph)
            if name != completer.name:
                ranker = get_ranker(name, default_config(name), N, R)
                score = scorer(ranker, ranker.init(jax.random.key(0), task.graph), task.graph)
            rankings[name] = evaluate(score, facts, task.known, _PROTOCOL, train=task.splits.train.triples)
            phase.advance(name)
    odds, true = _odds(completer, task, "test")
    sure = calibrated(completer.scale, odds)
    rows = {name: one.metrics() | {"ci95": interval(1 / one.ranks())[1:]} for name, one in rankings.items()}
    about = (sure >= 0.85) & (sure < 0.95)
    said = share_of(float(true[about].mean()) if about.any() else None, int(about.sum()))
    result = {"protocol": str(_PROTOCOL), "rows": rows, "error": reliability(sure, true).error, "at_90": said}
    folder.write_json("result.json", result)
    path = save_figure(_picture(rankings, sure, true), folder.path / "answers.png", dpi=110)
    return _table(rows, completer.name, said)._replace(pictures=[path])


def _table(rows: Mapping[str, Mapping[str, Any]], own: str, said: str) -> Section:
    order = sorted(rows, key=lambda name: -rows[name]["mrr"])
    lines = [
        (name, f"{row['mrr']:.3f} [{row['ci95'][0]:.3f}, {row['ci95'][1]:.3f}]",
         *(f"{row[f'hits@{k}']:.3f}" for k in (1, 3, 10)), said if name == own else "–")
        for name, row in ((name, rows[name]) for name in order)
    ]  # fmt: skip
    title = f"Where the answers of {rows[own]['queries']:,.0f} held-out queries come"
    text = (
        f"{_PROTOCOL}. Intervals of 95 % over queries. The last column says how many of the answers called 85–95 % "
        "sure are facts of the data set; true ones that it lacks count as wrong."
    )
    head = ("method", "MRR [95 %]", "Hits@1", "Hits@3", "Hits@10", "90 % sure: true")
    return Section(title, text, head, lines, (order.index(own),))


def _picture(rankings: Mapping[str, Ranking], sure: np.ndarray, true: np.ndarray) -> Figure:
    """How many answers are among the first k of every method, and what the probabilities mean."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    places = np.arange(1, _MOST + 1)
    for colour, (name, one) in zip(SERIES, rankings.items(), strict=False):
        ranks = one.ranks()
        left.plot(places, [(ranks <= k).mean() for k in places], color=colour, linewidth=1.6, label=name)
    bins = reliability(sure, true)
    there = bins.counts > 0
    right.plot([0, 1], [0, 1], color="#b4b4b4", linewidth=1, linestyle=":")
    right.plot(bins.said[there], bins.so[there], color=SERIES[0], linewidth=1, marker="o", markersize=5)
    for said, so, count in zip(bins.said[there], bins.so[there], bins.counts[there], strict=True):
        right.annotate(f"{count:,}", (said, so), xytext=(6, -9), textcoords="offset points", fontsize=7)
    left.set(xscale="log", xlabel="first so many answers", ylabel="share of queries whose answer is among them")
    left.set(xticks=[1, 2, 5, 10, 20, 50], xticklabels=["1", "2", "5", "10", "20", "50"], ylim=(-0.02, 1.02))
    right.set(xlabel="how sure an answer is", ylabel="share that is true (and how many)", xlim=(-0.02, 1.05),
              ylim=(-0.02, 1.05))  # fmt: skip
    left.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure
