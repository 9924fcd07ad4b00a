"""``python -m experiments.scoreboards countries``: in which region a country lies, from neighbours and subregions.

The task of Bouchard, Singh & Trouillon (2015) as Rocktäschel & Riedel (2017) and MINERVA report it: every held-out
country is asked for, the five regions are the candidates, and the area under the precision–recall curve is over all
pairs of them. Letters: S seeds, Q queries.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from scipy.special import log_softmax

from experiments.completing import Note, Task, task_of
from experiments.evaluation import Interval
from experiments.scoreboards.knowledge_fits import config_of, fits, splits_of
from experiments.scoreboards.knowledge_options import COUNTRIES_PUBLISHED, INDUCTIVE, Countries
from experiments.scoreboards.knowledge_tables import Rows, fill, panels
from experiments.scoreboards.results import Results, commit, entry, markdown
from lepton_rl.data import TripleSplits
from lepton_rl.metrics import average_precision

__all__ = ["figure", "measure", "run", "spread_of", "table"]

_HEAD = ["data set", "method", "AUC-PR as measured [95 %]", "AUC-PR as published", "regions right", "candidates",
         "split", "queries", "s a seed"]  # fmt: skip
_SETTINGS = ("split", "seeds", "epochs")
REGIONS = "regions.list"


def _regions(name: str, splits: TripleSplits, options: Countries) -> np.ndarray:
    """Slots of the regions, which a file beside the parts names."""
    assert options.data is not None
    path = options.data / name / REGIONS
    slots = {entity: i for i, entity in enumerate(splits.train.entities)}
    named = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    missing = [region for region in named if region not in slots]
    if missing or not named:
        raise ValueError(f"{path}: " + (f"'{missing[0]}' is no entity of the graph." if missing else "no region."))
    regions = np.array([slots[region] for region in named])
    odd = ~np.isin(getattr(splits, options.split).triples[:, 2], regions)
    if odd.any():
        fact = " ".join(getattr(splits, options.split).facts(np.flatnonzero(odd)[:1])[0])
        raise ValueError(f"{name}: the tail of '{fact}' is none of the regions in {path}.")
    return regions


def spread_of(scores: np.ndarray, labels: np.ndarray, resamples: int = 2000, seed: int = 0) -> Interval:
    """The mean over seeds of the area of f[S, Q, 5] scores and its 95 % percentile bootstrap: seeds and queries."""
    rng = np.random.default_rng(seed)
    S, Q = scores.shape[:2]
    means = []
    for _ in range(resamples):
        queries, seeds = rng.integers(Q, size=Q), rng.integers(S, size=S)
        areas = np.array([average_precision(one[queries], labels[queries]) for one in scores])
        means.append(areas[seeds].mean())
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(np.mean([average_precision(one, labels) for one in scores])), float(low), float(high))


def measure(
    name: str, method: str, task: Task, regions: np.ndarray, options: Countries, note: Note
) -> dict[str, Any]:
    """Train a ranker with every seed and score the regions of the held-out countries: the JSON of one row.

    What reads the graph is asked for regions alone, as MINERVA is; embeddings learn nothing of what is not asked.
    """
    config = config_of(method, name, options)
    asked = np.flatnonzero(np.isin(task.splits.train.triples[:, 2], regions)) if method in INDUCTIVE else None
    h, r, t = getattr(task.splits, options.split).triples.T
    labels, scores, seconds = regions == t[:, None], [], []
    for trained in fits(method, config, task, range(options.seeds), note, asked=asked):
        found = np.asarray(trained.on(task.graph)(h, r))[:, regions]
        # Cross entropy leaves open what is added to all scores of a query; areas compare queries.
        scores.append(log_softmax(found, axis=1) if trained.ranker.trained else found)
        seconds.append(trained.seconds)
    every = np.stack(scores)
    return {
        **entry(spread_of(every, labels)), "seeds": [average_precision(one, labels) for one in every],
        "right": float((every.argmax(-1) == labels.argmax(-1)).mean()), "queries": len(t), "regions": len(regions),
        "train_seconds": float(np.mean(seconds)), "split": options.split, "config": asdict(config), "commit": commit(),
    }  # fmt: skip


def _cells(name: str, method: str, row: Mapping[str, Any]) -> list[str]:
    low, high = row["ci95"]
    many = f", {len(row['seeds'])} seeds" if len(row["seeds"]) > 1 else ""
    return [
        name, method, f"{row['mean']:.3f} [{low:.3f}, {high:.3f}]{many}", "–", f"{row['right']:.3f}",
        f"{row['regions']} regions", row["split"], f"{row['queries']}", f"{row['train_seconds']:.0f}",
    ]  # fmt: skip


def table(results: Mapping[str, Rows]) -> str:
    """A Markdown table: what was measured here, then what was published of the same data set."""
    lines: list[list[str]] = []
    for name, rows in results.items():
        lines += [_cells(name, method, row) for method, row in rows.items()]
        for system, area in COUNTRIES_PUBLISHED.get(name, {}).items():
            lines.append([name, system, "–", f"{area:.3f}", "–", "5 regions", "test", "24", "–"])
    return markdown(_HEAD, lines)


def figure(results: Mapping[str, Rows]) -> Figure:
    """A panel a data set: the area and interval of every method; published values as open marks."""
    told = {name: list(systems.items()) for name, systems in COUNTRIES_PUBLISHED.items()}
    return panels(results, told, "area under precision–recall")


def run(options: Countries, console: Console) -> int:
    """Measure the data sets and methods asked for, writing each row as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, files that cannot be read, or a path that cannot be written.
    """
    given = asdict(options)
    settings = {name: given[name] for name in _SETTINGS} | {"data": options.data.name if options.data else None}
    results = Results(
        "countries", options, settings, ("sets",), lambda content: table(content["sets"]),
        lambda content: {"countries": figure(content["sets"])},
    )  # fmt: skip
    tasks = {name: task_of(splits_of(name, options)) for name in options.sets}
    regions = {name: _regions(name, task.splits, options) for name, task in tasks.items()}
    return fill(
        results, tasks, options.methods, console,
        lambda name, method, note: measure(name, method, tasks[name], regions[name], options, note),
        lambda row: f"{row['mean']:.3f}",
    )  # fmt: skip
