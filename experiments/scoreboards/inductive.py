"""``python -m experiments.scoreboards inductive``: rankers trained on one graph answer on another of other entities.

The protocol of GraIL (Teru, Denis & Hamilton, ICML 2020): both sides of every held-out fact of the other graph, each
answer among 50 wrong ones. Relations are matched by name. Letters: N entities, R relations of the training graph.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from experiments.completing import Note, Task, task_of
from experiments.evaluation import interval
from experiments.scoreboards.knowledge_fits import config_of, fits, splits_of
from experiments.scoreboards.knowledge_options import INDUCTIVE_PUBLISHED, Inductive
from experiments.scoreboards.knowledge_tables import Rows, fill, panels
from experiments.scoreboards.results import Results, commit, entry, markdown
from lepton_rl.data import TripleSplits
from lepton_rl.metrics import Known, Protocol, evaluate
from lepton_rl.registry import near_match
from lepton_rl.triple_graph import TripleGraph, from_triples

__all__ = ["Elsewhere", "elsewhere", "figure", "measure", "run", "table"]

_HEAD = ["trained on", "method", "Hits@10 as measured [95 %]", "Hits@10 as published", "MRR", "side", "ties",
         "candidates", "split", "queries", "s a seed"]  # fmt: skip
_SETTINGS = ("split", "seeds", "draws", "epochs")


class Elsewhere:
    """Another graph with the relations of a training graph: its facts, what is asked about it, what is known.

    Attributes:
        graph: of the given facts. ``asked``: int[m, 3]. ``known``: facts of all its parts.
    """

    def __init__(self, graph: TripleGraph, asked: np.ndarray, known: Known) -> None:
        self.graph, self.asked, self.known = graph, asked, known


def elsewhere(train: TripleSplits, other: TripleSplits, split: str) -> Elsewhere:
    """Match relations by name.

    Raises:
        ValueError: a relation that training does not have.
    """
    slots = {relation: i for i, relation in enumerate(train.train.relations)}
    odd = [relation for relation in other.train.relations if relation not in slots]
    if odd:
        near = near_match(odd[0], slots)
        raise ValueError(f"{other.train.name}: the relation '{odd[0]}' is not in {train.train.name}.{near}")
    matched = np.array([slots[relation] for relation in other.train.relations])

    def renamed(triples: np.ndarray) -> np.ndarray:
        h, r, t = triples.T
        return np.stack([h, matched[r], t], axis=1)

    parts = {name: renamed(part.triples) for name, part in other.parts.items()}
    N, R = other.train.num_entities, train.train.num_relations
    return Elsewhere(from_triples(parts["train"], N, R), parts[split], Known(np.concatenate([*parts.values()]), N, R))


def measure(name: str, method: str, task: Task, there: Elsewhere, options: Inductive, note: Note) -> dict[str, Any]:
    """Train a ranker with every seed and rank answers on the other graph with every draw: the JSON of one row."""
    config = config_of(method, name, options)
    hits, mrr, seconds = [], [], []
    for trained in fits(method, config, task, range(options.seeds), note, Protocol("both")):
        seconds.append(trained.seconds)
        for draw in range(options.draws):
            protocol = Protocol("both", candidates="negatives", seed=draw)
            ranks = evaluate(trained.on(there.graph), there.asked, there.known, protocol).ranks()
            hits.append(ranks <= 10)
            mrr.append(float((1 / ranks).mean()))
    return {
        **entry(interval(np.stack(hits))), "seeds": [float(one.mean()) for one in hits], "mrr": float(np.mean(mrr)),
        "queries": 2 * len(there.asked), "protocol": str(protocol), "train_seconds": float(np.mean(seconds)),
        "split": options.split, "config": asdict(config), "commit": commit(),
    }  # fmt: skip


def _cells(name: str, method: str, row: Mapping[str, Any], draws: int) -> list[str]:
    low, high = row["ci95"]
    words = row["protocol"].split(", ")
    return [
        name, method, f"{row['mean']:.3f} [{low:.3f}, {high:.3f}], {len(row['seeds']) // draws} seeds × {draws} draws",
        "–", f"{row['mrr']:.3f}", words[0], words[2].removeprefix("ties "), words[3].removeprefix("against "),
        row["split"], f"{row['queries']}", f"{row['train_seconds']:.0f}",
    ]  # fmt: skip


def table(results: Mapping[str, Rows], draws: int) -> str:
    """A Markdown table: what was measured here, then what was published of the same data set."""
    lines: list[list[str]] = []
    for name, rows in results.items():
        lines += [_cells(name, method, row, draws) for method, row in rows.items()]
        for system, hits in INDUCTIVE_PUBLISHED.get(name, {}).items():
            rest = ["–", "heads and tails", "pessimistic", "50, the answer among them", "test", "–", "–"]
            lines.append([name, system, "–", f"{hits:.3f}", *rest])
    return markdown(_HEAD, lines)


def figure(results: Mapping[str, Rows]) -> Figure:
    """A panel a data set: hits and interval of every method; published values as open marks."""
    told = {name: list(systems.items()) for name, systems in INDUCTIVE_PUBLISHED.items()}
    return panels(results, told, "Hits@10 among 50")


def run(options: Inductive, console: Console) -> int:
    """Measure the data sets and methods asked for, writing each row as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, files that cannot be read, or a path that cannot be written.
    """
    given = asdict(options)
    settings = {name: given[name] for name in _SETTINGS} | {"data": options.data.name if options.data else None}
    results = Results(
        "inductive", options, settings, ("sets",), lambda content: table(content["sets"], options.draws),
        lambda content: {"inductive": figure(content["sets"])},
    )  # fmt: skip
    tasks = {name: task_of(splits_of(name, options)) for name in options.sets}
    others = {
        name: elsewhere(task.splits, splits_of(name + options.other, options), options.split)
        for name, task in tasks.items()
    }
    return fill(
        results, tasks, options.methods, console,
        lambda name, method, note: measure(name, method, tasks[name], others[name], options, note),
        lambda row: f"{row['mean']:.3f}",
    )  # fmt: skip
