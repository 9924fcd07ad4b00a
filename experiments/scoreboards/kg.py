"""``python -m experiments.scoreboards kg``: rankers beside published numbers, with the protocol of every row."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

from experiments.evaluation import interval
from experiments.scoreboards.knowledge_options import KG, PUBLISHED, WORLD, config_for
from experiments.scoreboards.results import earlier, source_commit
from lepton_rl.data import TripleSplits, load, read_splits
from lepton_rl.data.splits import split_triples
from lepton_rl.draw import SERIES, save_figure
from lepton_rl.files import atomic_write
from lepton_rl.metrics import Known, Protocol, evaluate
from lepton_rl.ranking import get_ranker
from lepton_rl.ranking.base import scorer
from lepton_rl.ranking.training import fit

__all__ = ["figure", "markdown", "measure", "run"]

_SETTINGS = ("split", "seeds", "side", "ties", "candidates", "epochs", "data")
_HEAD = ["data set", "method", "MRR as measured [95 %]", "MRR as published", "Hits@1", "Hits@10", "side", "ties",
         "candidates", "split", "queries (unseen)", "s a seed"]  # fmt: skip

Rows = Mapping[str, Mapping[str, Any]]


def _splits(name: str, options: KG) -> TripleSplits:
    if name == WORLD:
        return split_triples(load(WORLD), seed=0)
    assert options.data is not None
    return read_splits(options.data / name)


def measure(name: str, method: str, splits: TripleSplits, options: KG, note: Callable[[str], None]) -> dict[str, Any]:
    """Train a ranker with every seed (what is counted: once) and rank the held-out facts: the JSON of one row."""
    config = config_for(method, name)
    config = config if options.epochs is None else replace(config, epochs=options.epochs)
    graph = splits.train.to_triple_graph()
    facts = np.concatenate([part.triples for part in splits.parts.values()])
    known = Known(facts, graph.capacity, graph.num_relations)
    ranker = get_ranker(method, config, graph.capacity, graph.num_relations)
    held_out, begin = getattr(splits, options.split).triples, time.perf_counter()
    rankings = []
    for seed in range(options.seeds if ranker.trained else 1):
        def said(line: str, seed: int = seed) -> None:
            note(f"{name}, {method}, seed {seed}: {line}")

        fitted = fit(ranker, config, graph, splits.valid.triples, known, jax.random.key(seed),
                     replace(options.protocol, candidates="all"), said)  # fmt: skip
        score = scorer(ranker, fitted.params, graph)
        rankings.append(evaluate(score, held_out, known, options.protocol, train=splits.train.triples))
    metrics = [ranking.metrics() for ranking in rankings]
    mean, low, high = interval(np.stack([1 / ranking.ranks() for ranking in rankings]))
    return {
        **{key: float(np.mean([one[key] for one in metrics])) for key in metrics[0]},
        "mrr": mean, "ci95": [low, high], "seeds": [one["mrr"] for one in metrics],
        "train_seconds": (time.perf_counter() - begin) / len(rankings), "protocol": str(options.protocol),
        "split": options.split, "config": asdict(config), "commit": source_commit(),
    }  # fmt: skip


def _cells(name: str, method: str, row: Mapping[str, Any], options: KG) -> list[str]:
    low, high = row["ci95"]
    many = f", {len(row['seeds'])} seeds" if len(row["seeds"]) > 1 else ""
    words = row["protocol"].split(", ")  # side, filtered, ties …, against …
    return [
        name, method, f"{row['mrr']:.4f} [{low:.4f}, {high:.4f}]{many}", "–", f"{row['hits@1']:.3f}",
        f"{row['hits@10']:.3f}", words[0], words[2].removeprefix("ties "), words[3].removeprefix("against "),
        options.split, f"{row['queries']:.0f} ({row['unseen']:.0f})", f"{row['train_seconds']:.0f}",
    ]  # fmt: skip


def markdown(results: Mapping[str, Rows], options: KG) -> str:
    """A Markdown table: what was measured here, then what was published of the same data set, never in one row."""
    lines = [_HEAD, ["---"] * len(_HEAD)]
    for name, rows in results.items():
        lines += [_cells(name, method, row, options) for method, row in rows.items()]
        for told in PUBLISHED.get(name, ()):
            rest = ["–", "–", told.side, told.ties, told.candidates, "test", "–", "–"]
            lines.append([name, told.system, "–", f"{told.mrr:.3f}", *rest])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(results: Mapping[str, Rows], protocol: Protocol) -> Figure:
    """A panel a data set: mean reciprocal rank and interval of every method; published values as open marks."""
    picture = Figure(figsize=(5.5 * len(results), 3.4), layout="constrained")
    panels = picture.subplots(1, len(results), squeeze=False)[0]
    for axes, (name, rows) in zip(panels, results.items(), strict=True):
        told = PUBLISHED.get(name, ()) if protocol.side == "tail" and protocol.candidates == "all" else ()
        labels = [*rows, *(one.system for one in told)]
        y = np.arange(len(labels))[::-1]
        axes.hlines(y[: len(rows)], *zip(*(row["ci95"] for row in rows.values()), strict=True), color=SERIES[0], lw=2)
        axes.scatter([row["mrr"] for row in rows.values()], y[: len(rows)], color=SERIES[0], zorder=3)
        axes.scatter([one.mrr for one in told], y[len(rows) :], facecolors="none", edgecolors=SERIES[1], zorder=3)
        axes.set_yticks(y, labels)
        axes.set_title(name)
        axes.set_xlabel("mean reciprocal rank")
        axes.spines[["top", "right"]].set_visible(False)
    picture.suptitle(f"{protocol}\nfilled: as measured, open: as published (a beam's)", fontsize=8)
    return picture


def _settings(options: KG) -> dict[str, Any]:
    plain = asdict(options)
    return {name: plain[name] for name in _SETTINGS} | {"data": None if options.data is None else options.data.name}


def _write(content: dict[str, Any], options: KG) -> None:
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(options.json) as stream:
            json.dump(content, stream, indent=1)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        with atomic_write(options.output / "kg.md") as stream:
            stream.write(markdown(content["sets"], options) + "\n")


def run(options: KG, console: Console) -> int:
    """Measure the data sets and methods asked for, writing each row as it is finished; returns the exit status.

    Raises:
        ValueError, OSError: bad options, files that cannot be read, or a path that cannot be written.
    """
    settings = _settings(options)
    done = earlier(options.json, settings, _SETTINGS).get("sets", {})
    content: dict[str, Any] = {**settings, "sets": done}
    _write(content, options)
    data = {name: _splits(name, options) for name in options.chosen_sets}  # all of it, before hours of training
    with console.status("") as status:
        for name, splits in data.items():
            rows = content["sets"].setdefault(name, {})
            for method in options.methods:
                row = measure(name, method, splits, options, status.update)
                rows[method] = row
                _write(content, options)
                low, high = row["ci95"]
                console.print(f"{name}, {method}: MRR {row['mrr']:.4f} ({low:.4f} … {high:.4f})", highlight=False)
    if options.output is not None:
        save_figure(figure(content["sets"], options.protocol), options.output / "kg.png")
    console.print(markdown(content["sets"], options), markup=False, highlight=False, soft_wrap=True)
    return 0
