"""``python -m experiments.scoreboards kg-refinement``: detectors and policies on wrong facts that none has seen."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from envs.queries import Task, load_task
from experiments.evaluation import interval
from experiments.refining import Draws, Judged, detectors, share_of, summary
from experiments.scoreboards.knowledge_options import place_of
from experiments.scoreboards.refined import (
    FROM_LABELS,
    LABELS,
    OTHER_FACTS,
    Refiner,
    draw_noise,
    judge,
    judge_apart,
    learn,
)
from experiments.scoreboards.refinement_options import KGRefine
from experiments.scoreboards.results import Note, Results, commit, entry, markdown
from lepton_rl.draw import SERIES
from lepton_rl.metrics import Known, Protocol, evaluate
from lepton_rl.ranking import RankerConfig, get_ranker
from lepton_rl.ranking.base import scorer
from lepton_rl.ranking.training import fit
from lepton_rl.triple_graph import from_triples

__all__ = ["figure", "run", "table"]

_SETTINGS = ("evidence", "seeds", "train", "valid", "split", "iterations", "epochs")
_HEAD = ["noise", "method", "P@K", "average precision [95 %]", "AUROC", "F1 at STOP [95 %]", "precision", "recall",
         "of 90 % sure wrong"]  # fmt: skip
_PREDICTOR = RankerConfig(width=256, batch_size=64, learning_rate=1e-2, weight_decay=0.3)

_ACROSS = 4  # panels of the picture

Cells = Mapping[str, Mapping[str, Any]]


def _predicted(task: Task, facts: np.ndarray, epochs: int) -> float:
    """The MRR of a short ComplEx on the task's held-out facts; some of those it is trained on choose the epoch."""
    N, R = task.num_entities, task.num_relations
    config, known = replace(_PREDICTOR, epochs=epochs), Known(task.known, N, R)
    ranker, graph = get_ranker("complex", config, N, R), from_triples(facts, N, R)
    fitted = fit(ranker, config, graph, np.random.default_rng(0).permutation(facts)[:64], known, jax.random.key(0))
    ranking = evaluate(scorer(ranker, fitted.params, graph), task.queries, known, Protocol())
    return ranking.metrics()["mrr"]


def _before_and_after(task: Task, judged: Judged, draws: Draws, epochs: int, note: Note) -> dict[str, Any]:
    """MRR of the link predictor on noisy graphs, on those that a method has cleaned, and on the clean graph."""
    rows: dict[str, list[float]] = {"noisy": [], "cleaned": []}
    base = np.asarray(draws.test.pool.graphs.base.triples)
    for i, gone in enumerate(judged.chosen):
        note(f"link predictor before and after, draw {i + 1} of {len(judged.chosen)}")
        facts = base[np.asarray(draws.test.pool.numbers[i])]
        rows["noisy"].append(_predicted(task, facts, epochs))
        rows["cleaned"].append(_predicted(task, facts[~gone], epochs))
    found = {name: entry(interval(np.array(values))) for name, values in rows.items()}
    gain = np.array(rows["cleaned"]) - np.array(rows["noisy"])
    return found | {"gain": entry(interval(gain)), "clean": _predicted(task, task.facts, epochs)}


def _measured(task: Task, draws: Draws, refiners: dict[str, Refiner], options: KGRefine, note: Note) -> dict[str, Any]:
    """The JSON of a cell: a row a method, the wrong facts of a draw, and the link predictor before and after."""
    families, wrong = options.chosen_evidence, np.asarray(draws.test.pool.wrong)
    judged = detectors(draws, draws, families) | {name: judge(refiner, draws) for name, refiner in refiners.items()}
    note("learning from labels of other facts")
    judged[OTHER_FACTS] = judge_apart(draws, refiners[LABELS].penalty)
    cell: dict[str, Any] = {
        "rows": {name: summary(one, draws.test) for name, one in judged.items()}, "commit": commit(),
        "facts": wrong.shape[1], "wrong": float(wrong.sum(1).mean()), "penalty": refiners[LABELS].penalty,
        "seconds": {name: one.seconds for name, one in refiners.items()},
    }  # fmt: skip
    if options.epochs:
        cell["link_predictor"] = _before_and_after(task, judged[FROM_LABELS], draws, options.epochs, note)
    return cell


def _moved(made: dict[str, tuple[Draws, dict[str, Refiner]]], families: tuple[str, ...]) -> dict[str, Any]:
    """What was trained on one data set on the noise of every other; thresholds are of where it was trained, too."""
    found = {}
    for source, (draws, refiners) in made.items():
        for target, (others, _) in made.items():
            if source != target:
                judged = detectors(draws, others, families)
                judged |= {name: judge(refiner, others) for name, refiner in refiners.items()}
                rows = {name: summary(one, others.test) for name, one in judged.items()}
                found[f"{source} → {target}"] = {"rows": rows, "commit": commit()}
    return found


def table(cells: Cells) -> str:
    """A Markdown table, a block a cell; under it, what the link predictor says."""
    lines, words = [], []
    for name, cell in cells.items():
        for method, row in cell["rows"].items():
            ap, one = row["average_precision"], row["f1"]
            sure = row.get("calibration")
            lines.append([
                name, method, f"{row['precision_at_k']['mean']:.3f}",
                f"{ap['mean']:.3f} [{ap['ci95'][0]:.3f}, {ap['ci95'][1]:.3f}]", f"{row['auroc']['mean']:.3f}",
                f"{one['mean']:.3f} [{one['ci95'][0]:.3f}, {one['ci95'][1]:.3f}]", f"{row['precision']:.3f}",
                f"{row['recall']:.3f}", share_of(sure["wrong_at_90"], sure["wrong_at_90_facts"]) if sure else "–",
            ])  # fmt: skip
        if "link_predictor" in cell:
            mrr, gain = cell["link_predictor"], cell["link_predictor"]["gain"]
            words.append(
                f"{name}: MRR of a short ComplEx {mrr['noisy']['mean']:.4f} on the noisy graph, "
                f"{mrr['cleaned']['mean']:.4f} cleaned ({gain['mean']:+.4f} [{gain['ci95'][0]:+.4f}, "
                f"{gain['ci95'][1]:+.4f}]), {mrr['clean']:.4f} on the clean one."
            )
    return "\n\n".join([markdown(_HEAD, lines), *words])


def figure(cells: Cells) -> Figure:
    """A panel a cell: average precision and F1 at STOP of every method, with intervals."""
    columns = min(max(len(cells), 1), _ACROSS)
    lines = max(-(-len(cells) // columns), 1)
    picture = Figure(figsize=(4.6 * columns, 3.2 * lines), layout="constrained")
    panels = picture.subplots(lines, columns, squeeze=False).ravel()
    for axes in panels[len(cells) :]:
        axes.set_axis_off()
    for axes, (name, cell) in zip(panels, cells.items(), strict=False):
        rows = cell["rows"]
        y = np.arange(len(rows))[::-1]
        for colour, marker, key, shift in ((SERIES[0], "o", "average_precision", 0.12), (SERIES[1], "s", "f1", -0.12)):
            axes.hlines(y + shift, *zip(*(row[key]["ci95"] for row in rows.values()), strict=True), color=colour)
            means = [row[key]["mean"] for row in rows.values()]
            axes.scatter(means, y + shift, color=colour, marker=marker, label=key.replace("_", " "), zorder=3, s=22)
        axes.set_yticks(y, list(rows))
        axes.set_title(name, fontsize=9)
        axes.set_xlim(0, 1)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=7, loc="lower left")
    return picture


def run(options: KGRefine, console: Console) -> int:
    """Measure the cells asked for, writing each as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, files that cannot be read, or a path that cannot be written.
    """
    settings = {name: asdict(options)[name] for name in _SETTINGS} | {"evidence": list(options.chosen_evidence)}
    settings["data"] = options.data.name if options.data else None
    results = Results(
        "kg_refinement", options, settings, ("cells", "transfer"),
        lambda content: table(content["cells"] | content["transfer"]),
        lambda content: {"kg_refinement": figure(content["cells"] | content["transfer"])},
    )  # fmt: skip
    tasks = {name: _task(name, options) for name in options.chosen_sets}  # all of it, before hours of training
    with console.status("") as status:
        for kind in options.kinds:
            for share in options.shares:
                made = {}
                for name, task in tasks.items():
                    draws = draw_noise(name, task, kind, share, options, status.update)
                    made[name] = draws, learn(draws, options, status.update)
                    cell = _measured(task, *made[name], options, status.update)
                    results.add("cells", f"{name}, {kind} {share:.0%}", cell)
                for name, cell in _moved(made, options.chosen_evidence).items() if options.transfer else ():
                    results.add("transfer", f"{name}, {kind} {share:.0%}", cell)
    results.finish(console)
    return 0


def _task(name: str, options: KGRefine) -> Task:
    """The training facts to be refined; the facts to predict are the validation's or the test's."""
    part = "test" if options.split == "test" else "valid"
    task, rest = (load_task(place_of(name, options.data), one, "tail") for one in (part, "test"))
    return task._replace(known=rest.known)  # nothing true of any part is put in as wrong
